"""Package managers: apt and dpkg, tdnf, yum and rpm, and the keys of repositories."""

import re

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.packages import Package, offered_from, pick_version
from vcd_simulator.guests.standins import services
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_APT_VALUES = ("option", "target-release", "config-file")
_APT_SHORT = {"o": "option", "y": "yes", "q": "quiet", "f": "fix-broken", "t": "target-release", "c": "config-file"}
_RPM_VERSION = re.compile(r"(?P<name>.+?)-(?P<version>\d+(?:\.\d+)+(?:-[\w.]+)?(?:\.\w+)?)")
_FINGERPRINT = re.compile(r"^Fingerprint: ([0-9A-F]{40})$", re.MULTILINE)


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
            await _remove(call, name)
        return 0
    if verb in ("upgrade", "dist-upgrade", "full-upgrade", "autoremove", "clean", "autoclean", "check", "download"):
        await call.out("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
        return 0
    if verb in ("policy", "list", "show", "search"):
        return await _apt_show(call, options.words)
    raise UsageError(f"E: Invalid operation {verb}", 100)


async def _apt_install(call: Call, options: Options) -> int:
    offered = await _offered(call, "/etc/apt/sources.list", "/etc/apt/sources.list.d")
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
    added = await _install(call, wanted, offered)
    await call.out("".join(f"Setting up {package.name} ({package.version}) ...\n" for package in added))
    return 0


async def _apt_show(call: Call, names: list[str]) -> int:
    offered = await _offered(call, "/etc/apt/sources.list", "/etc/apt/sources.list.d")
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
            await _remove(call, name)
        return 0
    if verb in ("list", "info"):
        for package in call.guest.packages.installed.values():
            if not options.words[1:] or package.name in options.words:
                await call.out(f"{package.name}.x86_64    {package.version}    @System")
        return 0
    raise UsageError(f"Error(1) : {call.name}: unknown command {verb!r}")


async def _rpm_install(call: Call, words: list[str]) -> int:
    offered = await _offered(call, "/etc/yum.conf", "/etc/yum.repos.d")
    wanted = []
    for word in words:
        found = _RPM_VERSION.fullmatch(word)
        name, version = (found["name"], found["version"]) if found and word not in offered else (word, "")
        if name not in offered:
            raise UsageError(f"{word} package not found or not installed\nError(1011) : No matching packages", 1)
        wanted.append(pick_version(offered[name], version))
    added = await _install(call, wanted, offered)
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
            await _remove(call, name)
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


async def _offered(call: Call, file: str, directory: str) -> dict[str, Package]:
    """Packages of the repositories in a file and a directory of files."""
    texts = []
    try:
        paths = [file, *(f"{directory}/{name}" for name in await call.names_in(directory))]
    except OSError:
        paths = [file]
    for path in paths:
        try:
            texts.append(await call.read(path))
        except OSError:
            continue
    packages = call.guest.packages
    return packages.installed | offered_from(packages.family, texts)


async def _install(call: Call, wanted: list[Package], offered: dict[str, Package]) -> list[Package]:
    """Install packages; their services run at once, as Debian's do, or wait to be started, as RPM's do."""
    guest = call.guest
    if any(guest.packages.missing(package, offered) for package in wanted):
        await call.wait(guest.platform.latency.delay("guest.process.package-install"))
    debian = guest.packages.family == "debian"
    with guest.lock:
        added = [one for package in wanted for one in guest.packages.install(package, offered)]
        for package in added:
            # The kubelet restarts in a loop until kubeadm has configured it, which is as good as not running.
            active = debian and package.name != "kubelet"
            guest.services.add(package.services, active=active)
            for name in package.services if active else ():
                services.started(guest, f"{name}.service")
            if package.name == "kubelet" and debian and guest.services.is_active("kubelet"):
                services.started(guest, "kubelet.service")  # its package starts it anew
        guest.disk.refresh_commands()
    return added


async def _remove(call: Call, name: str) -> None:
    guest = call.guest
    if name not in guest.packages.installed:
        await call.out(f"Package '{name}' is not installed, so not removed")
        return
    with guest.lock:
        for unit in guest.packages.installed[name].services:
            guest.services.change(unit, active=False, enabled=False)
        guest.packages.remove(name)
        guest.disk.refresh_commands()
    await call.out(f"Removing {name} ...")


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
