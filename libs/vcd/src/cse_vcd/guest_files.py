"""Files in a machine's operating system, through its tools. Errors are those of `cse_vcd.guest`."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import structlog

from cse_core.errors import CseError
from cse_vcd.errors import GuestFileNotFoundError, VcenterUnavailableError
from cse_vcd.soap import vim
from cse_vcd.vcenter import Vcenter

log = structlog.get_logger()

T = TypeVar("T")

PARENT: Final = "/tmp"  # noqa: S108  # the guest's, and what is made there is private
"""Where temporary directories are made."""


class GuestFiles:
    """The files of one machine. Keeps no state; may be used by many threads.

    Args:
        vcenter: knows the machine.
        moid: of the machine.
        login: vSphere's, whose rights in the guest decide.
    """

    def __init__(self, vcenter: Vcenter, moid: str, login: Any) -> None:
        self._vcenter = vcenter
        self._moid = moid
        self._login = login

    def make_directory(self, start: str) -> str:
        """A new directory below `PARENT`, for this login alone, whose name begins so; returns its path."""
        directory: str = self._vcenter.call(
            "making a directory in the guest",
            lambda vc: vc.files.CreateTemporaryDirectoryInGuest(vc.machine(self._moid), self._login, start, "", PARENT),
            repeatable=False,
        )
        return directory

    def delete_directory(self, directory: str) -> None:
        """With all that is in it; a failure is logged."""
        try:
            self._vcenter.call(
                "cleaning up in the guest",
                lambda vc: vc.files.DeleteDirectoryInGuest(vc.machine(self._moid), self._login, directory, True),
            )
        except CseError as exc:
            log.info("guest_not_cleaned_up", moid=self._moid, directory=directory, error=str(exc))

    def write(self, path: str, content: bytes, *, mode: int) -> None:
        """Writes the file, replacing one of that name."""
        doing = "sending a file to the guest"
        attributes = vim.vm.guest.FileManager.PosixFileAttributes(permissions=mode)

        def send() -> None:
            url = self._vcenter.call(
                doing,
                lambda vc: vc.files.InitiateFileTransferToGuest(
                    vc.machine(self._moid), self._login, path, attributes, len(content), True
                ),
            )
            self._vcenter.put(doing, url, content)

        _twice(send)

    def end_of(self, path: str, max_bytes: int) -> tuple[str, bool]:
        """What a stream holds, at most its last bytes, and whether that is less than all. Empty if it is not there."""
        try:
            content, is_cut = self.fetch(path, max_bytes, keep_end=True)
        except GuestFileNotFoundError:
            return "", False
        return content.decode(errors="replace"), is_cut

    def fetch(self, path: str, max_bytes: int, *, keep_end: bool) -> tuple[bytes, bool]:
        """At most so much of the file, its beginning or its end, and whether that is less than all.

        Raises:
            GuestFileNotFoundError: the guest has no such file.
        """
        doing = "fetching a file from the guest"

        def fetch() -> tuple[bytes, bool]:
            ticket = self._vcenter.call(
                doing,
                lambda vc: vc.files.InitiateFileTransferFromGuest(vc.machine(self._moid), self._login, path),
            )
            if ticket.size > max_bytes and not keep_end:
                return b"", True
            if ticket.size == 0 and keep_end:  # a stream; other files may only look empty, as those below /proc do
                return b"", False
            return self._vcenter.get(doing, ticket.url, max_bytes, keep_end=keep_end)

        return _twice(fetch)


def _twice(transfer: Callable[[], T]) -> T:
    """A transfer's address is good for one try, so a second one needs a new address."""
    try:
        return transfer()
    except VcenterUnavailableError:
        return transfer()
