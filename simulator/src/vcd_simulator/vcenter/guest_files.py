"""GuestFileManager: files in guests."""

import errno
import itertools
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from vcd_simulator.guests import permissions
from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.tree import FileInfo
from vcd_simulator.vcenter.guest_access import guest_faults, log_in
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.soap import Arguments, Data, Long, SoapFaultError, Value, invalid_request
from vcd_simulator.vcenter.transfers import Attributes, Transfers

_DEFAULT_RESULTS = 50
_MAX_PATTERN = 512


class GuestFiles:
    """The methods of GuestFileManager for one vCenter."""

    def __init__(self, inventory: Inventory, transfers: Transfers) -> None:
        self._inventory = inventory
        self._transfers = transfers

    def upload(self, arguments: Arguments, authority: str) -> Value:
        """InitiateFileTransferToGuest: returns the URL to PUT the content to."""
        guest, account = log_in(self._inventory, arguments)
        path = arguments.text("guestFilePath")
        size = arguments.integer("fileSize")
        overwrite = arguments.boolean("overwrite")
        with guest_faults(path):
            parent = path.rstrip("/").rpartition("/")[0] or "/"
            if guest.tree.resolved_info(parent).kind != "directory":
                raise _os_error(errno.ENOTDIR, parent)
            if guest.tree.exists(path):
                if guest.tree.resolved_info(path).kind == "directory":
                    raise _os_error(errno.EISDIR, path)
                if not overwrite:
                    raise _os_error(errno.EEXIST, path)
            permissions.check_write(guest.tree, account, path)
            guest.tree.check_writable(path)
            guest.check_space(path)
            is_new = not guest.tree.exists(path)
        attributes = _attributes(arguments.child("fileAttributes"))
        if is_new:
            attributes = replace(attributes, uid=attributes.uid or account.uid, gid=attributes.gid or account.uid)
        return self._transfers.offer_upload(authority, guest, path, size, attributes, overwrite=overwrite)

    def download(self, arguments: Arguments, authority: str) -> Value:
        """InitiateFileTransferFromGuest: returns the URL to GET the content from."""
        guest, account = log_in(self._inventory, arguments)
        path = arguments.text("guestFilePath")
        with guest_faults(path):
            permissions.check_read(guest.tree, account, path)
            info = guest.tree.resolved_info(path)
            guest.tree.open_read(path).close()
        return Data(
            "FileTransferInformation",
            {
                "attributes": _attributes_data(info),
                "size": Long(info.size),
                "url": self._transfers.offer_download(authority, guest, path),
            },
        )

    def make_directory(self, arguments: Arguments) -> Value:
        """MakeDirectoryInGuest."""
        guest, account, path = self._target(arguments, "directoryPath")
        with guest_faults(path):
            guest.check_space(path)
            parents = arguments.boolean("createParentDirectories")
            permissions.check_change(guest.tree, account, guest.tree.first_missing(path) if parents else path)
            guest.tree.make_directory(path, parents=parents)
            guest.tree.change(path, uid=account.uid, gid=account.uid)
        return None

    def create_temporary_file(self, arguments: Arguments) -> Value:
        """CreateTemporaryFileInGuest: returns the path."""
        guest, account, path = self._temporary(arguments)
        with guest_faults(path):
            guest.check_space(path)
            permissions.check_change(guest.tree, account, path)
            guest.tree.open_write(path, mode=0o600, exclusive=True).close()
            guest.tree.change(path, uid=account.uid, gid=account.uid)
        return path

    def create_temporary_directory(self, arguments: Arguments) -> Value:
        """CreateTemporaryDirectoryInGuest: returns the path."""
        guest, account, path = self._temporary(arguments)
        with guest_faults(path):
            guest.check_space(path)
            permissions.check_change(guest.tree, account, path)
            guest.tree.make_directory(path, mode=0o700)
            guest.tree.change(path, uid=account.uid, gid=account.uid)
        return path

    def list(self, arguments: Arguments) -> Value:
        """ListFilesInGuest: a page of a directory."""
        guest, account, path = self._target(arguments, "filePath")
        first = arguments.integer("index", 0)
        limit = arguments.integer("maxResults", _DEFAULT_RESULTS)
        if first < 0 or limit < 0:
            raise invalid_request("index and maxResults cannot be negative", "index")
        matches = _matcher(arguments.text("matchPattern", ""))
        with guest_faults(path):
            permissions.check_read(guest.tree, account, path)
            every = [info for info in guest.tree.entries(path) if matches(info.name)]
        page = list(itertools.islice(every, first, first + limit))
        return Data(
            "GuestListFileInfo",
            {"files": [_file_data(info) for info in page], "remaining": max(0, len(every) - first - len(page))},
        )

    def move_file(self, arguments: Arguments) -> Value:
        """MoveFileInGuest."""
        guest, account, source = self._target(arguments, "srcFilePath")
        target = arguments.text("dstFilePath")
        with guest_faults(source):
            if guest.tree.info(source).kind == "directory":
                raise _os_error(errno.EISDIR, source)
        with guest_faults(target):
            if guest.tree.exists(target):
                if guest.tree.resolved_info(target).kind == "directory":
                    raise _os_error(errno.EISDIR, target)
                if not arguments.boolean("overwrite"):
                    raise _os_error(errno.EEXIST, target)
            permissions.check_change(guest.tree, account, source)
            permissions.check_change(guest.tree, account, target)
            guest.tree.move(source, target)
        return None

    def move_directory(self, arguments: Arguments) -> Value:
        """MoveDirectoryInGuest."""
        guest, account, source = self._target(arguments, "srcDirectoryPath")
        target = arguments.text("dstDirectoryPath")
        with guest_faults(source):
            if guest.tree.info(source).kind != "directory":
                raise _os_error(errno.ENOTDIR, source)
        with guest_faults(target):
            if guest.tree.exists(target):
                raise _os_error(errno.EEXIST, target)
            permissions.check_change(guest.tree, account, source)
            permissions.check_change(guest.tree, account, target)
            guest.tree.move(source, target)
        return None

    def delete_file(self, arguments: Arguments) -> Value:
        """DeleteFileInGuest: of a symbolic link, the link."""
        guest, account, path = self._target(arguments, "filePath")
        with guest_faults(path):
            if guest.tree.info(path).kind == "directory":
                raise _os_error(errno.EISDIR, path)
            permissions.check_change(guest.tree, account, path)
            guest.tree.remove_file(path)
        return None

    def delete_directory(self, arguments: Arguments) -> Value:
        """DeleteDirectoryInGuest."""
        guest, account, path = self._target(arguments, "directoryPath")
        with guest_faults(path):
            permissions.check_change(guest.tree, account, path)
            guest.tree.remove_directory(path, recursive=arguments.boolean("recursive"))
        return None

    def change_attributes(self, arguments: Arguments) -> Value:
        """ChangeFileAttributesInGuest."""
        guest, account, path = self._target(arguments, "guestFilePath")
        with guest_faults(path):
            permissions.check_owner(guest.tree, account, path)
            wanted = _attributes(arguments.child("fileAttributes"))
            if account.uid != 0 and (wanted.uid, wanted.gid) != (None, None):
                raise _os_error(errno.EPERM, path)
            wanted.apply(guest.tree, path)
        return None

    def _target(self, arguments: Arguments, name: str) -> tuple[Guest, Account, str]:
        guest, account = log_in(self._inventory, arguments)
        return guest, account, arguments.text(name)

    def _temporary(self, arguments: Arguments) -> tuple[Guest, Account, str]:
        guest, account = log_in(self._inventory, arguments)
        directory = (arguments.optional_text("directoryPath") or "/tmp").rstrip("/")  # noqa: S108  # the guest's own
        prefix, suffix = arguments.text("prefix"), arguments.text("suffix")
        if "/" in prefix + suffix:
            raise invalid_request("a prefix or suffix cannot hold a slash", "prefix")
        return guest, account, f"{directory}/{prefix}{secrets.token_hex(4)}{suffix}"


