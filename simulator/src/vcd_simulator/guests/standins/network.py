"""The network: addresses and links, the names of the machine, ping."""

import ipaddress
import zlib

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_LOOPBACK = (
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1\n"
    "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
    "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
)
_PREFIX = 24
_LINK = (
    "{}: {}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n"
    "    link/ether {} brd ff:ff:ff:ff:ff:ff"
)


@command("ip")
async def ip(call: Call) -> int:
    """`ip addr`, `ip link`, `ip route` and `ip route get`, in long and one-line form; changes to them are accepted."""
    options = [word for word in call.arguments if word.startswith("-")]
    words = [word for word in call.arguments if not word.startswith("-")]
    what, rest = (words[0], words[1:]) if words else ("", [])
    one_line = "-o" in options or "-oneline" in options or "-br" in options
    only_v6 = "-6" in options
    if what and "address".startswith(what):
        return await _addresses(call, rest, one_line=one_line, only_v6=only_v6)
    if what and "link".startswith(what):
        return await _links(call, rest)
    if what and "route".startswith(what):
        return await _routes(call, rest)
    if what in ("netns", "neigh", "rule", "tunnel"):
        return 0
    raise UsageError(f'Object "{what}" is unknown, try "ip help".', 1)


async def _addresses(call: Call, rest: list[str], *, one_line: bool, only_v6: bool) -> int:
    if rest and rest[0] in ("add", "del", "replace", "flush", "change"):
        return 0
    wanted = _device(rest)
    cards = _cards(call)
    if wanted and wanted != "lo" and wanted not in [name for name, _, _ in cards]:
        raise UsageError(f'Device "{wanted}" does not exist.', 1)
    if only_v6:
        return 0
    global_only = "scope" in rest and "global" in rest
    if wanted in ("", "lo") and not global_only:
        await call.out(
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever"
            if one_line
            else _LOOPBACK
        )
    for number, (name, address, mac) in enumerate(cards, 2):
        if wanted in ("", name):
            inet = f"inet {address}/{_PREFIX} brd {_broadcast(address)} scope global {name}"
            tail = "valid_lft forever preferred_lft forever"
            if one_line:
                await call.out(f"{number}: {name}    {inet}\\       {tail}")
            else:
                await call.out(f"{_LINK.format(number, name, mac)}\n    {inet}\n       {tail}")
    return 0


async def _links(call: Call, rest: list[str]) -> int:
    if rest and rest[0] in ("set", "add", "del", "delete"):
        return 0
    for number, (name, _address, mac) in enumerate(_cards(call), 2):
        await call.out(_LINK.format(number, name, mac))
    return 0


async def _routes(call: Call, rest: list[str]) -> int:
    cards = _cards(call)
    if rest and rest[0] in ("add", "del", "replace", "flush"):
        return 0
    if rest and rest[0] == "get":
        target = next((word for word in rest[1:] if word[:1].isdecimal()), "")
        if not cards:
            raise UsageError("RTNETLINK answers: Network is unreachable", 2)
        name, address, _mac = cards[0]
        await call.out(f"{target} via {_gateway(address)} dev {name} src {address} \n    cache")
        return 0
    for number, (name, address, _mac) in enumerate(cards):
        if number == 0:
            await call.out(f"default via {_gateway(address)} dev {name} proto static")
        if "default" not in rest:
            await call.out(f"{_network(address)} dev {name} proto kernel scope link src {address}")
    return 0


def _device(rest: list[str]) -> str:
    """The card that `show NAME` or `dev NAME` means."""
    words = [
        word for word in rest if word not in ("show", "list", "ls", "sh", "dev", "scope", "global", "primary", "up")
    ]
    return words[0] if words else ""


