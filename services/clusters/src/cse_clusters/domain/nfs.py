"""What an NFS node's own tools print, read strictly: a guest belongs to its tenant and may print anything."""

from typing import Final

_MOST: Final = 100
_LONGEST: Final = 512


def exports_in(output: str) -> tuple[str, ...]:
    """The exports that `showmount --no-headers --exports` lists: a directory and its clients each.

    What is no absolute path is left out, and so is what is unprintable, too long, or too much.
    """
    lines = (" ".join(line.split()) for line in output.splitlines())
    return tuple(line for line in lines if line.startswith("/") and line.isprintable() and len(line) <= _LONGEST)[
        :_MOST
    ]