def _os_error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)


def _matcher(pattern: str) -> Callable[[str], object]:
    if len(pattern) > _MAX_PATTERN:
        raise invalid_request("the pattern is too long", "matchPattern")
    try:
        return re.compile(pattern or ".*", re.DOTALL).fullmatch
    except re.error as exc:
        raise SoapFaultError("InvalidArgument", f"the pattern is not a regular expression: {exc}") from exc


def _attributes(given: Arguments) -> Attributes:
    times = {name: given.optional_text(name) for name in ("modificationTime", "accessTime")}
    try:
        modified, accessed = (datetime.fromisoformat(text).timestamp() if text else None for text in times.values())
    except ValueError:
        raise invalid_request("a time is not in ISO 8601", "fileAttributes") from None
    mode = given.integer("permissions", 0) & 0o7777
    uid, gid = (given.integer(name) if given.has(name) else None for name in ("ownerId", "groupId"))
    return Attributes(mode=mode or None, uid=uid, gid=gid, modified=modified, accessed=accessed)


def _attributes_data(info: FileInfo) -> Data:
    return Data(
        "GuestPosixFileAttributes",
        {
            "modificationTime": datetime.fromtimestamp(info.modified, UTC),
            "accessTime": datetime.fromtimestamp(info.accessed, UTC),
            "symlinkTarget": info.link_target or "",
            "ownerId": info.uid,
            "groupId": info.gid,
            "permissions": Long(info.mode),
        },
    )


def _file_data(info: FileInfo) -> Data:
    return Data(
        "GuestFileInfo",
        {"path": info.name, "type": info.kind, "size": Long(info.size), "attributes": _attributes_data(info)},
    )
