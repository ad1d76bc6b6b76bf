"""Guests' files in one piece, to be kept in a saved state.

A guest may change its tree while we read it. What is unpacked may come from anybody: nothing is written but below the
target.
"""

import errno
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Self

from vcd_simulator.guests.owners import read_owner, write_owner
from vcd_simulator.guests.survey import survey

_LARGEST_FILE = 1 << 30
_DEEPEST = 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ONLY_OURS = 0o700


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
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive, _Way(target) as way:
            members = archive.getmembers()
            for member in members:
                _check(member)
            for member in members:
                *above, name = PurePosixPath(member.name).parts
                if member.isdir():
                    way.enter([*above, name])
                elif member.issym():
                    os.symlink(member.linkname, name, dir_fd=way.enter(above))
                else:
                    _write(archive, member, name, way.enter(above))
            # Permissions may close a directory, so they come when everything below it is there.
            for member in reversed([one for one in members if one.isdir()]):
                _finish(member, way.enter(PurePosixPath(member.name).parts))
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise ArchiveError(f"the files of a guest cannot be unpacked: {exc}") from exc


class _Way:
    """The directories from a target down to where something goes. They are open, and no link is followed to them."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._names: list[str] = []
        self._open: list[int] = []

    def __enter__(self) -> Self:
        self._open = [os.open(self._target, _DIRECTORY)]
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def enter(self, names: Sequence[str]) -> int:
        """A descriptor of a directory, which is made with those above it. Raises OSError: something else is there."""
        while self._names != list(names[: len(self._names)]):
            self._names.pop()
            os.close(self._open.pop())
        for name in names[len(self._names) :]:
            with suppress(FileExistsError):
                os.mkdir(name, _ONLY_OURS, dir_fd=self._open[-1])
            self._open.append(os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self._open[-1]))
            self._names.append(name)
        return self._open[-1]


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, directory: int) -> None:
    data = archive.extractfile(member)
    descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=directory)
    with os.fdopen(descriptor, "wb") as file:
        if data is not None:
            shutil.copyfileobj(data, file)
        file.flush()
        _finish(member, descriptor)


def _finish(member: tarfile.TarInfo, descriptor: int) -> None:
    """Owner, time and permissions."""
    write_owner(f"/proc/self/fd/{descriptor}", member.uid, member.gid)
    os.utime(descriptor, (member.mtime, member.mtime))
    os.fchmod(descriptor, member.mode & 0o7777)


def _check(member: tarfile.TarInfo) -> None:
    parts = PurePosixPath(member.name).parts
    if not parts or member.name.startswith("/") or ".." in parts:
        raise ArchiveError(f"{member.name!r} is not a path within a guest")
    if len(parts) > _DEEPEST:
        raise ArchiveError(f"{member.name[:40]!r}… is nested too deep")
    if not (member.isdir() or member.isreg() or member.issym()):
        raise ArchiveError(f"{member.name!r} is neither a file nor a directory nor a link")
