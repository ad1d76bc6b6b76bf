"""A guest's file tree, as seen from outside the guest.

Guests are hostile: a script may leave any symbolic link anywhere, and change it while we look. Paths are therefore
walked one component at a time through directory descriptors that never follow a link; links are resolved here, inside
the guest's own name space, so that no path leads out of it.
"""

import bisect
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from vcd_simulator.guests import removal
from vcd_simulator.guests.owners import ROOT, read_owner, write_owner
from vcd_simulator.guests.walk import DIRECTORY, Mount, Place, Walk

_MAX_LINKS = 40
_LONGEST_PATH = 4096
_LISTING = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class FileInfo:
    """What a guest knows about one file."""

    name: str
    kind: str
    """`file`, `directory` or `symlink`."""
    size: int
    mode: int
    modified: float
    accessed: float
    link_target: str | None = None
    uid: int = 0
    gid: int = 0


class FileTree:
    """Files of one guest below `mounts["/"]`, with other directories mounted into it. Raises OSError as files do."""

    def __init__(
        self, mounts: Mapping[str, Mount], more: Callable[[], Mapping[str, Mount]] = dict, more_below: str = ""
    ) -> None:
        """`more` knows what is mounted below the directory `more_below` at the moment."""
        self._mounts = dict(mounts)
        self._more = more
        self._more_below = more_below

    def info(self, path: str) -> FileInfo:
        """Describe a file; of a symbolic link, the link."""
        with self._place(path, follow=False) as place:
            name = path.rstrip("/").rpartition("/")[2] or "/"
            return _describe(name, place.directory, place.name)

    def resolved_info(self, path: str) -> FileInfo:
        """Describe what a path leads to."""
        with self._place(path) as place:
            return _describe(path.rstrip("/").rpartition("/")[2] or "/", place.directory, place.name)

    def exists(self, path: str) -> bool:
        """Whether a path leads to something."""
        try:
            self.resolved_info(path)
        except OSError:
            return False
        return True

    def entries(self, path: str) -> Iterator[FileInfo]:
        """Everything in a directory, `.` and `..` first; of a plain file, the file."""
        with self._place(path) as place:
            try:
                directory = os.open(place.name, _LISTING, dir_fd=place.directory)
            except NotADirectoryError:
                yield _describe(path.rstrip("/").rpartition("/")[2], place.directory, place.name)
                return
            try:
                for name in (".", "..", *sorted(os.listdir(directory))):  # noqa: PTH208  # a descriptor, not a path
                    try:
                        yield _describe(name, directory, "." if name == ".." else name)
                    except FileNotFoundError:
                        continue
            finally:
                os.close(directory)

    def open_read(self, path: str) -> BinaryIO:
        """Open a plain file for reading."""
        with self._place(path) as place:
            return _open_plain(place, path, os.O_RDONLY, "rb")

    def open_write(self, path: str, *, mode: int = 0o644, exclusive: bool = False) -> BinaryIO:
        """Create or replace a plain file; an existing one keeps its permissions. `exclusive`: it must not exist."""
        with self._place(path) as place:
            place.check_writable(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | (os.O_EXCL if exclusive else 0)
            return _open_plain(place, path, flags, "wb", mode)

    def read(self, path: str) -> bytes:
        """The whole content of a plain file."""
        with self.open_read(path) as file:
            return file.read()

    def write(self, path: str, content: bytes | str, *, mode: int = 0o644) -> None:
        """Create or replace a plain file."""
        with self.open_write(path, mode=mode) as file:
            file.write(content.encode() if isinstance(content, str) else content)

    def check_writable(self, path: str) -> None:
        """Raise OSError if nothing can be written at a path, because its file system is read-only."""
        with self._place(path) as place:
            place.check_writable(path)

    def make_directory(self, path: str, *, parents: bool = False, mode: int = 0o755) -> None:
        """Create a directory; with `parents`, those above it too."""
        with self._place(path, missing_mode=mode if parents else None) as place:
            if place.name == ".":
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            place.check_writable(path)
            os.mkdir(place.name, mode, dir_fd=place.directory)

    def first_missing(self, path: str) -> str:
        """The uppermost of the directories above a path that is not there; the path itself if all are."""
        parts = [part for part in path.split("/") if part]
        present = bisect.bisect_left(range(1, len(parts)), 1, key=lambda n: not self.exists("/" + "/".join(parts[:n])))
        return "/" + "/".join(parts[: present + 1])

    def make_link(self, path: str, target: str) -> None:
        """Create a symbolic link."""
        with self._place(path, follow=False) as place:
            place.check_writable(path)
            os.symlink(target, place.name, dir_fd=place.directory)

    def is_link(self, path: str) -> bool:
        """Whether there is a symbolic link at a path."""
        try:
            return self.info(path).kind == "symlink"
        except OSError:
            return False

    def open_directory(self, path: str) -> int:
        """A descriptor of a directory, good for nothing but to find what is in it."""
        with self._place(path) as place:
            return os.open(place.name, DIRECTORY, dir_fd=place.directory)

    def remove_file(self, path: str) -> None:
        """Delete a file or a symbolic link."""
        with self._place(path, follow=False) as place:
            place.check_writable(path)
            os.unlink(place.name, dir_fd=place.directory)

    def remove_directory(self, path: str, *, recursive: bool = False) -> None:
        """Delete a directory; unless `recursive` it must be empty."""
        with self._place(path, follow=False) as place:
            place.check_writable(path)
            if not stat.S_ISDIR(place.stat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            if recursive:
                removal.remove_directory(place.directory, place.name)
            else:
                os.rmdir(place.name, dir_fd=place.directory)

    def move(self, source: str, target: str) -> None:
        """Rename a file or directory; whatever is at the target is replaced."""
        with self._place(source, follow=False) as old, self._place(target, follow=False) as new:
            old.check_writable(source)
            new.check_writable(target)
            os.rename(old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory)

    def change(
        self,
        path: str,
        *,
        mode: int | None = None,
        modified: float | None = None,
        accessed: float | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Change permissions, times and owners; what is None stays."""
        with self._place(path) as place:
            place.check_writable(path)
            before = place.stat()
            if mode is not None:
                _change_mode(place, path, mode)
            if uid is not None or gid is not None:
                _change_owner(place, path, uid, gid)
            if modified is not None or accessed is not None:
                times = (
                    before.st_atime if accessed is None else accessed,
                    before.st_mtime if modified is None else modified,
                )
                os.utime(place.name, times, dir_fd=place.directory, follow_symlinks=False)

    @contextmanager
    def _place(self, path: str, *, follow: bool = True, missing_mode: int | None = None) -> Iterator[Place]:
        """Walk to a path's last component, which need not exist. With `follow` it is no symbolic link, either.

        With `missing_mode` directories above it are made where they are missing.
        """
        if not path.startswith("/") or "\0" in path:
            raise OSError(errno.EINVAL, "not an absolute path", path)
        if len(path.encode(errors="surrogateescape")) >= _LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        with Walk(self._mounts, self._more, self._more_below) as walk:
            pending = [part for part in path.split("/") if part][::-1]
            links = 0
            while pending:
                part = pending.pop()
                if part == "..":
                    walk.up()
                    continue
                if part == "." or walk.enter_mount(part):
                    continue
                target = walk.link_target(part) if pending or follow else None
                if target is not None:
                    links += 1
                    if links > _MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                    if target.startswith("/"):
                        walk.restart()
                    pending.extend([piece for piece in target.split("/") if piece][::-1])
                elif pending:
                    walk.enter(part, missing_mode)
                else:
                    yield Place(walk.directory, part, writable=walk.writable)
                    return
            yield Place(walk.directory, ".", writable=walk.writable)


def _open_plain(place: Place, path: str, flags: int, python_mode: str, mode: int = 0o644) -> BinaryIO:
    """Open what must be a plain file: a named pipe or a device would block the simulator or reach the host."""
    descriptor = os.open(place.name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=place.directory)
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            code = errno.EISDIR if stat.S_ISDIR(kind) else errno.EACCES
            raise OSError(code, os.strerror(code), path)
    except OSError:
        os.close(descriptor)
        raise
    return cast(BinaryIO, os.fdopen(descriptor, python_mode))


def _change_mode(place: Place, path: str, mode: int) -> None:
    file = os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.directory)
    try:
        if stat.S_ISLNK(os.fstat(file).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        Path(f"/proc/self/fd/{file}").chmod(mode)
    finally:
        os.close(file)


def _change_owner(place: Place, path: str, uid: int | None, gid: int | None) -> None:
    file = os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.directory)
    try:
        if stat.S_ISLNK(os.fstat(file).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        before = read_owner(f"/proc/self/fd/{file}")
        write_owner(f"/proc/self/fd/{file}", before[0] if uid is None else uid, before[1] if gid is None else gid)
    finally:
        os.close(file)


def _describe(name: str, directory: int, entry: str) -> FileInfo:
    # One descriptor for all that is asked: a guest may replace the entry in between.
    file = os.open(entry, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        status = os.fstat(file)
        link = stat.S_ISLNK(status.st_mode)
        uid, gid = ROOT if link else read_owner(f"/proc/self/fd/{file}")
        return FileInfo(
            name=name,
            kind="symlink" if link else "directory" if stat.S_ISDIR(status.st_mode) else "file",
            size=status.st_size,
            mode=stat.S_IMODE(status.st_mode),
            modified=status.st_mtime,
            accessed=status.st_atime,
            link_target=os.readlink("", dir_fd=file) if link else None,
            uid=uid,
            gid=gid,
        )
    finally:
        os.close(file)
