"""Guests' files in one piece, to be kept in a saved state.

A guest may change its tree while we read it. What is unpacked may come from anybody: nothing is written but below the
target.
"""

import errno
import io
import os
import stat
import tarfile
from pathlib import Path, PurePosixPath

from vcd_simulator.guests.owners import read_owner, write_owner
from vcd_simulator.guests.survey import survey

_LARGEST_FILE = 1 << 30


class ArchiveError(ValueError):
    """This is no archive of a guest's files."""


def pack(*directories: Path) -> bytes:
    """A compressed archive of directories by their names; pipes, sockets and devices are left out."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        for directory in directories:
            for listing in survey(directory):
                path = PurePosixPath(directory.name, listing.path)
                _add(archive, str(path), ".", listing.descriptor)
                for name in listing.others:
                    _add(archive, str(path / name), name, listing.descriptor)
    return out.getvalue()


def _add(archive: tarfile.TarFile, path: str, name: str, directory: int) -> None:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        info = tarfile.TarInfo(path)
        info.mode, info.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
        if not stat.S_ISLNK(status.st_mode):
            info.uid, info.gid = read_owner(f"/proc/self/fd/{directory}/{name}")
        if stat.S_ISDIR(status.st_mode):
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        elif stat.S_ISLNK(status.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=directory)
            archive.addfile(info)
        elif stat.S_ISREG(status.st_mode):
            content = _read(name, directory)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINVAL, errno.ELOOP, errno.ENXIO):
            raise
        # Deleted or replaced while we looked: readlink of no link, or open of one or of a socket.


def _read(name: str, directory: int) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return file.read(_LARGEST_FILE)


def unpack(content: bytes, target: Path) -> None:
    """Lay an archive out below a directory that nobody else uses.

    Raises:
        ArchiveError: it is damaged, or holds something that no guest's tree does.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            members = archive.getmembers()
            for member in members:
                _check(member)
            for member in (one for one in members if one.isdir()):
                _below(target, member).mkdir(parents=True, exist_ok=True)
            for member in (one for one in members if one.isreg()):
                data = archive.extractfile(member)
                path = _below(target, member)
                path.write_bytes(data.read() if data is not None else b"")
                os.utime(path, (member.mtime, member.mtime))
            # Links come last, so that nothing is written through one; and none goes below another.
            for member in (one for one in members if one.issym()):
                path = _below(target, member)
                if path.parent.resolve() != target.resolve().joinpath(*PurePosixPath(member.name).parent.parts):
                    raise ArchiveError(f"{member.name!r} lies behind a link")
                path.symlink_to(member.linkname)
            for member in reversed([one for one in members if not one.issym()]):
                write_owner(str(_below(target, member)), member.uid, member.gid)
                _below(target, member).chmod(member.mode & 0o7777)
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise ArchiveError(f"the files of a guest cannot be unpacked: {exc}") from exc


def _check(member: tarfile.TarInfo) -> None:
    parts = PurePosixPath(member.name).parts
    if not parts or member.name.startswith("/") or ".." in parts:
        raise ArchiveError(f"{member.name!r} is not a path within a guest")
    if not (member.isdir() or member.isreg() or member.issym()):
        raise ArchiveError(f"{member.name!r} is neither a file nor a directory nor a link")


def _below(target: Path, member: tarfile.TarInfo) -> Path:
    return target.joinpath(*PurePosixPath(member.name).parts)
