"""Walking down a guest's files by descriptors that never follow a link."""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Mount:
    """A host directory that a guest sees at some path."""

    source: Path
    writable: bool
    opener: Callable[[], int] | None = None
    """Opens the directory where the path alone cannot be trusted."""

    def open(self) -> int:
        """A descriptor of the directory. Raises OSError."""
        # The top of a mount is ours, not the guest's: it may be reached through links of the host.
        return os.open(self.source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if self.opener is None else self.opener()


@dataclass(frozen=True)
class Place:
    """The last component of a path, within the open directory that holds it. `name` is "." for a mount's top."""

    directory: int
    name: str
    writable: bool

    def stat(self) -> os.stat_result:
        return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)

    def check_writable(self, path: str) -> None:
        if not self.writable or self.name == ".":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


class Walk:
    """Directories entered so far, each by its descriptor and its path in the guest."""

    def __init__(self, mounts: Mapping[str, Mount], more: Callable[[], Mapping[str, Mount]], more_below: str) -> None:
        self._mounts = mounts
        self._more = more
        self._more_below = more_below
        self._stack: list[tuple[int, str, bool]] = []

    def __enter__(self) -> Self:
        self._push_mount("/")
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor, _path, _writable in self._stack:
            os.close(descriptor)

    @property
    def directory(self) -> int:
        return self._stack[-1][0]

    @property
    def writable(self) -> bool:
        return self._stack[-1][2]

    def up(self) -> None:
        if len(self._stack) > 1:
            os.close(self._stack.pop()[0])

    def restart(self) -> None:
        while len(self._stack) > 1:
            self.up()

    def enter(self, name: str, missing_mode: int | None = None) -> None:
        """Go into a directory, which is made if it is not there and `missing_mode` says how. Raises OSError."""
        if missing_mode is not None and self.writable:
            with suppress(FileExistsError):
                os.mkdir(name, missing_mode, dir_fd=self.directory)
        self._stack.append((os.open(name, DIRECTORY, dir_fd=self.directory), self._path_of(name), self.writable))

    def enter_mount(self, name: str) -> bool:
        path = self._path_of(name)
        if path not in self._mounts and path.rpartition("/")[0] == self._more_below:
            self._mounts = {**self._mounts, **self._more()}
        if path not in self._mounts:
            return False
        self._push_mount(path)
        return True

    def link_target(self, name: str) -> str | None:
        """Where an entry leads; None if it is no link, also where a guest just replaced it."""
        try:
            return os.readlink(name, dir_fd=self.directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise

    def _path_of(self, name: str) -> str:
        return f"{self._stack[-1][1].rstrip('/')}/{name}"

    def _push_mount(self, path: str) -> None:
        mount = self._mounts[path]
        self._stack.append((mount.open(), path, mount.writable))
