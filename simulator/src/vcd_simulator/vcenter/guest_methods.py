"""The methods of the managers of guest operations, by type and name."""

from collections.abc import Callable
from functools import partial

from vcd_simulator.vcenter.calls import Caller, Method
from vcd_simulator.vcenter.guest_access import log_in
from vcd_simulator.vcenter.guest_files import GuestFiles
from vcd_simulator.vcenter.guest_processes import GuestProcesses
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import AUTH_MANAGER, FILE_MANAGER, PROCESS_MANAGER
from vcd_simulator.vcenter.soap import Arguments, Request, SoapFaultError, Value
from vcd_simulator.vcenter.transfers import Transfers

PlainMethod = Callable[[Arguments], Value]
"""A method that needs to know only its arguments."""


def guest_methods(inventory: Inventory, transfers: Transfers) -> dict[tuple[str, str], Method]:
    """What there is for programs, for files and for logins in guests."""
    processes, files = GuestProcesses(inventory), GuestFiles(inventory, transfers)
    process, file, auth = PROCESS_MANAGER.type, FILE_MANAGER.type, AUTH_MANAGER.type
    plain: dict[tuple[str, str], PlainMethod] = {
        (process, "StartProgramInGuest"): processes.start,
        (process, "ListProcessesInGuest"): processes.list,
        (process, "TerminateProcessInGuest"): processes.terminate,
        (process, "ReadEnvironmentVariableInGuest"): processes.read_environment,
        (file, "MakeDirectoryInGuest"): files.make_directory,
        (file, "CreateTemporaryFileInGuest"): files.create_temporary_file,
        (file, "CreateTemporaryDirectoryInGuest"): files.create_temporary_directory,
        (file, "ListFilesInGuest"): files.list,
        (file, "MoveFileInGuest"): files.move_file,
        (file, "MoveDirectoryInGuest"): files.move_directory,
        (file, "DeleteFileInGuest"): files.delete_file,
        (file, "DeleteDirectoryInGuest"): files.delete_directory,
        (file, "ChangeFileAttributesInGuest"): files.change_attributes,
        (auth, "ValidateCredentialsInGuest"): partial(_validate_credentials, inventory),
        (auth, "AcquireCredentialsInGuest"): _no_tickets,
        (auth, "ReleaseCredentialsInGuest"): _no_tickets,
    }
    return {
        **plain_methods(plain),
        (file, "InitiateFileTransferToGuest"): lambda call, who: files.upload(call.arguments, who.authority),
        (file, "InitiateFileTransferFromGuest"): lambda call, who: files.download(call.arguments, who.authority),
    }


def plain_methods(methods: dict[tuple[str, str], PlainMethod]) -> dict[tuple[str, str], Method]:
    """Methods that need to know only their arguments, as all others are called."""
    return {key: partial(_plain, method) for key, method in methods.items()}


def _plain(method: PlainMethod, request: Request, _caller: Caller) -> Value:
    return method(request.arguments)


def _validate_credentials(inventory: Inventory, arguments: Arguments) -> Value:
    log_in(inventory, arguments)
    return None


def _no_tickets(_arguments: Arguments) -> Value:
    """There is no single sign-on in the guests."""
    raise SoapFaultError(
        "OperationNotSupportedByGuest", "The guest supports only non-interactive logins with name and password."
    )
