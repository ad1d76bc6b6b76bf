"""A vCD of dictionaries."""

import itertools
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cse_clusters.application.ports import Check, TaskCard
from cse_clusters.domain.access import Actor, Caller, Credentials, ServiceAccount
from cse_clusters.domain.cluster import CLUSTER_ID
from cse_clusters.domain.vcd import (
    GuestMachine,
    Machine,
    MachineSpec,
    Started,
    VappDetails,
    VappRecord,
    Vdc,
    VmTemplate,
)
from cse_core.errors import (
    AlreadyExistsError,
    CseError,
    FailedPreconditionError,
    NotFoundError,
    UnauthenticatedError,
)
from cse_core.secret import Secret

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


class FakeVcd:
    """Keeps `Callers`, `Inventory`, `VappHost` and `TaskBoard`. vCD's own tasks end at once.

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

    def fail(self, method: str, *errors: CseError) -> None:
        self._failures.setdefault(method, []).extend(errors)

    def during(self, method: str, action: Callable[[], object]) -> None:
        self._during[method] = action

    def _called(self, method: str, who: Actor | None = None) -> None:
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

    def _hides(self, who: Actor, href: str) -> bool:
        return href in self.hidden and not isinstance(who, ServiceAccount)

    def _sees(self, who: Actor, org: str) -> bool:
        if isinstance(who, ServiceAccount):
            return True
        caller = self.identify(who)
        return caller.is_system_administrator or caller.org == org

    # ---- Callers

    def identify(self, credentials: Credentials) -> Caller:
        caller = self.callers.get(credentials.token.reveal())
        if caller is None:
            raise UnauthenticatedError("vCD does not accept the token")
        return replace(caller, credentials=credentials)

    def has_right(self, caller: Caller, right: str) -> bool:
        return right in self.rights.get(caller.user, set())

    # ---- Inventory

    def clusters(
        self, who: Actor, *, name: str | None = None, org: str | None = None, vdc: str | None = None
    ) -> list[VappRecord]:
        self._called("clusters", who)
        with self._lock:
            return [
                self._record(vapp, who)
                for vapp in self.vapps.values()
                if CLUSTER_ID in vapp.metadata
                and self._sees(who, vapp.vdc.org)
                and name in (None, vapp.name)
                and org in (None, vapp.vdc.org)
                and vdc in (None, vapp.vdc.name)
            ]

    def find_vapp(self, who: Actor, vdc: Vdc, name: str) -> VappRecord | None:
        self._called("find_vapp", who)
        with self._lock:
            return next(
                (
                    self._record(vapp, who)
                    for vapp in self.vapps.values()
                    if (vapp.vdc.id, vapp.name) == (vdc.id, name) and self._sees(who, vdc.org)
                ),
                None,
            )

    def vapp(self, who: Actor, href: str) -> VappDetails | None:
        self._called("vapp", who)
        with self._lock:
            vapp = self.vapps.get(href)
            if vapp is None or not self._sees(who, vapp.vdc.org):
                return None
            return VappDetails(
                id=vapp.id,
                name=vapp.name,
                href=vapp.href,
                status=vapp.status,
                description=vapp.description,
                machines=tuple(vapp.machines.values()),
                networks=(vapp.network,) if vapp.network else (),
                task_hrefs=self.at_work.get(href, ()),
                owner_id=vapp.owner_id,
                may_change=isinstance(who, ServiceAccount) or href not in self.read_only,
            )

    def vdc(self, who: Actor, *, org: str, vdc: str) -> Vdc:
        self._called("vdc", who)
        found = self.vdcs.get((org, vdc))
        if found is None or not self._sees(who, org):
            raise NotFoundError(f"there is no org VDC {vdc!r}")
        return found

    def vm_template(self, who: Actor, *, org: str, catalog: str, item: str) -> VmTemplate:
        self._called("vm_template", who)
        found = self.catalog.get((catalog, item))
        if found is None:
            raise NotFoundError(f"catalog {catalog!r} has no item {item!r}")
        return found

    def guests(self, vapp_href: str) -> dict[str, GuestMachine]:
        self._called("guests")
        with self._lock:
            vapp = self.vapps.get(vapp_href)
            if vapp is None:
                return {}
            return {
                name: GuestMachine(
                    name=name,
                    vcenter="vc1",
                    moid=f"vm-{name}",
                    ip_address=machine.ip_address,
                    password=vapp.passwords[name],
                )
                for name, machine in vapp.machines.items()
                if machine.status == "POWERED_ON"
            }

    def _record(self, vapp: FakeVapp, who: Actor) -> VappRecord:
        tenant = isinstance(who, Credentials) and not self.identify(who).is_system_administrator
        return VappRecord(
            id=vapp.id,
            name=vapp.name,
            href=vapp.href,
            status=vapp.status,
            vdc=vapp.vdc.name,
            vdc_href=vapp.vdc.href,
            vm_count=len(vapp.machines),
            org="" if tenant else vapp.vdc.org,
            org_id="" if tenant else vapp.vdc.org_id,
            metadata=dict(vapp.metadata),
        )

    # ---- VappHost

    def compose(self, who: Actor, vdc: Vdc, *, name: str, description: str, network: str) -> Started:
        self._called("compose", who)
        with self._lock:
            if any((vapp.vdc.id, vapp.name) == (vdc.id, name) for vapp in self.vapps.values()):
                raise AlreadyExistsError(f"there is a vApp {name!r}")
            vapp = self.add_vapp(self.vdcs[vdc.org, vdc.name], name)
            vapp.description, vapp.network = description, network
            if isinstance(who, Credentials):
                vapp.owner_id = self.identify(who).user_id.rpartition(":")[2]
            return Started(id=vapp.id, href=vapp.href, task_href=self._task())

    def add_machines(
        self,
        who: Actor,
        vapp_href: str,
        template: VmTemplate,
        machines: Sequence[MachineSpec],
        *,
        network: str,
        admin_password: Secret | None,
        power_on: bool,
    ) -> str:
        self._called("add_machines", who)
        with self._lock:
            vapp = self._vapp(vapp_href)
            for spec in machines:
                self._add_machine(vapp, spec, admin_password, on=power_on)
            vapp.status = "POWERED_ON" if power_on else "POWERED_OFF"
            return self._task()

    def set_hardware(self, who: Actor, machine_href: str, *, cpu_count: int, memory_mb: int) -> Sequence[str]:
        self._called("set_hardware", who)
        with self._lock:
            machine = self._machine(machine_href)[1]
            self._change_machine(
                machine_href,
                cpu_count=cpu_count or machine.cpu_count,
                memory_mb=memory_mb or machine.memory_mb,
            )
            return [self._task()]

    def power_on(self, who: Actor, href: str) -> str:
        self._called("power_on", who)
        with self._lock:
            if href in self.vapps:
                self.vapps[href].status = "POWERED_ON"
                for machine in list(self.vapps[href].machines.values()):
                    self._change_machine(machine.href, status="POWERED_ON", is_deployed=True)
            else:
                self._change_machine(href, status="POWERED_ON", is_deployed=True)
            return self._task()

    def undeploy(self, who: Actor, machine_href: str) -> str:
        self._called("undeploy", who)
        with self._lock:
            if not self._machine(machine_href)[1].is_deployed:
                raise FailedPreconditionError("the machine is not deployed")
            self._change_machine(machine_href, status="POWERED_OFF", is_deployed=False)
            return self._task()

    def delete_machines(self, who: Actor, vapp_href: str, machine_hrefs: Sequence[str]) -> str:
        self._called("delete_machines", who)
        with self._lock:
            for href in machine_hrefs:
                vapp, machine = self._machine(href)
                if machine.is_deployed:
                    raise FailedPreconditionError("the machine is deployed")
                del vapp.machines[machine.name]
            return self._task()

    def _machine(self, href: str) -> tuple[FakeVapp, Machine]:
        for vapp in self.vapps.values():
            for machine in vapp.machines.values():
                if machine.href == href:
                    return vapp, machine
        raise NotFoundError("the machine is gone")

    def _change_machine(self, href: str, **changes: Any) -> None:
        vapp, machine = self._machine(href)
        vapp.machines[machine.name] = replace(machine, **changes)

    def set_metadata(self, who: Actor, vapp_href: str, values: Mapping[str, str]) -> str:
        self._called("set_metadata", who)
        self._vapp(vapp_href).metadata.update(values)
        return self._task()

    def remove_metadata(self, who: Actor, vapp_href: str, key: str) -> str | None:
        self._called("remove_metadata", who)
        return None if self._vapp(vapp_href).metadata.pop(key, None) is None else self._task()

    def delete(self, who: Actor, vapp_href: str) -> str | None:
        self._called("delete", who)
        with self._lock:
            vapp = self.vapps.get(vapp_href)
            if vapp is None or not self._sees(who, vapp.vdc.org) or self._hides(who, vapp_href):
                return None
            del self.vapps[vapp_href]
            return self._task()

    def cancel(self, who: Actor, task_href: str) -> None:
        self._called("cancel", who)
        self.cancelled.append(task_href)
        self._over(task_href)

    def wait(self, task_href: str, check: Check) -> None:
        self._called("wait")
        check()
        self._over(task_href)

    def _over(self, task_href: str) -> None:
        self.at_work = {href: tasks for href, tasks in self.at_work.items() if task_href not in tasks}

    def _vapp(self, href: str) -> FakeVapp:
        if href not in self.vapps:
            raise NotFoundError("the vApp is gone")
        return self.vapps[href]

    def _task(self) -> str:
        return f"{BASE}/task/{uuid.uuid4()}"

    def add_machine(self, vapp: FakeVapp, name: str, *, description: str) -> None:
        """A machine that nobody was asked to make."""
        self._add_machine(vapp, MachineSpec(name=name, description=description), None)

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

    # ---- TaskBoard

    def create(self, card: TaskCard, text: str) -> str:
        self._called("create_task")
        href = self._task()
        self.tasks[href] = FakeTask(card, [text])
        return href

    def progress(self, href: str, card: TaskCard, text: str, percent: int) -> None:
        self.tasks[href].texts.append(text)

    def succeed(self, href: str, card: TaskCard, text: str) -> None:
        self._called("succeed")
        self._end(href, "success", text)

    def fail_task(self, href: str, text: str, reason: str, error: str) -> None:
        self._end(href, "error", text)
        self.tasks[href].error, self.tasks[href].reason = error, reason

    def unfinished(self) -> list[str]:
        self._called("unfinished_tasks")
        return [href for href, task in self.tasks.items() if task.status == "running"]

    def read_card(self, href: str) -> TaskCard:
        self._called("read_card")
        return self.tasks[href].card

    def _end(self, href: str, status: str, text: str) -> None:
        task = self.tasks[href]
        if task.status != "running":
            raise FailedPreconditionError("the task has ended already")
        task.status = status
        task.texts.append(text)


class FakeBoard:
    """`TaskBoard` over a `FakeVcd`, whose own `fail` arranges failures."""

    def __init__(self, vcd: FakeVcd) -> None:
        self._vcd = vcd
        self.create = vcd.create
        self.progress = vcd.progress
        self.succeed = vcd.succeed
        self.unfinished = vcd.unfinished
        self.read_card = vcd.read_card

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str) -> None:
        self._vcd.fail_task(href, text, reason, error)