def _cards(call: Call) -> list[tuple[str, str, str]]:
    """Name, address and hardware address of every card."""
    guest = call.guest
    first = "ens192" if guest.packages.family == "debian" else "eth0"
    names = [first, *(f"ens{224 + 32 * n}" if first == "ens192" else f"eth{n + 1}" for n in range(9))]
    found = []
    for number, address in enumerate(guest.spec.ip_addresses[:10]):
        digits = f"{zlib.crc32(f'{guest.moid} {number}'.encode()):08x}"
        found.append((names[number], address, f"00:50:56:{int(digits[:2], 16) & 63:02x}:{digits[2:4]}:{digits[4:6]}"))
    return found


def _network(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(f"{address}/{_PREFIX}", strict=False)


def _gateway(address: str) -> str:
    return str(_network(address).network_address + 1)


def _broadcast(address: str) -> str:
    return str(_network(address).broadcast_address)


@command("hostname")
async def hostname(call: Call) -> int:
    """Show or set the machine's name; `-I` and `-i` show its addresses."""
    options = parse(
        call.arguments,
        values=("file",),
        switches=("fqdn", "short", "all-ip-addresses", "ip-address", "domain", "long"),
        short={"f": "fqdn", "s": "short", "I": "all-ip-addresses", "i": "ip-address", "d": "domain", "F": "file"},
    )
    guest = call.guest
    if options.words or options.last("file"):
        name = options.words[0] if options.words else (await call.read(call.path(options.last("file")))).strip()
        guest.set_hostname(name)
    elif options.has("all-ip-addresses"):
        await call.out(" ".join(guest.spec.ip_addresses) + " ")
    elif options.has("ip-address"):
        await call.out(" ".join(guest.spec.ip_addresses[:1]) or "127.0.1.1")
    else:
        await call.out(guest.hostname.partition(".")[0] if options.has("short") else guest.hostname)
    return 0


@command("hostnamectl")
async def hostnamectl(call: Call) -> int:
    """`hostnamectl [status]` and `set-hostname NAME`."""
    words = [word for word in call.arguments if not word.startswith("-")]
    if words[:1] in (["set-hostname"], ["hostname"]) and len(words) > 1:
        call.guest.set_hostname(words[1])
    elif words[:1] in ([], ["status"]):
        await call.out(
            f"   Static hostname: {call.guest.hostname}\n         Icon name: computer-vm\n    Virtualization: vmware"
        )
    else:
        raise UsageError(f"Unknown operation {' '.join(words)}")
    return 0


@command("resolvconf", family="debian")
async def resolvconf(call: Call) -> int:
    """`-u`: make /etc/resolv.conf of its parts."""
    options = parse(call.arguments, short={"u": "update"}, lenient=True)
    if not options.has("update"):
        raise UsageError("Usage: resolvconf -u", 99)
    directory = "/etc/resolvconf/resolv.conf.d"
    present = await call.names_in(directory)
    parts = [await call.read(f"{directory}/{name}") for name in ("head", "base", "tail") if name in present]
    await call.write("/etc/resolv.conf", "".join(parts))
    return 0


@command("ping", "ping6")
async def ping(call: Call) -> int:
    """Answers of guests on the same networks."""
    options = parse(call.arguments, values=("c", "W", "w", "i", "I", "s"), lenient=True)
    target = options.words[-1] if options.words else ""
    if not target:
        raise UsageError("ping: usage error: Destination address required", 2)
    if not target.replace(".", "").isdecimal() and target != "localhost":
        raise UsageError(f"ping: {target}: Name or service not known", 2)
    found = call.guest.platform.networks.find(call.guest, target)
    count = int(options.last("c", "1")) if options.last("c", "1").isdecimal() else 1
    await call.out(f"PING {target} ({target}) 56(84) bytes of data.")
    if found is None:
        await call.out(f"\n--- {target} ping statistics ---\n{count} packets transmitted, 0 received, 100% packet loss")
        return 1
    for number in range(1, min(count, 100) + 1):
        await call.out(f"64 bytes from {target}: icmp_seq={number} ttl=64 time=0.2 ms")
    await call.out(f"\n--- {target} ping statistics ---\n{count} packets transmitted, {count} received, 0% packet loss")
    return 0
