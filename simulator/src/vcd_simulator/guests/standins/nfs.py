"""File systems: mount and umount, and NFS between guests."""

import shlex
from contextlib import suppress

from vcd_simulator.guests import shares
from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.shares import admits, link_target
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_PSEUDO = frozenset({"tmpfs", "proc", "sysfs", "cgroup", "cgroup2", "devpts", "overlay", "none", "bpf"})
_MOUNT_FAILED = 32


@command("mount", "mount.nfs", "mount.nfs4")
async def mount(call: Call) -> int:
    """Mount an NFS share that another guest exports, a bind or a pseudo file system; without arguments, list them.

    Of these, only shares show other files than before.
    """
    options = parse(
        call.arguments,
        values=("options", "types"),
        short={"o": "options", "t": "types", "a": "all", "r": "read-only", "v": "verbose", "n": "n"},
        lenient=True,
    )
    guest = call.guest
    if options.has("all"):
        return await _mount_fstab(call)
    if not options.words:
        for point, (source, kind, flags) in sorted({"/": ("/dev/sda1", "ext4", "rw"), **guest.system.mounts}.items()):
            await call.out(f"{source} on {point} type {kind} ({flags})")
        return 0
    if len(options.words) == 1:
        entry = next((entry for entry in await _fstab(call) if options.words[0].rstrip("/") in entry[:2]), None)
        if entry is None:
            raise UsageError(f"mount: {options.words[0]}: can't find in /etc/fstab.")
        return await _mount(call, *entry)
    kind = options.last("types", "nfs" if call.name.startswith("mount.nfs") or ":/" in options.words[0] else "auto")
    flags = ",".join(options.values.get("options", ["ro" if options.has("read-only") else "rw"]))
    return await _mount(call, options.words[0], call.path(options.words[1]), kind, flags)


async def _mount(call: Call, source: str, point: str, kind: str, flags: str) -> int:
    guest = call.guest
    if not await call.exists(point):
        raise UsageError(f"mount: {point}: mount point does not exist.", _MOUNT_FAILED)
    if "remount" in flags.split(","):
        return 0
    if point in guest.system.mounts:
        raise UsageError(f"mount: {point}: {source} already mounted or mount point busy.", _MOUNT_FAILED)
    if kind.startswith("nfs"):
        _check_export(call, source)
    elif kind not in _PSEUDO and "bind" not in flags.split(",") and not await call.exists(source):
        raise UsageError(f"mount: {point}: special device {source} does not exist.", _MOUNT_FAILED)
    with guest.lock:
        guest.system.mounts[point] = (source, kind, flags)
    if kind.startswith("nfs"):
        await _show_share(call, source, point, flags)
    return 0


async def _show_share(call: Call, source: str, point: str, flags: str) -> None:
    """Let the share's files be seen. A program that is older than the export never sees them, but the next one does."""
    host, _, directory = source.rpartition(":")
    server = call.guest.platform.networks.find(call.guest, host)
    target = server and link_target(call.guest, server, directory, writable="ro" not in flags.split(","))
    if target and await call.exists(target):
        shares.mount(call.guest, point)
    else:
        await call.error(f"mount.nfs: the files of {source} appear in programs that are started from now on")


def _check_export(call: Call, source: str) -> None:
    host, _, directory = source.rpartition(":")
    server = call.guest.platform.networks.find(call.guest, host)
    if server is None:
        raise UsageError(f"mount.nfs: No route to host for {source}", _MOUNT_FAILED)
    if not server.services.is_active("nfs-server"):
        raise UsageError("mount.nfs: Connection refused", _MOUNT_FAILED)
    exported = [path for path, client in server.exports if admits(client, call.guest)]
    if not any(directory == path or directory.startswith(path.rstrip("/") + "/") for path in exported):
        raise UsageError(f"mount.nfs: access denied by server while mounting {source}", _MOUNT_FAILED)


async def _mount_fstab(call: Call) -> int:
    code = 0
    for source, point, kind, flags in await _fstab(call):
        if (
            kind != "swap"
            and "noauto" not in flags.split(",")
            and point not in call.guest.system.mounts
            and point != "/"
        ):
            try:
                await _mount(call, source, point, kind, flags)
            except UsageError as exc:
                await call.error(str(exc))
                code = exc.code
    return code


async def _fstab(call: Call) -> list[tuple[str, str, str, str]]:
    try:
        text = await call.read("/etc/fstab")
    except OSError:
        return []
    entries = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(entry[0], entry[1].rstrip("/") or "/", entry[2], entry[3]) for entry in entries if len(entry) >= 4]


@command("umount")
async def umount(call: Call) -> int:
    """Undo mounts, by mount point or source."""
    options = parse(
        call.arguments,
        values=("types",),
        short={"f": "force", "l": "lazy", "t": "types", "a": "all", "R": "recursive"},
        lenient=True,
    )
    code = 0
    for word in options.words:
        mounts = call.guest.system.mounts
        point = next((p for p, (source, _, _) in mounts.items() if p == call.path(word) or source == word), None)
        if point is None:
            await call.error(f"umount: {word}: not mounted.")
            code = _MOUNT_FAILED
        else:
            with suppress(OSError):
                shares.unmount(call.guest, point)
            del mounts[point]
    return code


