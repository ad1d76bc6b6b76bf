"""Debian's package managers: apt and dpkg."""

import re

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.packages import Package, pick_version
from vcd_simulator.guests.standins.installation import install, offered_packages, remove
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_APT_VALUES = ("option", "target-release", "config-file")
_APT_SHORT = {"o": "option", "y": "yes", "q": "quiet", "f": "fix-broken", "t": "target-release", "c": "config-file"}


@command("apt-get", "apt", family="debian")
async def apt_get(call: Call) -> int:
    """update, install, remove, upgrade and the like, from the repositories that the guest's files name."""
    options = parse(call.arguments, values=_APT_VALUES, short=_APT_SHORT, lenient=True)
    verb = options.words.pop(0) if options.words else ""
    guest = call.guest
    if call.account.uid != 0:
        raise UsageError("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)", 100)
    if verb == "update":
        guest.packages.lists_updated = True
        await call.out("Reading package lists... Done")
        return 0
    if verb == "install":
        return await _apt_install(call, options)
    if verb in ("remove", "purge"):
        for name in options.words:
            await remove(call, name)
        return 0
    if verb in ("upgrade", "dist-upgrade", "full-upgrade", "autoremove", "clean", "autoclean", "check", "download"):
        await call.out("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
        return 0
    if verb in ("policy", "list", "show", "search"):
        return await _apt_show(call, options.words)
    raise UsageError(f"E: Invalid operation {verb}", 100)


async def _apt_install(call: Call, options: Options) -> int:
    offered = await offered_packages(call, "/etc/apt/sources.list", "/etc/apt/sources.list.d")
    packages = call.guest.packages
    wanted = []
    for word in options.words:
        name, _equals, version = word.partition("=")
        if name.startswith(("/", "./")):
            raise UsageError(f"E: Unsupported file {name} given on commandline", 100)
        if name not in offered:
            raise UsageError(f"E: Unable to locate package {name}", 100)
        package = offered[name]
        if package.repository and name not in packages.installed and not packages.lists_updated:
            raise UsageError(f"E: Package '{name}' has no installation candidate", 100)
        wanted.append(pick_version(package, version))
    await call.out("Reading package lists... Done\nBuilding dependency tree... Done")
    added = await install(call, wanted, offered)
    await call.out("".join(f"Setting up {package.name} ({package.version}) ...\n" for package in added))
    return 0


async def _apt_show(call: Call, names: list[str]) -> int:
    offered = await offered_packages(call, "/etc/apt/sources.list", "/etc/apt/sources.list.d")
    for name in names:
        if name in offered:
            have = call.guest.packages.version_of(name)
            await call.out(f"{name}:\n  Installed: {have or '(none)'}\n  Candidate: {offered[name].version}")
    return 0


@command("apt-mark", family="debian")
async def apt_mark(call: Call) -> int:
    """hold, unhold and showhold."""
    words = [word for word in call.arguments if not word.startswith("-")]
    verb, names = (words[0], words[1:]) if words else ("", [])
    held = call.guest.packages.held
    if verb == "showhold":
        await call.out("".join(f"{name}\n" for name in sorted(held)))
        return 0
    if verb not in ("hold", "unhold", "auto", "manual"):
        raise UsageError(f"E: Invalid operation {verb}", 100)
    for name in names:
        if verb == "hold":
            await call.out(f"{name} was already set on hold." if name in held else f"{name} set on hold.")
            held.add(name)
        elif verb == "unhold":
            await call.out(f"Canceled hold on {name}." if name in held else f"{name} was already not hold.")
            held.discard(name)
    return 0


@command("apt-cache", family="debian")
async def apt_cache(call: Call) -> int:
    """policy, show and madison for packages that repositories offer."""
    return await _apt_show(call, [word for word in call.arguments[1:] if not word.startswith("-")])


@command("apt-key", "add-apt-repository", family="debian")
async def apt_key(call: Call) -> int:
    """Accept a key, from a file or stdin; add a repository to the guest's files."""
    words = [word for word in call.arguments if not word.startswith("-") or word == "-"]
    if call.name == "add-apt-repository":
        if not words:
            raise UsageError("Error: need a repository as argument")
        await call.write("/etc/apt/sources.list.d/added.list", f"{words[-1]}\n", append=True)
        call.guest.packages.lists_updated = True
        return 0
    if words[:1] == ["add"]:
        text = await call.standard_input() if words[1:] in ([], ["-"]) else await call.read(call.path(words[1]))
        if "PGP PUBLIC KEY" not in text:
            raise UsageError("gpg: no valid OpenPGP data found.", 2)
        await call.out("OK")
    return 0


@command("dpkg", "dpkg-query", family="debian")
async def dpkg(call: Call) -> int:
    """List packages and their states; there are no package files to install."""
    options = parse(
        call.arguments,
        values=("showformat",),
        short={"W": "show", "l": "list", "s": "status", "i": "install", "f": "showformat", "L": "listfiles"},
        lenient=True,
    )
    installed = call.guest.packages.installed
    if options.has("print-architecture"):
        await call.out("amd64")
        return 0
    if options.has("configure"):
        return 0
    if options.has("install"):
        raise UsageError(
            f"dpkg: error: cannot access archive '{' '.join(options.words)}': No such file or directory", 2
        )
    code = 0
    for name in options.words or sorted(installed):
        package = installed.get(name)
        if package is None:
            await call.error(f"dpkg-query: no packages found matching {name}")
            code = 1
        elif options.has("status"):
            await call.out(f"Package: {name}\nStatus: install ok installed\nVersion: {package.version}")
        elif options.last("showformat"):
            await call.out_exactly(_formatted(options.last("showformat"), package))
        else:
            await call.out(
                f"ii  {name}  {package.version}  amd64" if options.has("list") else f"{name}\t{package.version}"
            )
    return code


def _formatted(template: str, package: Package) -> str:
    values = {
        "Package": package.name,
        "Version": package.version,
        "Status": "install ok installed",
        "Architecture": "amd64",
        "db:Status-Status": "installed",
    }
    text = re.sub(r"\$\{([^}]+)\}", lambda match: values.get(match[1], ""), template)
    return text.replace("\\n", "\n").replace("\\t", "\t")
