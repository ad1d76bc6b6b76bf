"""The distribution: its name, the keys of its repositories, and settings without a meaning here."""

import re

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_FINGERPRINT = re.compile(r"^Fingerprint: ([0-9A-F]{40})$", re.MULTILINE)


@command("gpg", "gpg2", "rpmkeys")
async def gpg(call: Call) -> int:
    """Show the fingerprint of a key, and turn an armoured key into a key ring."""
    options = parse(
        call.arguments,
        values=("output", "keyring", "recv-keys", "keyserver", "homedir"),
        switches=(
            "dearmor",
            "with-colons",
            "with-fingerprint",
            "import",
            "batch",
            "yes",
            "no-tty",
            "quiet",
            "show-keys",
        ),
        short={"o": "output", "q": "quiet"},
        lenient=True,
    )
    path = options.words[0] if options.words else "-"
    text = await call.standard_input() if path == "-" else await call.read(call.path(path))
    if "PGP PUBLIC KEY" not in text:
        raise UsageError("gpg: no valid OpenPGP data found.", 2)
    if options.has("dearmor"):
        target = options.last("output", "-")
        if target == "-":
            await call.out_exactly(text)
        else:
            await call.write(call.path(target), text)
        return 0
    found = _FINGERPRINT.search(text)
    fingerprint = found[1] if found else "0" * 40
    if options.has("with-colons"):
        await call.out(f"pub:-:4096:1:{fingerprint[-16:]}:1487788586:::-:\nfpr:::::::::{fingerprint}:")
    else:
        await call.out(f"pub   rsa4096 2017-02-22 [SCEA]\n      {fingerprint}")
    return 0


@command("lsb_release", family="debian")
async def lsb_release(call: Call) -> int:
    """The distribution's name, number and code name."""
    options = parse(
        call.arguments,
        short={"a": "all", "c": "codename", "s": "short", "i": "id", "r": "release", "d": "description"},
        lenient=True,
    )
    text = call.guest.image.distribution.files.get("etc/lsb-release", "")
    values = dict(line.partition("=")[::2] for line in text.splitlines())
    titles = {"id": "Distributor ID", "description": "Description", "release": "Release", "codename": "Codename"}
    for name, title in titles.items():
        if options.has(name) or options.has("all"):
            value = values.get(f"DISTRIB_{name.upper()}", "").strip('"')
            await call.out(value if options.has("short") else f"{title}:\t{value}")
    return 0


@command(
    "update-ca-certificates",
    "update-alternatives",
    "debconf-set-selections",
    "needrestart",
    "unattended-upgrade",
    "dpkg-reconfigure",
    "rehash_ca_certificates.sh",
)
async def quiet(call: Call) -> int:
    """Settings without a meaning here: accepted."""
    if call.name == "debconf-set-selections" and not call.arguments:
        await call.standard_input()
    return 0