@command("mountpoint", "findmnt")
async def mountpoint(call: Call) -> int:
    """Whether something is mounted at a directory."""
    words = [word for word in call.arguments if not word.startswith("-")]
    if not words:
        raise UsageError(f"{call.name}: bad usage")
    found = call.path(words[-1]) in {"/", "/proc", "/dev", *call.guest.system.mounts}
    if not {"-q", "--quiet"} & set(call.arguments):
        await call.out(f"{words[-1]} is {'' if found else 'not '}a mountpoint")
    return 0 if found else 1


@command("exportfs", packaged=True)
async def exportfs(call: Call) -> int:
    """Serve what /etc/exports lists (-a, -r), one directory (CLIENT:PATH), or show what is served."""
    options = parse(
        call.arguments,
        values=("o", "options"),
        short={
            "a": "all",
            "r": "reexport",
            "u": "unexport",
            "v": "verbose",
            "o": "options",
            "f": "flush",
            "i": "ignore",
            "s": "show",
        },
        lenient=True,
    )
    exports = call.guest.system.exports
    if options.has("unexport"):
        with call.guest.lock:
            wanted = {word.rpartition(":")[2] for word in options.words}
            for key in [key for key in exports if options.has("all") or key[0] in wanted]:
                del exports[key]
        return 0
    if options.has("reexport") or options.has("all"):
        found = await _read_exports(call)
        with call.guest.lock:
            if options.has("reexport"):
                exports.clear()
            exports.update(found)
        if options.has("verbose"):
            await call.out("".join(f"exporting {client}:{path}\n" for path, client in found))
        return 0
    for word in options.words:
        client, colon, path = word.partition(":")
        if not colon or not await call.exists(path):
            raise UsageError(f"exportfs: Failed to stat {path or word}: No such file or directory")
        exports[(path, client)] = options.last("options")
    if not options.words:
        await call.out(
            "".join(
                f"{path:<16}{client}{f'({flags})' if options.has('verbose') else ''}\n"
                for (path, client), flags in exports.items()
            )
        )
    return 0


async def _read_exports(call: Call) -> dict[tuple[str, str], str]:
    """What /etc/exports and /etc/exports.d say. Raises UsageError."""
    found = {}
    try:
        text = await call.read("/etc/exports")
    except OSError:
        text = ""
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            raise UsageError(f"exportfs: /etc/exports: syntax error: bad line: {line}") from None
        for client in words[1:] or (["*"] if words else []):
            name, _, flags = client.partition("(")
            if not await call.exists(words[0]):
                raise UsageError(f"exportfs: Failed to stat {words[0]}: No such file or directory")
            found[(words[0], name or "*")] = flags.rstrip(")")
    return found


@command("showmount", packaged=True)
async def showmount(call: Call) -> int:
    """`showmount -e [HOST]`: what a guest exports."""
    options = parse(
        call.arguments,
        switches=("exports", "all", "directories", "no-headers"),
        short={"e": "exports", "a": "all", "d": "directories"},
    )
    host = options.words[0] if options.words else "localhost"
    server = call.guest.platform.networks.find(call.guest, host)
    if server is None and host != call.guest.hostname:
        raise UsageError("clnt_create: RPC: Port mapper failure - Unable to receive: errno 113 (No route to host)")
    server = server or call.guest
    if not server.services.is_active("nfs-server"):
        raise UsageError("clnt_create: RPC: Program not registered")
    if not options.has("no-headers"):
        await call.out(f"Export list for {host}:")
    clients: dict[str, list[str]] = {}
    for path, client in server.system.exports:
        clients.setdefault(path, []).append(client)
    await call.out(
        "".join(
            f"{path} {','.join('(everyone)' if one == '*' and len(names) == 1 else one for one in names)}\n"
            for path, names in clients.items()
        )
    )
    return 0


@command("rpcinfo", "rpc.nfsd", "rpc.mountd", "nfsstat")
async def rpcinfo(_call: Call) -> int:
    """Accepted: the daemons run under systemd."""
    return 0


@command(
    "blkid",
    "lsblk",
    "fdisk",
    "parted",
    "mkfs",
    "mkfs.ext4",
    "mkfs.xfs",
    "resize2fs",
    "growpart",
    "partprobe",
    "pvs",
    "vgs",
    "lvs",
)
async def disks(call: Call) -> int:
    """There is one disk, /dev/sda, which nobody may change."""
    targets = [word for word in call.arguments if word.startswith("/dev/")]
    if call.name == "lsblk":
        await call.out(
            "NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINT\n"
            "sda      8:0    0  16G  0 disk\n└─sda1   8:1    0  16G  0 part /"
        )
        return 0
    if call.name == "blkid" and not targets:
        await call.out('/dev/sda1: UUID="6c8f5a3e-0f3c-4f3e-9d3a-5d0c9f1b2a7e" TYPE="ext4"')
        return 0
    if not targets or call.name in ("pvs", "vgs", "lvs"):
        return 0
    if call.name == "blkid":
        return 2
    raise UsageError(f"{call.name}: cannot open {targets[0]}: No such file or directory")
