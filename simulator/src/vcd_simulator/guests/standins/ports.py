"""Who listens and who holds what: ss, netstat, nc, fuser, lsof and killall."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import serves
from vcd_simulator.guests.kubernetes.cluster import API_PORT
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

command = Commands()

_SERVICES = ((22, "sshd", ("ssh", "sshd")), (111, "rpcbind", ("rpcbind",)), (2049, "nfsd", ("nfs-server",)))
_CONTROL_PLANE = ((2379, "etcd"), (2380, "etcd"), (API_PORT, "kube-apiserver"))
_KUBELET_PORT = 10250


def listening(guest: "Guest") -> dict[int, str]:
    """Programs by the TCP port at which they answer other machines."""
    if not guest.is_up:
        return {}
    found = {port: program for port, program, units in _SERVICES if guest.services.is_active(*units)}
    if serves(guest):
        found |= dict(_CONTROL_PLANE)
    if guest.joined is not None and guest.services.is_active("kubelet"):
        found[_KUBELET_PORT] = "kubelet"
    return dict(sorted(found.items()))


@command("ss", "netstat")
async def sockets(call: Call) -> int:
    """The ports at which the machine listens; there are no connections to show."""
    letters = "".join(word[1:] for word in call.arguments if word.startswith("-") and not word.startswith("--"))
    words = {word for word in call.arguments if word.startswith("--")}
    shows = ("l" in letters or "a" in letters or bool(words & {"--listening", "--all"})) and (
        "t" in letters or "--tcp" in words or "u" not in letters
    )
    programs = "p" in letters or bool(words & {"--processes", "--program", "--programs"})
    found = {port: name if programs else "" for port, name in listening(call.guest).items()} if shows else {}
    lines = _ss(found, heading="H" not in letters) if call.name == "ss" else _netstat(found)
    await call.out("".join(f"{line.rstrip()}\n" for line in lines))
    return 0


def _ss(found: Mapping[int, str], *, heading: bool) -> Iterator[str]:
    if heading:
        yield "State   Recv-Q  Send-Q  Local Address:Port  Peer Address:Port  Process"
    for port, name in found.items():
        program = f'users:(("{name}"))' if name else ""
        yield f"LISTEN  0       128     0.0.0.0:{port:<12}0.0.0.0:*          {program}"


def _netstat(found: Mapping[int, str]) -> Iterator[str]:
    yield "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name"
    for port, name in found.items():
        program = f"-/{name}" if name else "-"
        yield f"tcp        0      0 0.0.0.0:{port:<16}0.0.0.0:*               LISTEN      {program}"


@command("nc", "ncat", "netcat")
async def nc(call: Call) -> int:
    """`nc -z HOST PORT…`: whether other machines listen there."""
    options = parse(
        call.arguments,
        values=("wait",),
        short={"z": "zero", "v": "verbose", "w": "wait", "n": "numeric", "u": "udp", "l": "listen", "4": "four"},
        lenient=True,
    )
    if not options.has("zero") or options.has("listen") or options.has("udp"):
        raise UsageError(f"{call.name}: the simulator's {call.name} only looks whether a TCP port is open (-z)")
    host, *ports = options.words or [""]
    if not ports or not all(port.isdecimal() and len(port) < 6 for port in ports):
        raise UsageError(f"usage: {call.name} -z [-v] [-w timeout] destination port")
    target = call.guest.platform.networks.find(call.guest, host)
    code = 0
    for port in ports:
        is_open = target is not None and int(port) in listening(target)
        code |= not is_open
        if options.has("verbose"):
            reason = "No route to host" if target is None else "Connection refused"
            await call.error(
                f"Connection to {host} {port} port [tcp/*] succeeded!"
                if is_open
                else f"{call.name}: connect to {host} port {port} (tcp) failed: {reason}"
            )
    return code


@command("fuser", "lsof")
async def holders(_call: Call) -> int:
    """Nobody holds a file: the locks of package managers, which scripts ask for, are always free."""
    return 1


@command("killall")
async def killall(call: Call) -> int:
    """The programs of a name in the caller's own sandbox, which is all that it sees."""
    names = [word for word in call.arguments if not word.startswith("-")]
    flags = [word for word in call.arguments if word.startswith("-") and word not in ("-q", "-w", "-I", "--quiet")]
    if not names:
        raise UsageError("Usage: killall [OPTION]... [--] NAME...")
    code = 0
    for name in names:
        code |= await call.execute("pkill", *flags, "-x", "--", name)
    return code
