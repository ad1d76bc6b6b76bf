"""The methods of the vSphere API, and what a caller must have done before."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from vcd_simulator.faults import Faults
from vcd_simulator.guests.errors import UnknownGuestError
from vcd_simulator.guests.happenings import Happening
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter import objects, power
from vcd_simulator.vcenter.calls import Caller, Method, OwnMethod
from vcd_simulator.vcenter.collector import WAITING_METHODS, PropertyMethods
from vcd_simulator.vcenter.custom_fields import CustomFields
from vcd_simulator.vcenter.entities import EntityMethods
from vcd_simulator.vcenter.events import EventLog, EventMethods
from vcd_simulator.vcenter.guest_methods import guest_methods, plain_methods
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.monitoring import Alarms, Performance
from vcd_simulator.vcenter.options import Options
from vcd_simulator.vcenter.properties import ContainerViews, PropertyReader
from vcd_simulator.vcenter.record import VcenterRecord
from vcd_simulator.vcenter.search import SearchIndex
from vcd_simulator.vcenter.session_methods import LOGIN_METHODS, SessionMethods
from vcd_simulator.vcenter.sessions import Session, Sessions, VcenterAccount
from vcd_simulator.vcenter.soap import (
    Array,
    Ref,
    Request,
    SoapFaultError,
    Value,
    parse_request,
    render_fault,
    render_response,
)
from vcd_simulator.vcenter.task_methods import TaskMethods
from vcd_simulator.vcenter.tasks import VcenterTasks
from vcd_simulator.vcenter.transfers import Transfers

log = logging.getLogger(__name__)

_Any = TypeVar("_Any", Method, OwnMethod)

_WITHOUT_SESSION = frozenset({"RetrieveServiceContent", "Fetch", "CurrentTime", *LOGIN_METHODS})


class VimService:
    """One vCenter's methods. Thread-safe; every call returns within milliseconds, but for those that wait."""

    def __init__(self, hypervisor: Hypervisor, account: VcenterAccount, *, faults: Faults | None = None) -> None:
        self.transfers = Transfers()
        self._hypervisor = hypervisor
        self._tasks = VcenterTasks(hypervisor, faults if faults is not None else Faults(), account.name)
        self._inventory = Inventory(hypervisor, account.name, self._tasks)
        self._views = ContainerViews(self._inventory)
        self._reader = PropertyReader(self._inventory, self._views, self._own_properties)
        self._collector = PropertyMethods(self._reader, hypervisor.changes)
        self.sessions = Sessions(account, ended=self._forget_session)
        self._events = EventLog(account.name, account.user)
        self._power = power.PowerOperations(hypervisor, self._inventory, self._tasks, self._events)
        self._custom_fields = CustomFields(self._inventory)
        self._inventory.show_custom_fields(self._custom_fields.properties_of)
        self._options = Options(account.name)
        self._session_methods = SessionMethods(self.sessions, self._events)
        self._event_methods = EventMethods(self._events, self._inventory)
        self._task_methods = TaskMethods(self._tasks, self._inventory)
        self._methods = self._method_table()
        self._closed = False
        hypervisor.on_happening(self._note_happening)

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed = True
        self._hypervisor.changes.tell()

    def record(self) -> VcenterRecord:
        """What the vCenter itself keeps, to be written down in a saved state; its machines are guests."""
        folders, places = self._inventory.folders.record()
        return VcenterRecord(
            folders=folders,
            places=places,
            custom_fields=self._custom_fields.record(),
            options=self._options.record(),
            events=self._events.record(),
        )

    def restore(self, record: VcenterRecord) -> None:
        """Keep what was written down instead of what there is; an empty record makes everything as it was at first.

        The machines are there already. Raises ValueError: the record contradicts itself.
        """
        self._inventory.folders.restore(record.folders, record.places)
        self._custom_fields.restore(record.custom_fields)
        self._options.restore(record.options)
        self._events.restore(record.events)
        self._hypervisor.changes.tell()

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
            return _rendered(request, method(request, caller))
        except SoapFaultError as error:
            return 500, render_fault(error)
        except Exception:
            log.exception("the vCenter failed to answer a request")
            return 500, render_fault(SoapFaultError("RuntimeFault", "internal error of the simulator"))

    @staticmethod
    def waits(request: Request) -> bool:
        """Whether a request is one for `carry_out_waiting`."""
        return request.this.type == "PropertyCollector" and request.method in WAITING_METHODS

    async def carry_out_waiting(
        self, request: Request, caller: Caller, gone: Callable[[], Awaitable[None]]
    ) -> tuple[int, bytes]:
        """Carry out a request that waits for changes; `gone` returns when the caller has hung up."""

        def check_session() -> str:
            if self._closed:
                raise SoapFaultError("RequestCanceled", "The vCenter is shutting down.")
            return self._session(request, caller).key

        try:
            return _rendered(request, await self._collector.wait(request, check_session, gone))
        except SoapFaultError as error:
            return 500, render_fault(error)

    def knows(self, request: Request) -> bool:
        """Whether there is such a method."""
        return self.waits(request) or any((kind, request.method) in self._methods for kind in (request.this.type, ""))

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
        is_anonymous = request.method in _WITHOUT_SESSION and (
            request.method != "Fetch" or request.this in (objects.SERVICE_INSTANCE, objects.SESSION_MANAGER)
        )
        if not is_anonymous:
            self._session(request, caller)

    def _session(self, request: Request, caller: Caller) -> Session:
        """The caller's session, which counts as alive from now. Raises SoapFaultError (NotAuthenticated)."""
        session = self.sessions.find(caller.cookie)
        if session is None:
            raise SoapFaultError(
                "NotAuthenticated", "The session is not authenticated.", object=request.this, privilegeId="System.View"
            )
        return session

    def _forget_session(self, key: str) -> None:
        self._collector.forget(key)
        self._views.forget(key)
        self._event_methods.histories.forget(key)
        self._task_methods.histories.forget(key)

    def _note_happening(self, happening: Happening, guest: Guest) -> None:
        self._events.note_guest(happening, guest)
        if happening is Happening.DELETED:
            machine = Ref("VirtualMachine", guest.moid)
            self._inventory.folders.forget(machine)
            self._custom_fields.forget(machine)

    def _method_table(self) -> Mapping[tuple[str, str], Method]:
        """Methods by the type of object and their name."""
        search = SearchIndex(self._inventory, self._reader).methods()
        return {
            **guest_methods(self._inventory, self.transfers),
            **plain_methods({(objects.SEARCH_INDEX.type, name): method for name, method in search.items()}),
            ("", "Fetch"): self._fetch,
            ("ServiceInstance", "RetrieveServiceContent"): lambda _request, _caller: self._inventory.content(),
            ("ServiceInstance", "CurrentTime"): lambda _request, _caller: datetime.now(UTC),
            **_of(objects.SESSION_MANAGER.type, self._session_methods.methods()),
            **{key: self._own(method) for key, method in self._collector.methods().items()},
            **self._view_methods(),
            **self._power_methods(),
            **{key: self._in_session(method) for key, method in self._own_methods().items()},
        }

    def _own_methods(self) -> dict[tuple[str, str], OwnMethod]:
        """Methods of what the service content names beside, and of entities; each knows its caller's session."""
        options, performance = self._options, Performance(self._inventory)
        alarms, custom_fields, events = Alarms(self._inventory), self._custom_fields, self._event_methods
        entities = EntityMethods(self._inventory, self._tasks, self._events)
        for ref, properties in (
            (objects.OPTIONS, options.properties),
            (objects.PERFORMANCE, performance.properties),
            (objects.ALARM_MANAGER, alarms.properties),
            (objects.CUSTOM_FIELDS, custom_fields.properties),
            (objects.EVENT_MANAGER, events.properties),
            (objects.TASK_MANAGER, self._task_methods.properties),
        ):
            self._inventory.add_manager(ref, properties)
        kinds = ("VirtualMachine", "Folder", "Datacenter", "ClusterComputeResource", "HostSystem", "Datastore")
        return {
            **_of(objects.OPTIONS.type, options.methods()),
            **_of(objects.PERFORMANCE.type, performance.methods()),
            **_of(objects.ALARM_MANAGER.type, alarms.methods()),
            **_of(objects.CUSTOM_FIELDS.type, custom_fields.methods()),
            **_of(objects.EVENT_MANAGER.type, events.methods()),
            **_of("EventHistoryCollector", events.histories.methods()),
            **_of("TaskHistoryCollector", self._task_methods.histories.methods()),
            **self._task_methods.methods(),
            **entities.methods(),
            **{(kind, "setCustomValue"): custom_fields.set_by_name for kind in kinds},
        }

    def _view_methods(self) -> dict[tuple[str, str], Method]:
        return {
            ("ViewManager", "CreateContainerView"): self._own(self._create_view),
            ("ViewManager", "CreateListView"): self._own(self._create_list_view),
            ("ContainerView", "DestroyView"): lambda call, _who: self._views.destroy(call.this),
            ("ListView", "DestroyView"): lambda call, _who: self._views.destroy(call.this),
        }

    def _power_methods(self) -> dict[tuple[str, str], Method]:
        vm = "VirtualMachine"
        return {
            **{(vm, name): self._start_power_task for name in power.TASK_METHODS},
            **{
                (vm, name): lambda call, _who: self._power.ask_guest(call.this, call.method)
                for name in power.GUEST_METHODS
            },
            (vm, "TerminateVM"): lambda call, _who: self._power.terminate(call.this),
        }

    def _in_session(self, method: OwnMethod) -> Method:
        return lambda request, caller: method(request, self._session(request, caller))

    def _own(self, method: Callable[[Request, str], Value]) -> Method:
        """A method that works with what belongs to the caller's session."""
        return lambda request, caller: method(request, self._session(request, caller).key)

    def _fetch(self, request: Request, caller: Caller) -> Value:
        session = self.sessions.find(caller.cookie)
        return self._reader.read("" if session is None else session.key, request.this, request.arguments.text("prop"))

    def _own_properties(self, key: str, ref: Ref) -> objects.Properties | None:
        """Properties that depend on the session that asks."""
        if ref == objects.SESSION_MANAGER:
            return {**self._inventory.properties(ref), **self._session_methods.properties(key)}
        for histories in (self._event_methods.histories, self._task_methods.histories):
            if ref.type == histories.kind:
                return histories.properties(key, ref)
        if ref.type == "PropertyCollector":
            filters = self._collector.collectors.filters(key, ref)
            return {"filter": lambda: Array("ManagedObjectReference", filters)}
        return None

    def _create_view(self, request: Request, session: str) -> Value:
        arguments = request.arguments
        kinds = tuple(arguments.texts("type"))
        return self._views.create(session, arguments.ref("container"), kinds, recursive=arguments.boolean("recursive"))

    def _create_list_view(self, request: Request, session: str) -> Value:
        return self._views.create_list(session, request.arguments.refs("obj"))

    def _start_power_task(self, request: Request, caller: Caller) -> Value:
        return self._power.start_task(request.this, request.method, self._session(request, caller).user)


def _of(kind: str, methods: Mapping[str, _Any]) -> dict[tuple[str, str], _Any]:
    """Methods by the type of object and their name."""
    return {(kind, name): method for name, method in methods.items()}


def _rendered(request: Request, result: Value) -> tuple[int, bytes]:
    return 200, render_response(request.method, result, dynamic=request.method == "Fetch")
