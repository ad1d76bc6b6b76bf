"""The package managers of RPM distributions: tdnf, yum and rpm."""

import re

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.packages import pick_version
from vcd_simulator.guests.standins.installation import install, offered_packages, remove
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_RPM_VERSION = re.compile(r"(?P<name>.+?)-(?P<version>\d+(?:\.\d+)+(?:-[\w.]+)?(?:\.\w+)?)")


@command("tdnf", "yum", "dnf", family="rpm")
async def tdnf(call: Call) -> int:
    """install, erase, update, list and makecache, from the repositories that the guest's files name."""
    options = parse(
        call.arguments,
        values=("enablerepo", "disablerepo", "releasever", "setopt"),
        short={"y": "assumeyes", "q": "quiet"},
        lenient=True,
    )
    verb = options.words.pop(0) if options.words else ""
    if call.account.uid != 0:
        raise UsageError(f"{call.name}: You have to be root to perform this command.", 1)
    if verb in ("makecache", "clean", "update", "upgrade", "check-update", "distro-sync", "repolist", "autoremove"):
        call.guest.packages.lists_updated = True
        return 0
    if verb in ("install", "reinstall", "downgrade"):
        return await _rpm_install(call, options.words)
    if verb in ("erase", "remove"):
        for name in options.words:
            await remove(call, name)
        return 0
    if verb in ("list", "info"):
        for package in call.guest.packages.installed.values():
            if not options.words[1:] or package.name in options.words:
                await call.out(f"{package.name}.x86_64    {package.version}    @System")
        return 0
    raise UsageError(f"Error(1) : {call.name}: unknown command {verb!r}")


async def _rpm_install(call: Call, words: list[str]) -> int:
    offered = await offered_packages(call, "/etc/yum.conf", "/etc/yum.repos.d")
    wanted = []
    for word in words:
        found = _RPM_VERSION.fullmatch(word)
        name, version = (found["name"], found["version"]) if found and word not in offered else (word, "")
        if name not in offered:
            raise UsageError(f"{word} package not found or not installed\nError(1011) : No matching packages", 1)
        wanted.append(pick_version(offered[name], version))
    added = await install(call, wanted, offered)
    await call.out("".join(f"Installing: {package.name} {package.version}\n" for package in added) + "\nComplete!")
    return 0


@command("rpm", family="rpm")
async def rpm(call: Call) -> int:
    """Queries, and the import of keys."""
    options = parse(
        call.arguments,
        values=("queryformat", "qf"),
        short={"q": "query", "a": "all", "i": "install", "U": "upgrade", "e": "erase", "v": "verbose", "h": "hash"},
        lenient=True,
    )
    installed = call.guest.packages.installed
    if options.has("import"):
        return 0
    if options.has("erase"):
        for name in options.words:
            await remove(call, name)
        return 0
    if not options.has("query"):
        raise UsageError(f"error: open of {' '.join(options.words)} failed: No such file or directory")
    code = 0
    for name in sorted(installed) if options.has("all") else options.words:
        if name in installed:
            await call.out(f"{name}-{installed[name].version}.x86_64")
        else:
            await call.out(f"package {name} is not installed")
            code = 1
    return code
