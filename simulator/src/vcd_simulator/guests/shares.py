"""Directories that guests export to others over NFS, and what is mounted of them.

A program's mounts cannot change while it runs, so whatever its guest may mount is there from its start, under names
below SHARES; mounting puts a link to such a name in the place of the mount point. What lay there before is kept aside.
"""

import hashlib
import ipaddress
import os
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vcd_simulator.guests.walk import Mount

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

SHARES = "/usr/.nfs"
COVERED = "/usr/.covered"
"""Where directories are that mounts cover; programs do not see it."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A directory of a server, as one client may use it."""

    server: "Guest"
    path: str
    writable: bool

    @property
    def name(self) -> str:
        """By which name the client finds it below SHARES."""
        text = f"{self.server.moid}\0{self.path}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16] + ("" if self.writable else "-ro")

    def open(self) -> int:
        """A descriptor of the directory. Raises OSError."""
        return self.server.tree.open_directory(self.path)


@dataclass(frozen=True)
class BoundShare:
    """A share as a sandbox takes it: by a path of the host, and by what has to be there once it is mounted."""

    name: str
    source: str
    identity: str
    """Device and inode. A server might put another directory in its place meanwhile, even one of the host."""
    writable: bool


def shares_for(guest: "Guest") -> Iterator[Share]:
    """Everything that a guest may mount now; what may be written, for reading only too."""
    for server in guest.platform.networks.servers(guest):
        if not server.services.is_active("nfs-server"):
            continue
        for (path, client), flags in list(server.exports.items()):
            if admits(client, guest):
                yield Share(server=server, path=path, writable=False)
                if "rw" in flags.split(","):
                    yield Share(server=server, path=path, writable=True)


def admits(client: str, guest: "Guest") -> bool:
    """Whether an entry of /etc/exports is for a guest: `*`, an address, a network or a name."""
    if client in ("*", guest.hostname) or client in guest.spec.ip_addresses:
        return True
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        return False
    return any(ipaddress.ip_address(address) in network for address in guest.spec.ip_addresses)


def bound_shares(guest: "Guest") -> list[BoundShare]:
    """The shares of a guest for a program that is about to start; those that are not there are left out."""
    found = []
    for share in shares_for(guest):
        try:
            directory = share.open()
        except OSError:
            continue
        try:
            source, status = str(Path(f"/proc/self/fd/{directory}").readlink()), os.fstat(directory)
        finally:
            os.close(directory)
        if not source.endswith(" (deleted)"):
            found.append(BoundShare(share.name, source, f"{status.st_dev}:{status.st_ino}", share.writable))
    return found


def share_mounts(guest: "Guest") -> dict[str, Mount]:
    """The shares of a guest for who looks at its files from outside."""
    return {
        f"{SHARES}/{share.name}": Mount(guest.disk.paths.root, writable=share.writable, opener=share.open)
        for share in shares_for(guest)
    }


def link_target(guest: "Guest", server: "Guest", directory: str, *, writable: bool) -> str | None:
    """Where a mount of a server's directory leads to; None if the guest may not mount it."""
    best = None
    for share in shares_for(guest):
        below = directory == share.path or directory.startswith(share.path.rstrip("/") + "/")
        if share.server is server and below and share.writable <= writable:
            rank = len(share.path), share.writable
            if best is None or rank > best[0]:
                best = rank, share
    if best is None:
        return None
    rest = directory.removeprefix(best[1].path).strip("/")
    return posixpath.join(SHARES, best[1].name, rest).rstrip("/")


def mount(guest: "Guest", point: str) -> None:
    """Let a mount point that the guest has noted lead to its share, if that is there; harmless if it does already."""
    source, kind, flags = guest.system.mounts[point]
    host, _, directory = source.rpartition(":")
    server = guest.platform.networks.find(guest, host) if kind.startswith("nfs") else None
    if server is None or guest.tree.exists(_covered(point)):
        return
    target = link_target(guest, server, directory, writable="ro" not in flags.split(","))
    if target is not None and guest.tree.info(point).kind == "directory":
        guest.tree.move(point, _covered(point))
        guest.tree.make_link(point, target)


def unmount(guest: "Guest", point: str) -> None:
    """Put back what lay at a mount point; harmless when nothing covers it."""
    tree = guest.tree
    if tree.exists(_covered(point)):
        if tree.is_link(point):
            tree.remove_file(point)
        tree.move(_covered(point), point)


def link_mounts(guest: "Guest") -> None:
    """Let all mounts lead to their shares, also those by programs that could not see the shares themselves."""
    for point in list(guest.system.mounts):
        with suppress(OSError):
            mount(guest, point)


def unmount_all(guest: "Guest") -> None:
    """Forget all mounts, and put back what they covered."""
    for point in list(guest.system.mounts):
        with suppress(OSError):
            unmount(guest, point)
    guest.system.mounts.clear()


def _covered(point: str) -> str:
    return f"{COVERED}/{hashlib.sha256(point.encode(errors='surrogateescape')).hexdigest()[:16]}"
