"""The methods of the vSphere API, and what a caller must have done before."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from vcd_simulator.guests.errors import PowerStateError, UnknownGuestError
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter import inventory as objects
from vcd_simulator.vcenter.guest_access import guest_faults, log_in, power_fault
from vcd_simulator.vcenter.guest_files import GuestFiles
from vcd_simulator.vcenter.guest_processes import GuestProcesses
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.properties import ContainerViews, PropertyReader
from vcd_simulator.vcenter.sessions import Session, Sessions, VcenterAccount
from vcd_simulator.vcenter.soap import (
    Arguments,
    Data,
    Ref,
    Request,
    SoapFaultError,
    Value,
    parse_request,
    render_fault,
    render_response,
)
from vcd_simulator.vcenter.transfers import Transfers

log = logging.getLogger(__name__)

_WITHOUT_SESSION = frozenset({"RetrieveServiceContent", "Login", "Fetch", "CurrentTime"})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request."""

    cookie: str
    address: str
    agent: str
    authority: str
    """Host and port by which the caller reaches us."""


Method = Callable[[Request, Caller], Value]


class VimService:
    """One vCenter's methods. Thread-safe; every call returns within milliseconds."""

    def __init__(self, hypervisor: Hypervisor, account: VcenterAccount) -> None:
        self.transfers = Transfers()
        self.sessions = Sessions(account)
        self._hypervisor = hypervisor
        self._inventory = Inventory(hypervisor, account.name)
        self._views = ContainerViews(self._inventory)
        self._reader = PropertyReader(self._inventory, self._views)
        self._methods = self._method_table()

    def answer(self, body: bytes, caller: Caller) -> tuple[int, bytes]:
        """Carry out one SOAP request; returns the HTTP status and the envelope."""
        try:
            return self.carry_out(parse_request(body), caller)
        except SoapFaultError as error:
            return 500, render_fault(error)

    def carry_out(self, request: Request, caller: Caller) -> tuple[int, bytes]:
        """The same for a request that has been parsed."""
        try:
            method = self._methods.get((request.this.type, request.method)) or self._methods.get(("", request.method))
            if method is None:
                raise SoapFaultError("NotSupported", f"{request.this.type} has no method {request.method} here")
            self._check_session(request, caller)
            result = method(request, caller)
            return 200, render_response(request.method, result, dynamic=request.method == "Fetch")
        except SoapFaultError as error:
            return 500, render_fault(error)
        except Exception:
            log.exception("the vCenter failed to answer a request")
            return 500, render_fault(SoapFaultError("RuntimeFault", "internal error of the simulator"))

    def knows(self, request: Request) -> bool:
        """Whether there is such a method."""
        return any((kind, request.method) in self._methods for kind in (request.this.type, ""))

    def guest_names(self, request: Request) -> tuple[str, ...]:
        """By which names the virtual machine is known that a request is about: its own, and its moid."""
        about = request.this if request.this.type == "VirtualMachine" else request.arguments.optional_ref("vm")
        if about is None:
            return ()
        try:
            return self._hypervisor.guest(about.id).names
        except UnknownGuestError:
            return (about.id,)

    def _check_session(self, request: Request, caller: Caller) -> None:
        session = self.sessions.find(caller.cookie)
        if session is not None:
            return
        is_anonymous = request.method in _WITHOUT_SESSION and (
            request.method != "Fetch" or request.this == objects.SERVICE_INSTANCE
        )
        if not is_anonymous:
            raise SoapFaultError(
                "NotAuthenticated", "The session is not authenticated.", object=request.this, privilegeId="System.View"
            )

    def _method_table(self) -> dict[tuple[str, str], Method]:
        """Methods by the type of object and their name."""
        processes = GuestProcesses(self._inventory)
        files = GuestFiles(self._inventory, self.transfers)
        process, file, vm = objects.PROCESS_MANAGER.type, objects.FILE_MANAGER.type, "VirtualMachine"
        plain = {
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
        }
        table = {key: _plain(method) for key, method in plain.items()}
        return table | {
            ("", "Fetch"): self._fetch,
            ("ServiceInstance", "RetrieveServiceContent"): lambda _request, _caller: self._inventory.content(),
            ("ServiceInstance", "CurrentTime"): lambda _request, _caller: datetime.now(UTC),
            ("SessionManager", "Login"): self._log_in,
            ("SessionManager", "Logout"): self._log_out,
            ("SessionManager", "SessionIsActive"): self._is_active,
            ("PropertyCollector", "RetrieveProperties"): self._retrieve,
            ("PropertyCollector", "RetrievePropertiesEx"): self._retrieve_page,
            ("ViewManager", "CreateContainerView"): self._create_view,
            ("ContainerView", "DestroyView"): self._destroy_view,
            ("SearchIndex", "FindByUuid"): self._find_by_uuid,
            ("SearchIndex", "FindByInventoryPath"): self._find_by_path,
            ("SearchIndex", "FindByIp"): self._find_by_ip,
            ("SearchIndex", "FindByDnsName"): self._find_by_dns_name,
            ("SearchIndex", "FindChild"): self._find_child,
            (objects.AUTH_MANAGER.type, "ValidateCredentialsInGuest"): self._validate_credentials,
            (file, "InitiateFileTransferToGuest"): lambda call, who: files.upload(call.arguments, who.authority),
            (file, "InitiateFileTransferFromGuest"): lambda call, who: files.download(call.arguments, who.authority),
            (vm, "ShutdownGuest"): self._guest_power(self._hypervisor.shut_down),
            (vm, "RebootGuest"): self._guest_power(self._hypervisor.reset),
        }

    def _log_in(self, request: Request, caller: Caller) -> Value:
        user, password = request.arguments.text("userName"), request.arguments.text("password")
        session = self.sessions.log_in(caller.cookie, user, password, address=caller.address, agent=caller.agent)
        return session.to_data()

    def _log_out(self, _request: Request, caller: Caller) -> Value:
        self.sessions.log_out(caller.cookie)
        return None

    def _is_active(self, request: Request, _caller: Caller) -> Value:
        return self.sessions.is_active(request.arguments.text("sessionID"))

    def _fetch(self, request: Request, caller: Caller) -> Value:
        name = request.arguments.text("prop")
        if request.this == objects.SESSION_MANAGER and name in ("currentSession", "sessionList"):
            session = self._session(caller)
            return session.to_data() if session else None
        return self._reader.read(request.this, name)

    def _session(self, caller: Caller) -> Session | None:
        return self.sessions.find(caller.cookie)

    def _retrieve(self, request: Request, _caller: Caller) -> Value:
        return self._reader.retrieve(request.arguments.children("specSet"))

    def _retrieve_page(self, request: Request, caller: Caller) -> Value:
        """All results in one page: clients ask for the next one only when there is a token."""
        found = self._retrieve(request, caller)
        return Data("RetrieveResult", {"objects": found}) if found else None

    def _create_view(self, request: Request, _caller: Caller) -> Value:
        arguments = request.arguments
        kinds = tuple(arguments.texts("type"))
        return self._views.create(arguments.ref("container"), kinds, recursive=arguments.boolean("recursive"))

    def _destroy_view(self, request: Request, _caller: Caller) -> Value:
        self._views.destroy(request.this)
        return None

    def _find_by_uuid(self, request: Request, _caller: Caller) -> Value:
        arguments = request.arguments
        kind = "instance" if arguments.boolean("instanceUuid") else "bios"
        wanted = arguments.text("uuid").lower()
        if not arguments.boolean("vmSearch"):
            return None
        return self._first_vm(lambda guest: objects.vm_uuid(guest.moid, kind) == wanted)

    def _find_by_path(self, request: Request, _caller: Caller) -> Value:
        found: Ref | None = objects.ROOT_FOLDER
        for name in request.arguments.text("inventoryPath").strip("/").split("/"):
            found = self._child(found, name) if found else None
        return found

    def _find_child(self, request: Request, _caller: Caller) -> Value:
        return self._child(request.arguments.ref("entity"), request.arguments.text("name"))

    def _find_by_ip(self, request: Request, _caller: Caller) -> Value:
        wanted = request.arguments.text("ip")
        return self._first_vm(lambda guest: guest.is_up and wanted in guest.spec.ip_addresses)

    def _find_by_dns_name(self, request: Request, _caller: Caller) -> Value:
        wanted = request.arguments.text("dnsName").lower()
        return self._first_vm(lambda guest: guest.is_up and guest.hostname.lower() == wanted)

    def _first_vm(self, matches: Callable[[Guest], bool]) -> Value:
        found = next((guest for guest in self._inventory.guests() if matches(guest)), None)
        return Ref("VirtualMachine", found.moid) if found else None

    def _child(self, container: Ref, name: str) -> Ref | None:
        children = self._inventory.children(container, recursive=False)
        return next((child for child in children if self._reader.read(child, "name") == name), None)

    def _validate_credentials(self, request: Request, _caller: Caller) -> Value:
        log_in(self._inventory, request.arguments)
        return None

    def _guest_power(self, action: Callable[[str], None]) -> Method:
        def act(request: Request, _caller: Caller) -> Value:
            guest = self._inventory.guest(request.this)
            with guest_faults():
                guest.check_tools()
            try:
                action(guest.moid)
            except PowerStateError as exc:
                raise power_fault(exc) from exc
            return None

        return act


def _plain(method: Callable[[Arguments], Value]) -> Method:
    """A method that needs to know only its arguments."""

    def call(request: Request, _caller: Caller) -> Value:
        return method(request.arguments)

    return call
