"""What an account may do to files, by their owners and permissions, where the simulator acts in its place."""

import errno
import os
import posixpath

from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.tree import FileInfo, FileTree

_READ, _WRITE, _SEARCH = 4, 2, 1
_STICKY = 0o1000


def check_read(tree: FileTree, account: Account, path: str) -> None:
    """Raises PermissionError, and OSError where a path leads nowhere."""
    _check_way(tree, account, path)
    _check(tree.resolved_info(path), account, _READ, path)


def check_execute(tree: FileTree, account: Account, path: str) -> None:
    """The same for starting a program; nobody may start what no one may, not even root."""
    _check_way(tree, account, path)
    info = tree.resolved_info(path)
    if info.kind != "file" or not info.mode & 0o111:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    _check(info, account, _SEARCH, path)


def check_write(tree: FileTree, account: Account, path: str) -> None:
    """The same for changing a file, or making one that is not there."""
    _check_way(tree, account, path)
    if tree.exists(path):
        _check(tree.resolved_info(path), account, _WRITE, path)
    else:
        check_change(tree, account, path)


def check_change(tree: FileTree, account: Account, path: str) -> None:
    """The same for making, renaming and deleting an entry of a directory."""
    _check_way(tree, account, path)
    parent = tree.resolved_info(_parent(path))
    _check(parent, account, _WRITE, path)
    if parent.mode & _STICKY and account.uid not in (0, parent.uid) and tree.exists(path):
        check_owner(tree, account, path)


def check_owner(tree: FileTree, account: Account, path: str) -> None:
    """The same for what only a file's owner may do."""
    _check_way(tree, account, path)
    if account.uid not in (0, tree.info(path).uid):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)


def _check_way(tree: FileTree, account: Account, path: str) -> None:
    """Every directory above a path has to let the account through."""
    if account.uid == 0 or not path.startswith("/"):
        return
    above = _parent(path)
    while above != "/":
        _check(tree.resolved_info(above), account, _SEARCH, path)
        above = _parent(above)


def _parent(path: str) -> str:
    return posixpath.dirname(path.rstrip("/")) or "/"


def _check(info: FileInfo, account: Account, wanted: int, path: str) -> None:
    shift = 6 if info.uid == account.uid else 3 if info.gid == account.uid else 0
    if account.uid != 0 and not info.mode >> shift & wanted:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
