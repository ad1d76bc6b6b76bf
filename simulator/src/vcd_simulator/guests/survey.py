"""Looking at everything below a directory that the programs of a guest change meanwhile."""

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTING = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 1000
"""Every directory on the way down is open."""


@dataclass(frozen=True)
class Listing:
    """What was in a directory a moment ago."""

    path: str
    """From where the survey began; empty for that directory itself."""
    descriptor: int
    """Of the open directory; good until the next listing is asked for."""
    folders: list[str]
    others: list[str]


def survey(top: Path) -> Generator[Listing, None, None]:
    """Every directory at and below one, parents first.

    No link is followed and nothing waits, whatever takes the place of a directory. What vanishes is left out, and what
    is nested deeper than a thousand directories.
    """
    open_now: list[tuple[Listing, Iterator[str]]] = []
    try:
        listing = _list(str(top), "", None)
        while listing is not None or open_now:
            if listing is not None:
                open_now.append((listing, iter(listing.folders if len(open_now) < _DEEPEST else ())))
                yield listing
            here, pending = open_now[-1]
            name = next(pending, None)
            listing = None
            if name is None:
                open_now.pop()
                os.close(here.descriptor)
            else:
                listing = _list(name, f"{here.path}/{name}".lstrip("/"), here.descriptor)
    finally:
        for here, _ in open_now:
            os.close(here.descriptor)


def _list(name: str, path: str, parent: int | None) -> Listing | None:
    """None for what is no directory, or none any more, or not to be read."""
    try:
        descriptor = os.open(name, _LISTING, dir_fd=parent)
    except OSError:
        return None
    folders: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
    except OSError:
        os.close(descriptor)
        return None
    return Listing(path, descriptor, folders, others)
