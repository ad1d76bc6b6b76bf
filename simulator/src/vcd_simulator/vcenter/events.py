"""EventManager: what has happened in a vCenter, as long as it is remembered."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vcd_simulator.guests.happenings import Happening
from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.filters import criteria
from vcd_simulator.vcenter.history import MOST_COLLECTORS, Histories, Record
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import CLUSTER, DATACENTER, HOST, NAMES, Properties
from vcd_simulator.vcenter.record import EventRecord, read_fields, write_fields
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Arguments, Data, Ref, Request, Value, invalid_request

_MOST_EVENTS = 5000
_MOST_CHARACTERS = 4096
_USER_CATEGORY = "user"


@dataclass(frozen=True)
class _Kind:
    """A type of events: how clients see it and what it says."""

    category: str
    description: str
    message: str


_KINDS: Mapping[str, _Kind] = {
    "VmCreatedEvent": _Kind("info", "VM created", "Created virtual machine {vm} on {host} in {datacenter}"),
    "VmRemovedEvent": _Kind("info", "VM removed", "Removed {vm} on {host} from {datacenter}"),
    "VmPoweredOnEvent": _Kind("info", "VM powered on", "{vm} on {host} in {datacenter} is powered on"),
    "VmPoweredOffEvent": _Kind("info", "VM powered off", "{vm} on {host} in {datacenter} is powered off"),
    "VmSuspendedEvent": _Kind("info", "VM suspended", "{vm} on {host} in {datacenter} is suspended"),
    "VmResettingEvent": _Kind("info", "VM reset", "{vm} on {host} in {datacenter} is reset"),
    "VmRenamedEvent": _Kind("info", "VM renamed", "Renamed {vm} from {oldName} to {newName} in {datacenter}"),
    "VmReconfiguredEvent": _Kind("info", "VM reconfigured", "Reconfigured {vm} on {host} in {datacenter}"),
    "UserLoginSessionEvent": _Kind("info", "User logged in", "User {user}@{ipAddress} logged in as {userAgent}"),
    "UserLogoutSessionEvent": _Kind("info", "User logged out", "User {user}@{ipAddress} logged out"),
    "BadUsernameSessionEvent": _Kind("error", "Login refused", "Cannot login {user}@{ipAddress}"),
    "TaskEvent": _Kind("info", "Task", "Task: {task}"),
    "GeneralUserEvent": _Kind(_USER_CATEGORY, "Message of a user", "User logged event: {message}"),
}
_HAPPENINGS = {
    Happening.CREATED: "VmCreatedEvent",
    Happening.DELETED: "VmRemovedEvent",
    Happening.POWERED_ON: "VmPoweredOnEvent",
    Happening.POWERED_OFF: "VmPoweredOffEvent",
    Happening.SUSPENDED: "VmSuspendedEvent",
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event."""

    key: int
    chain: int
    type: str
    created: float
    user: str
    entity: Ref | None = None
    entity_name: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return _KINDS[self.type].category

    def message(self) -> str:
        """What people read."""
        known = {name: value for name, value in self.fields.items() if isinstance(value, str)}
        places = {"vm": self.entity_name, "host": NAMES[HOST], "datacenter": NAMES[DATACENTER], "user": self.user}
        return _KINDS[self.type].message.format(**places | known | {"task": self.entity_name})

    def check(self) -> None:
        """Raise ValueError if there are no such events."""
        if self.type not in _KINDS:
            raise ValueError(f"{self.type!r} is no type of a vCenter's events")
        try:
            self.message()
        except KeyError as exc:
            raise ValueError(f"an event {self.type} of a vCenter does not say {exc}") from None

    def to_data(self) -> Data:
        """The event as clients see it."""
        machine = self.entity if self.entity is not None and self.entity.type == "VirtualMachine" else None
        about: dict[str, Value] = {}
        if machine is not None:
            about = {
                "datacenter": _argument("Datacenter", "datacenter", DATACENTER, NAMES[DATACENTER]),
                "computeResource": _argument("ComputeResource", "computeResource", CLUSTER, NAMES[CLUSTER]),
                "host": _argument("Host", "host", HOST, NAMES[HOST]),
                "vm": _argument("Vm", "vm", machine, self.entity_name),
            }
        return Data(
            self.type,
            {
                "key": self.key,
                "chainId": self.chain,
                "createdTime": datetime.fromtimestamp(self.created, UTC),
                "userName": self.user,
                **about,
                "fullFormattedMessage": self.message(),
                **({"template": False} if self.type.startswith("Vm") else {}),
                **self.fields,
            },
        )


