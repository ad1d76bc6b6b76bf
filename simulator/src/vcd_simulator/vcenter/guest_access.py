"""What all guest operations share: logging in to the guest, and its errors as faults."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.errors import LoginError, PowerStateError, ToolsNotRunningError
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.soap import Arguments, Enum, SoapFaultError

_FILE_FAULTS = {
    errno.ENOENT: ("FileNotFound", "File {file} was not found"),
    errno.EEXIST: ("FileAlreadyExists", "File {file} already exists"),
    errno.ENOTDIR: ("NotADirectory", "{file} is not a directory"),
    errno.EISDIR: ("NotAFile", "{file} is not a file"),
    errno.ENOTEMPTY: ("DirectoryNotEmpty", "Directory {file} is not empty"),
    errno.ENAMETOOLONG: ("FileNameTooLong", "The name {file} is too long"),
    errno.ENOSPC: ("NoDiskSpace", "There is no space left for {file}"),
    errno.ELOOP: ("CannotAccessFile", "Unable to access file {file}"),
}
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def log_in(inventory: Inventory, arguments: Arguments) -> tuple[Guest, Account]:
    """The guest of the argument `vm` and the account of the argument `auth`. Raises SoapFaultError."""
    guest = inventory.guest(arguments.ref("vm"))
    auth = arguments.child("auth")
    if auth.type != "NamePasswordAuthentication" or auth.boolean("interactiveSession"):
        raise SoapFaultError(
            "OperationNotSupportedByGuest", "The guest supports only non-interactive logins with name and password."
        )
    with guest_faults():
        return guest, guest.log_in(auth.text("username"), auth.text("password"))


@contextmanager
def guest_faults(file: str = "") -> Iterator[None]:
    """Raise what a guest refuses as the fault that vCenter reports; `file` is the path that was asked for."""
    try:
        yield
    except PowerStateError as exc:
        raise power_fault(exc) from exc
    except ToolsNotRunningError as exc:
        raise SoapFaultError(
            "GuestOperationsUnavailable", "The guest operations agent could not be contacted."
        ) from exc
    except LoginError as exc:
        raise SoapFaultError(
            "InvalidGuestLogin",
            "Failed to authenticate with the guest operating system using the supplied credentials.",
        ) from exc
    except OSError as exc:
        raise _file_fault(exc, file) from exc


def power_fault(error: PowerStateError) -> SoapFaultError:
    """InvalidPowerState with both states."""
    kind = "VirtualMachinePowerState"
    existing = {PowerState.ON: "Powered on", PowerState.OFF: "Powered off"}.get(PowerState(error.existing), "Suspended")
    return SoapFaultError(
        "InvalidPowerState",
        f"The attempted operation cannot be performed in the current state ({existing}).",
        requestedState=Enum(kind, error.requested),
        existingState=Enum(kind, error.existing),
    )


def _file_fault(error: OSError, file: str) -> SoapFaultError:
    if error.errno in _DENIED:
        return SoapFaultError("GuestPermissionDenied", "Insufficient permissions in the guest operating system.")
    if error.errno == errno.EINVAL:
        return SoapFaultError("InvalidArgument", f"A specified parameter was not correct: {file}")
    fault, message = _FILE_FAULTS.get(error.errno or 0, ("CannotAccessFile", "Unable to access file {file}"))
    return SoapFaultError(fault, message.format(file=file), file=file)
