"""Whom files of a guest belong to.

On the host all of them belong to one user, so the guest's own idea of an owner is kept in an attribute of the file. It
goes where the file goes, into captured images too. On a file system without such attributes everything is root's.
"""

import os

ATTRIBUTE = "user.vcdsim.owner"
ROOT = (0, 0)


def parse_owner(text: str) -> tuple[int, int]:
    """User and group from the attribute's text; root for what a guest may have put there instead."""
    user, _, group = text.partition(":")
    return (int(user), int(group)) if user.isdecimal() and group.isdecimal() and len(text) < 24 else ROOT


def read_owner(path: str) -> tuple[int, int]:
    """User and group of the file at a path of the host; `/proc/self/fd/N` stands for what N is open at."""
    follow = path.startswith("/proc/self/fd/") and path.count("/") == 4
    try:
        return parse_owner(os.getxattr(path, ATTRIBUTE, follow_symlinks=follow).decode("ascii", "replace"))
    except OSError:
        return ROOT


def write_owner(path: str, uid: int, gid: int) -> None:
    """Say whom a file belongs to; harmless where that cannot be kept."""
    try:
        if (uid, gid) != ROOT or read_owner(path) != ROOT:
            os.setxattr(path, ATTRIBUTE, f"{uid}:{gid}".encode())
    except OSError:
        return
