"""VMware Tools' own commands, and ssh-keygen."""

import posixpath

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()


@command("vmtoolsd", "vmware-rpctool")
async def vmtoolsd(call: Call) -> int:
    """`info-set guestinfo.NAME VALUE` and `info-get guestinfo.NAME`: what vCenter shows, and what vCD says."""
    request = call.arguments[-1] if call.arguments else ""
    verb, _, key = request.partition(" ")
    if "--version" in call.arguments or "-v" in call.arguments:
        await call.out("VMware Tools daemon, version 10.2.0.1608")
        return 0
    name, _, value = key.removeprefix("guestinfo.").partition(" ")
    if verb == "info-set" and name:
        call.guest.set_information(name, value)
    elif verb == "info-get":
        properties = {**call.guest.spec.guest_properties, **call.guest.information}
        if name not in properties:
            raise UsageError("No value found")
        await call.out(properties[name])
    else:
        raise UsageError(f"{call.name}: the simulator's tools know info-set and info-get, not {verb[:40]!r}")
    return 0


@command("vmware-toolbox-cmd")
async def toolbox(call: Call) -> int:
    """`-v`, and accepted for the rest."""
    if "-v" in call.arguments:
        await call.out("10.2.0.1608 (build-7253323)")
    return 0


@command("ssh-keygen")
async def ssh_keygen(call: Call) -> int:
    """Make the machine's keys (-A), or one key (-f)."""
    options = parse(call.arguments, values=("f", "t", "N", "C", "b", "R", "l"), lenient=True)
    if options.has("R"):
        return 0
    paths = (
        ["/etc/ssh/ssh_host_ed25519_key"]
        if options.has("A")
        else [call.path(options.last("f", "/root/.ssh/id_ed25519"))]
    )
    for path in paths:
        if await call.exists(path):
            if options.has("A"):
                continue
            raise UsageError(f"{path} already exists.\nOverwrite (y/n)? ")
        if posixpath.dirname(path).endswith("/.ssh"):
            await call.execute("mkdir", "-p", "-m", "700", posixpath.dirname(path))
        key = ed25519.Ed25519PrivateKey.generate()
        encoding, plain = serialization.Encoding, serialization.NoEncryption()
        private = key.private_bytes(encoding.PEM, serialization.PrivateFormat.OpenSSH, plain).decode()
        public = key.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
        await call.write(path, private, mode="0600")
        await call.write(f"{path}.pub", f"{public} {options.last('C', f'root@{call.guest.hostname}')}\n")
    return 0
