"""Deleting directories while the programs of a guest may add to them, take from them, swap them, or delete them too.

Nothing is followed, nothing waits, and however deep directories are nested, few are open: what lies deeper is moved up
first.
"""

import errno
import os
import secrets
import stat
from collections import deque
from pathlib import Path

from vcd_simulator.guests.walk import DIRECTORY

_MOST_SWEEPS = 8
"""How often a directory is emptied that a guest fills meanwhile."""
_ALL = 0o700


def remove_tree(directory: Path) -> None:
    """Delete a directory of the host with everything in it; harmless if it is not there."""
    if not directory.exists():
        return
    parent = os.open(directory.parent, DIRECTORY)
    try:
        remove_directory(parent, directory.name)
    finally:
        os.close(parent)


def remove_directory(parent: int, name: str) -> None:
    """Delete a directory with everything in it, also what nobody may read.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none of that name in the open directory `parent`.
        OSError: a guest fills it faster than it can be emptied, or it cannot be deleted.
    """
    top = _open(name, parent)
    try:
        for _ in range(_MOST_SWEEPS):
            _empty(top)
            try:
                os.rmdir(name, dir_fd=parent)
            except FileNotFoundError:  # a program of the guest was faster
                return
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
            else:
                return
    finally:
        os.close(top)
    raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), name)


def _empty(top: int) -> None:
    """Delete everything that is in a directory now."""
    pending = deque(_names(top))
    while pending:
        name = pending.popleft()
        if _unlink(name, top):
            continue
        try:
            below = _open(name, top)
        except (FileNotFoundError, NotADirectoryError):  # it is gone, or has become another thing for the next sweep
            continue
        try:
            for entry in _names(below):
                if not _unlink(entry, below):
                    moved = f".{secrets.token_hex(8)}"
                    if _move(entry, below, moved, top):
                        pending.append(moved)
        finally:
            os.close(below)
        try:
            os.rmdir(name, dir_fd=top)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.ENOTDIR):
                raise


def _open(name: str, parent: int) -> int:
    """A descriptor of a directory that is not reached through a link, and may be read and changed."""
    directory = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        mode = stat.S_IMODE(os.fstat(directory).st_mode)
        if mode & _ALL != _ALL:
            Path(f"/proc/self/fd/{directory}").chmod(mode | _ALL)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(directory)


def _names(directory: int) -> list[str]:
    return os.listdir(directory)  # a descriptor, not a path


def _unlink(name: str, directory: int) -> bool:
    """Delete an entry; False: it is a directory."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False
    return True


def _move(name: str, source: int, target_name: str, target: int) -> bool:
    """Move a directory up; False: it is gone."""
    try:
        os.rename(name, target_name, src_dir_fd=source, dst_dir_fd=target)
    except FileNotFoundError:
        return False
    except PermissionError:  # its own entry `..` changes, so it has to be open to us
        os.close(_open(name, source))
        os.rename(name, target_name, src_dir_fd=source, dst_dir_fd=target)
    return True
