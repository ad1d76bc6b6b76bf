"""What vCenter's faults mean for us, and whether trying again helps."""

import re
import ssl
from http.client import HTTPException
from typing import Any, Final
from xml.parsers.expat import ExpatError

from cse_core.errors import CseError, ExhaustedError
from cse_core.tls import why_not_trusted
from cse_vcd.errors import (
    GuestDiskFullError,
    GuestError,
    GuestFileNotFoundError,
    GuestGoneError,
    GuestLoginError,
    GuestUnavailableError,
    UntrustedError,
    VcenterUnavailableError,
    tidy,
)
from cse_vcd.soap import vim, vmodl

SESSION_OVER: Final[type[Exception]] = vim.fault.NotAuthenticated
FAULT: Final[type[Exception]] = vmodl.MethodFault
"""The root of all faults."""
TRANSPORT: Final = (OSError, HTTPException, ExpatError)
"""What a call raises when there was no answer that can be read."""

_MEANING: Final[tuple[tuple[Any, type[CseError], str], ...]] = (
    (vim.fault.InvalidLogin, VcenterUnavailableError, "it refuses our account; check the section `vcs`"),
    (vim.fault.NotAuthenticated, VcenterUnavailableError, "it ends our sessions as soon as they begin"),
    (vim.fault.NoPermission, GuestError, "our account may not do this; it needs the privileges for guest operations"),
    (vmodl.fault.ManagedObjectNotFound, GuestGoneError, "there is no such machine (any more)"),
    (vim.fault.GuestOperationsUnavailable, GuestUnavailableError, "the guest's tools do not run"),
    (vim.fault.InvalidGuestLogin, GuestLoginError, "the guest refuses the password"),
    (vim.fault.TooManyGuestLogons, ExhaustedError, "the guest has too many logins"),
    (vim.fault.FileNotFound, GuestFileNotFoundError, "the guest has no such file"),
    (vim.fault.InvalidState, GuestUnavailableError, "the machine is off or busy"),
    (vim.fault.TaskInProgress, GuestUnavailableError, "another task works on the machine"),
)
_PASSING: Final = (vmodl.fault.SystemError, vmodl.fault.HostCommunication, vmodl.fault.RequestCanceled)
_NO_SPACE: Final = re.compile(r"(?i)no space left|not enough (disk )?space|disk (is )?full")
_UNSPECIFIC: Final = (vmodl.RuntimeFault, vmodl.MethodFault)
"""Of these very types it means as much as HTTP's 500."""


def from_vim(exc: BaseException, doing: str, vcenter: str) -> CseError:
    """The error for what a call of pyVmomi has raised. The message begins with what was being done."""
    where = f"{doing}: vCenter {vcenter!r}"
    if isinstance(exc, ssl.SSLCertVerificationError):
        return UntrustedError(
            f"{where}: its certificate {why_not_trusted(exc)}; "
            "in a lab, `verify: false` in the section `vcs` does without the check",
            vcenter=vcenter,
        )
    for kind, error, meaning in _MEANING:
        if isinstance(exc, kind):
            return error(f"{where}: {meaning}", vcenter=vcenter)
    if isinstance(exc, _PASSING) or not isinstance(exc, FAULT) or type(exc) in _UNSPECIFIC:
        return VcenterUnavailableError(f"{where} does not answer ({_says(exc)})", vcenter=vcenter)
    refused = GuestDiskFullError if _NO_SPACE.search(_says(exc)) else GuestError
    return refused(f"{where}: {_says(exc)}", vcenter=vcenter, fault=type(exc).__name__.rsplit(".", 1)[-1])


def _says(exc: BaseException) -> str:
    text = getattr(exc, "msg", None) or getattr(exc, "strerror", None)
    return tidy(text) if isinstance(text, str) and text else type(exc).__name__.rsplit(".", 1)[-1]