class EventLog:
    """The last events of one vCenter. Thread-safe."""

    def __init__(self, vcenter: str, user: str) -> None:
        """`user` is who does what nobody else has asked for: vCloud Director's account."""
        self._vcenter = vcenter
        self._user = user
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def note(
        self,
        kind: str,
        *,
        entity: Ref | None = None,
        name: str = "",
        user: str | None = None,
        chain: int | None = None,
        details: Mapping[str, Value] | None = None,
    ) -> None:
        """Remember that something has happened now."""
        with self._lock:
            key = next(self._numbers)
            self._events.append(
                Event(
                    key=key,
                    chain=chain or key,
                    type=kind,
                    created=time.time(),
                    user=user or self._user,
                    entity=entity,
                    entity_name=name,
                    fields=details or {},
                )
            )

    def note_guest(self, happening: Happening, guest: Guest) -> None:
        """Remember what has become of a guest, if it is one of this vCenter's."""
        if guest.vcenter == self._vcenter:
            self.note(_HAPPENINGS[happening], entity=Ref("VirtualMachine", guest.moid), name=guest.spec.name)

    def record(self) -> list[EventRecord]:
        """Everything that is remembered, as it is to be written down."""
        return [
            EventRecord(
                key=one.key,
                chain=one.chain,
                type=one.type,
                created=one.created,
                user=one.user,
                entity=None if one.entity is None else (one.entity.type, one.entity.id),
                entity_name=one.entity_name,
                fields=write_fields(one.fields),
            )
            for one in self.all()
        ]

    def restore(self, events: Iterable[EventRecord]) -> None:
        """Remember what was written down, and nothing else. Raises ValueError: it is not what is noted here."""
        known = [
            Event(
                key=one.key,
                chain=one.chain,
                type=one.type,
                created=one.created,
                user=one.user,
                entity=None if one.entity is None else Ref(*one.entity),
                entity_name=one.entity_name,
                fields=read_fields(one.fields),
            )
            for one in events
        ]
        for event in known:
            event.check()
        with self._lock:
            self._events = deque(known, maxlen=_MOST_EVENTS)
            # Keys only grow: there may be collectors that know how far they have read.
            self._numbers = itertools.count(max([next(self._numbers), *(event.key + 1 for event in known)]))

    def all(self) -> list[Event]:
        """Everything that is remembered, oldest first."""
        with self._lock:
            return list(self._events)


class EventMethods:
    """The methods of EventManager and EventHistoryCollector for one vCenter."""

    def __init__(self, log: EventLog, inventory: Inventory) -> None:
        self._log = log
        self._inventory = inventory
        self.histories = Histories("EventHistoryCollector", "Event", log.all)

    def methods(self) -> dict[str, Callable[[Request, Session], Value]]:
        """What EventManager has, by the names of the vSphere API."""
        return {
            "QueryEvents": self._query,
            "CreateCollectorForEvents": self._create,
            "LogUserEvent": self._log_user_event,
        }

    def properties(self) -> Properties:
        """How to read each property of EventManager."""
        return {
            "description": _description,
            "latestEvent": lambda: next((one.to_data() for one in reversed(self._log.all())), None),
            "maxCollector": lambda: MOST_COLLECTORS,
        }

    def _query(self, request: Request, _session: Session) -> Value:
        """The events that fit, newest first."""
        given = request.arguments.child("filter")
        fits = self._fits(given)
        most = given.integer("maxCount", _MOST_EVENTS)
        return [one.to_data() for one in reversed(self._log.all()) if fits(one)][: max(0, most)]

    def _create(self, request: Request, session: Session) -> Value:
        return self.histories.create(session.key, self._fits(request.arguments.child("filter")))

    def _log_user_event(self, request: Request, session: Session) -> Value:
        entity, message = request.arguments.ref("entity"), request.arguments.text("msg")
        if len(message) > _MOST_CHARACTERS:
            raise invalid_request("the message is too long", "msg")
        name = self._inventory.name_of(entity)
        about = Data("ManagedEntityEventArgument", {"name": name, "entity": entity})
        details: dict[str, Value] = {"message": message, "entity": about}
        self._log.note("GeneralUserEvent", entity=entity, name=name, user=session.user, details=details)
        return None

    def _fits(self, given: Arguments) -> Callable[[Record], bool]:
        wanted = criteria(given)
        kinds = {name.removeprefix("vim.event.") for name in (*given.texts("eventTypeId"), *given.texts("type"))}
        categories = set(given.texts("category"))
        chain = given.integer("eventChainId") if given.has("eventChainId") else None

        def fits(record: Record) -> bool:
            if not isinstance(record, Event):
                return False
            if kinds and not kinds & {record.type, *_supertypes(record.type)}:
                return False
            if (categories and record.category not in categories) or chain not in (None, record.chain):
                return False
            return wanted.fit(record.entity, record.created, record.user, self._inventory.lineage)

        return fits


def _supertypes(kind: str) -> Iterable[str]:
    yield "Event"
    if kind.startswith("Vm"):
        yield "VmEvent"
    elif "Session" in kind:
        yield "SessionEvent"
    elif kind == "GeneralUserEvent":
        yield "GeneralEvent"


def _argument(kind: str, field_name: str, ref: Ref, name: str) -> Data:
    return Data(f"{kind}EventArgument", {"name": name, field_name: ref})


def _description() -> Data:
    """Every type of events that there may be."""
    categories = [
        Data("ElementDescription", {"label": label, "summary": label, "key": label})
        for label in ("info", "warning", "error", "user")
    ]
    details = [
        Data(
            "EventDescriptionEventDetail",
            {
                "key": name,
                "description": kind.description,
                "category": kind.category,
                "formatOnDatacenter": kind.message,
                "formatOnComputeResource": kind.message,
                "formatOnHost": kind.message,
                "formatOnVm": kind.message,
                "fullFormat": kind.message,
            },
        )
        for name, kind in _KINDS.items()
    ]
    return Data("EventDescription", {"category": categories, "eventInfo": details})
