"""Copying the files of a guest while none of its programs runs.

However deep directories are nested, one is open here and one there.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ONLY_OURS = 0o700
_MOST_AT_ONCE = 1 << 30


def copy_tree(source: Path, target: Path) -> None:
    """Copy files, directories and links below a directory that no guest is writing to; leave out pipes and sockets.

    Also what its permissions close to everybody is copied.

    Raises:
        OSError: the target is there already, or a file cannot be read or written.
    """
    here, status = _open(str(source), None, _DIRECTORY)
    before = [status]
    try:
        target.mkdir(_ONLY_OURS)
        there = os.open(target, _DIRECTORY)
        try:
            pending = [_copy_entries(here, there)]
            while pending:
                if pending[-1]:
                    name = pending[-1].pop()
                    os.mkdir(name, _ONLY_OURS, dir_fd=there)
                    there = _replaced(there, os.open(name, _DIRECTORY, dir_fd=there))
                    below, status = _open(name, here, _DIRECTORY)
                    before.append(status)
                    here = _replaced(here, below)
                    pending.append(_copy_entries(here, there))
                else:
                    # From inside, a directory is left before it gets permissions that might not let us out.
                    pending.pop()
                    above = [os.open("..", _DIRECTORY, dir_fd=one) for one in (here, there)] if pending else []
                    _copy_status(here, there, before[-1])
                    os.fchmod(here, stat.S_IMODE(before.pop().st_mode))
                    if pending:
                        here, there = _replaced(here, above[0]), _replaced(there, above[1])
        finally:
            os.close(there)
    finally:
        os.close(here)


def _replaced(old: int, new: int) -> int:
    os.close(old)
    return new


def _copy_entries(here: int, there: int) -> list[str]:
    """Copy what is in a directory but the directories, whose names are returned."""
    directories = []
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_symlink():
                os.symlink(os.readlink(entry.name, dir_fd=here), entry.name, dir_fd=there)
            elif entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                _copy_file(entry.name, here, there)
    return directories


def _copy_file(name: str, here: int, there: int) -> None:
    source, before = _open(name, here, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(source, stat.S_IMODE(before.st_mode))
        target = os.open(name, _NEW_FILE, _ONLY_OURS, dir_fd=there)
        try:
            while os.sendfile(target, source, None, _MOST_AT_ONCE):
                pass
            _copy_status(source, target, before)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_status(source: int, target: int, before: os.stat_result) -> None:
    """Attributes (the owner is among them), times and permissions, in this order: the last may forbid the others."""
    with suppress(OSError):  # not every file system has attributes
        for name in os.listxattr(source):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.fchmod(target, stat.S_IMODE(before.st_mode))


def _open(name: str, parent: int | None, flags: int) -> tuple[int, os.stat_result]:
    """Open what may be closed to everybody, and tell what it was before; the caller gives its permissions back."""
    place = os.open(name, os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if parent is not None else 0), dir_fd=parent)
    try:
        path = Path(f"/proc/self/fd/{place}")
        before = os.fstat(place)
        mode = stat.S_IMODE(before.st_mode)
        needed = 0o500 if stat.S_ISDIR(before.st_mode) else 0o400
        if mode & needed != needed:
            path.chmod(mode | needed)
        return os.open(path, flags), before
    finally:
        os.close(place)
