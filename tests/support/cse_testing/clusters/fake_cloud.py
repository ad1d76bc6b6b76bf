"""A cloud of dictionaries: organisations, their VDCs, vApps with machines, and what tests arrange in it."""

import itertools
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cse_clusters.application.ports import TaskCard
from cse_clusters.domain.access import Actor, Caller, Credentials, ServiceAccount
from cse_clusters.domain.vcd import Machine, MachineSpec, Vdc, VmTemplate
from cse_core.errors import CseError, UnauthenticatedError
from cse_core.secret import Secret
from cse_testing.waiting import Halt

BASE = "https://vcd.example.com/api"


def credentials(user: str) -> Credentials:
    return Credentials(token=Secret(f"token-of-{user}"), scheme="session", api_version="31.0")


@dataclass
class FakeVapp:
    """A vApp and who may see it: the users of its org."""

    id: str
    name: str
    vdc: Vdc
    description: str = ""
    network: str = ""
    owner_id: str = ""
    status: str = "RESOLVED"
    metadata: dict[str, str] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    passwords: dict[str, Secret] = field(default_factory=dict)

    @property
    def href(self) -> str:
        return f"{BASE}/vApp/vapp-{self.id}"


@dataclass
class FakeTask:
    """One of our tasks in vCD."""

    card: TaskCard
    texts: list[str]
    status: str = "running"
    error: str = ""
    reason: str = ""


class FakeCloud:
    """What there is, and who may see it; keeps `Callers`.

    `fail(method, error)` makes the next call of that method raise, `during(method, action)` runs `action` inside each
    call, `calls` lists the calls, `actors` who made them.
    """

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.vdcs: dict[tuple[str, str], Vdc] = {}
        self.vapps: dict[str, FakeVapp] = {}
        self.tasks: dict[str, FakeTask] = {}
        self.catalog: dict[tuple[str, str], VmTemplate] = {
            ("cse", "photon"): VmTemplate(href=f"{BASE}/vAppTemplate/vm-photon", name="photon")
        }
        self.rights: dict[str, set[str]] = {}
        self.hidden: set[str] = set()
        """vApps that only the service account may see and touch."""
        self.read_only: set[str] = set()
        """vApps that only the service account may change."""
        self.calls: list[str] = []
        self.actors: list[tuple[str, str]] = []
        self.cancelled: list[str] = []
        """Tasks that were to be ended."""
        self.at_work: dict[str, tuple[str, ...]] = {}
        """Tasks that work on vApps, by its href, until somebody has waited for them or had them ended."""
        self._failures: dict[str, list[CseError]] = {}
        self._during: dict[str, Callable[[], object]] = {}
        self._numbers = itertools.count(10)
        self._lock = threading.RLock()

    # ---- set-up

    def add_org(self, org: str, *users: str) -> str:
        org_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, org))
        for user in users:
            self.callers[f"token-of-{user}"] = Caller(
                credentials=credentials(user),
                user=user,
                user_id=f"urn:vcloud:user:{uuid.uuid5(uuid.NAMESPACE_DNS, user)}",
                org=org,
                org_id=org_id,
                role="Organization Administrator",
                is_system_administrator=org == "System",
            )
        return org_id

    def add_vdc(
        self, org: str, name: str, *, networks: Sequence[str] = ("net",), profiles: Sequence[str] = ("*",)
    ) -> Vdc:
        org_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, org))
        id_ = str(uuid.uuid4())
        vdc = Vdc(
            id=id_,
            name=name,
            href=f"{BASE}/vdc/{id_}",
            org=org,
            org_id=org_id,
            networks={network: f"{BASE}/network/{network}" for network in networks},
            storage_profiles={profile: f"{BASE}/vdcStorageProfile/{profile}" for profile in profiles},
        )
        self.vdcs[org, name] = vdc
        return vdc

    def add_vapp(
        self, vdc: Vdc, name: str, *, metadata: Mapping[str, str] | None = None, nodes: Sequence[str] = ()
    ) -> FakeVapp:
        vapp = FakeVapp(id=str(uuid.uuid4()), name=name, vdc=vdc, metadata=dict(metadata or {}), network="net")
        for node in nodes:
            self._add_machine(vapp, MachineSpec(name=node), None)
        self.vapps[vapp.href] = vapp
        return vapp

    def add_machine(self, vapp: FakeVapp, name: str, *, description: str) -> None:
        """A machine that nobody was asked to make."""
        self._add_machine(vapp, MachineSpec(name=name, description=description), None)

    def fail(self, method: str, *errors: CseError) -> None:
        self._failures.setdefault(method, []).extend(errors)

    def during(self, method: str, action: Callable[[], object]) -> None:
        self._during[method] = action

    def halt(self, method: str) -> Halt:
        """Holds up the calls of a method."""
        halt = Halt(method)
        self.during(method, halt.stay)
        return halt

    def called(self, method: str, who: Actor | None = None) -> None:
        """Notes a call, and does what was arranged for it."""
        with self._lock:
            self.calls.append(method)
            if who is not None:
                self.actors.append((method, "service" if isinstance(who, ServiceAccount) else who.token.reveal()))
            failures = self._failures.get(method)
            error = failures.pop(0) if failures else None
        if method in self._during:
            self._during[method]()
        if error is not None:
            raise error

    # ---- who may see it

    def identify(self, credentials: Credentials) -> Caller:
        caller = self.callers.get(credentials.token.reveal())
        if caller is None:
            raise UnauthenticatedError("vCD does not accept the token")
        return replace(caller, credentials=credentials)

    def has_right(self, caller: Caller, right: str) -> bool:
        return right in self.rights.get(caller.user, set())

    def _sees(self, who: Actor, org: str) -> bool:
        if isinstance(who, ServiceAccount):
            return True
        caller = self.identify(who)
        return caller.is_system_administrator or caller.org == org

    # ---- what is made

    def new_task(self) -> str:
        return f"{BASE}/task/{uuid.uuid4()}"

    def _add_machine(self, vapp: FakeVapp, spec: MachineSpec, password: Secret | None, *, on: bool = True) -> None:
        number = next(self._numbers)
        vapp.machines[spec.name] = Machine(
            name=spec.name,
            id=str(uuid.uuid4()),
            href=f"{BASE}/vApp/vm-{spec.name}",
            status="POWERED_ON" if on else "POWERED_OFF",
            description=spec.description,
            ip_address=f"10.0.0.{number}",
            cpu_count=2,
            memory_mb=2048,
            is_deployed=on,
            created=(datetime.now(UTC) + timedelta(microseconds=number)).isoformat(timespec="microseconds"),
        )
        vapp.passwords[spec.name] = password or Secret(f"made-for-{spec.name}")
