"""The directory below which guests keep everything, and what is left of those of simulators that were killed."""

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO

from vcd_simulator.guests.removal import remove_tree

_PREFIX = "vcdsim-"
_LOCK = "lock"


class StateDirectory:
    """A new temporary directory. It is locked as long as this process lives, so that others know it to be in use."""

    def __init__(self, parent: Path | None = None) -> None:
        """Make the directory, and remove those of our user that nobody holds any more."""
        parent = parent or Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        self.path, self._lock = _locked(parent)

    def remove(self) -> None:
        """Delete the directory with all that is in it."""
        _remove(self.path)
        self._lock.close()


def _locked(parent: Path) -> tuple[Path, IO[str]]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = (path / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_nlink:
            return path, lock
        lock.close()  # another simulator that is starting took it for abandoned, before it was locked


def _remove(directory: Path) -> None:
    """The lock goes last: a directory without one would be kept for ever if this is cut off."""
    for entry in directory.iterdir():
        if entry.name != _LOCK:
            remove_tree(entry)
    remove_tree(directory)


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*"):
        try:
            if directory.is_symlink() or directory.lstat().st_uid != os.getuid():
                continue
            with (directory / _LOCK).open() as lock:
                if _is_free(lock):
                    _remove(directory)
        except OSError:
            continue  # another simulator is just making or removing it


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
