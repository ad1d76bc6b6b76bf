"""vApps: looking at them, and beginning changes.

What changes something returns the href of vCD's task as soon as vCD has accepted it; `TaskPoller.wait` waits. Every
change has a look beside it (`find_vapps`, `read_vapp`), so that a step can see what an earlier try has done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cse_core.errors import NotFoundError
from cse_vcd import hardware, metadata, recompose
from cse_vcd.documents import (
    Element,
    V,
    admin_type,
    attribute,
    bare_id,
    every,
    first,
    link,
    media_type,
    text_at,
    user_view,
)
from cse_vcd.errors import VcdUnavailableError
from cse_vcd.machines import Machine, read_machine, status_text
from cse_vcd.query import Condition, Query, Record, Term, run
from cse_vcd.recompose import NewMachine
from cse_vcd.session import VcdSession
from cse_vcd.tasks import FINAL

CLUSTER_ID: Final = "cse.cluster.id"
_GONE: Final = "the vApp"
_DELETION: Final = "vdcDeleteVapp"


@dataclass(frozen=True, kw_only=True)
class VappRecord:
    """A vApp as the query service shows it. Ids are bare; `metadata` holds the entries that were asked for."""

    id: str
    name: str
    href: str
    status: str
    is_deployed: bool
    org_id: str
    """Empty for tenants: it is theirs."""
    vdc: str
    vdc_id: str
    vdc_href: str
    owner: str
    vm_count: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Vapp:
    """A vApp as one GET of it shows it, with its machines."""

    id: str
    name: str
    href: str
    status: str
    is_deployed: bool
    description: str
    vdc_href: str
    owner: str
    owner_href: str
    networks: tuple[str, ...]
    machines: tuple[Machine, ...]
    task_hrefs: tuple[str, ...]
    """Tasks that work on it now."""
    is_being_deleted: bool
    """Whether one of them deletes it."""
    may_recompose: bool
    """Whether the session may add and delete machines, and the vApp's state allows it now."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """Something that vCD has begun to make, and the task that ends when it is there."""

    id: str
    href: str
    task_href: str


def find_vapps(
    session: VcdSession,
    *,
    name: str | None = None,
    vdc_href: str | None = None,
    org_id: str | None = None,
    with_metadata: Mapping[str, str | None] | None = None,
    fields: Sequence[str] = (),
) -> list[VappRecord]:
    """Finds vApps that the session sees; one query, its pages in parallel.

    Args:
        session: a system administrator's sees those of all orgs.
        name: exactly this name.
        vdc_href: only in this org VDC.
        org_id: only of the org of this bare id; for system administrators.
        with_metadata: entries that it must have; None as the value stands for any.
        fields: metadata that the records shall bring.
    """
    terms: list[Term] = [Condition.metadata(key, value) for key, value in (with_metadata or {}).items()]
    terms += [Condition.equal("name", name)] if name is not None else []
    terms += [Condition.equal("vdc", bare_id(vdc_href))] if vdc_href is not None else []
    terms += [Condition.equal("org", org_id)] if org_id is not None and session.is_sysadmin else []
    kind = "adminVApp" if session.is_sysadmin else "vApp"
    records = run(session, Query(kind, tuple(terms), metadata=tuple(fields)))
    return [_record(session, record) for record in records if name in (None, record.name)]


def find_clusters(
    session: VcdSession,
    *,
    name: str | None = None,
    vdc_href: str | None = None,
    org_id: str | None = None,
    fields: Sequence[str] = (),
) -> list[VappRecord]:
    """As `find_vapps`, but only clusters: vApps that have `cse.cluster.id`, which their records bring in any case."""
    return find_vapps(
        session,
        name=name,
        vdc_href=vdc_href,
        org_id=org_id,
        with_metadata={CLUSTER_ID: None},
        fields=[CLUSTER_ID, *(key for key in fields if key != CLUSTER_ID)],
    )


def read_vapp(session: VcdSession, href: str) -> Vapp | None:
    """The vApp there; None if it is gone, or not visible to the session."""
    document = session.find(href)
    return None if document is None else _vapp(document)


def compose(
    session: VcdSession, vdc_href: str, *, name: str, description: str, network: str, network_href: str
) -> Started:
    """Begins an empty vApp whose network is bridged to an org VDC network.

    Raises:
        AlreadyExistsError: the VDC has a vApp of that name.
        VcdRefusedError: vCD will not have it; its message says why.
    """
    body = recompose.compose_params(name=name, description=description, network=network, network_href=network_href)
    document = session.post(
        f"{user_view(vdc_href)}/action/composeVApp",
        body,
        media_type("composeVAppParams"),
        missing="the org VDC or its network",
    )
    if document is None:
        raise VcdUnavailableError("vCD answers with nothing where a new vApp is due")
    return Started(
        id=bare_id(attribute(document, "id") or attribute(document, "href")),
        href=attribute(document, "href"),
        task_href=_task(document),
    )


def add_machines(session: VcdSession, href: str, machines: Sequence[NewMachine], *, power_on: bool) -> str:
    """Begins to add machines, all with one recompose, and to power the vApp on if asked."""
    body = recompose.recompose_params(add=machines, power_on=power_on)
    kind = media_type("recomposeVAppParams")
    missing = "the vApp, the template, its network or storage profile"
    return _begun(session.post(f"{href}/action/recomposeVApp", body, kind, missing=missing))


def delete_machines(session: VcdSession, href: str, machine_hrefs: Iterable[str]) -> str:
    """Begins to delete machines, which must be undeployed, all with one recompose."""
    body = recompose.recompose_params(delete=tuple(machine_hrefs))
    return _begun(session.post(f"{href}/action/recomposeVApp", body, media_type("recomposeVAppParams"), missing=_GONE))


def power_on(session: VcdSession, href: str) -> str:
    """Begins to power on a vApp with all its machines, or one machine."""
    return _begun(session.post(f"{href}/power/action/powerOn", missing="the vApp or machine"))


def undeploy(session: VcdSession, href: str, *, action: str = "powerOff") -> str:
    """Begins to stop a vApp or a machine and to release what it holds.

    Args:
        session: whose rights decide.
        href: of the vApp or machine.
        action: how: `powerOff`, `shutdown` (asks the guests), `suspend` or `default`.
    """
    body = V.UndeployVAppParams(V.UndeployPowerAction(action))
    kind = media_type("undeployVAppParams")
    return _begun(session.post(f"{href}/action/undeploy", body, kind, missing="the vApp or machine"))


def delete(session: VcdSession, href: str) -> str | None:
    """Begins to delete a vApp or machine, powered on or not. None if it is gone already."""
    try:
        return _begun(session.delete(href, force=True, recursive=True, missing=_GONE))
    except NotFoundError:
        return None


def set_metadata(session: VcdSession, href: str, values: Mapping[str, str]) -> str:
    """Begins to add or replace entries, all with one request."""
    return _begun(metadata.set_metadata(session, href, values))


def remove_metadata(session: VcdSession, href: str, key: str) -> str | None:
    """Begins to remove an entry. None if there is none, or no vApp."""
    try:
        return _begun(metadata.remove_metadata(session, href, key))
    except NotFoundError:
        return None


def set_hardware(session: VcdSession, machine_href: str, *, cpu_count: int = 0, memory_mb: int = 0) -> list[str]:
    """Begins to change a machine that is off; 0 and what it has already change nothing. Returns the tasks, if any."""
    tasks = []
    for section, quantity in (("cpu", cpu_count), ("memory", memory_mb)):
        href = f"{machine_href}/virtualHardwareSection/{section}"
        if quantity:
            item = session.get(href, missing="the machine")
            if hardware.resize(item, quantity):
                tasks.append(_begun(session.put(href, item, media_type("rasdItem"), missing="the machine")))
    return tasks


def _begun(document: Element | None) -> str:
    if document is None:
        raise VcdUnavailableError("vCD answers with nothing where a task is due")
    return attribute(document, "href") if str(document.tag).endswith("}Task") else _task(document)


def _task(document: Element) -> str:
    task = first(document, "v:Tasks/v:Task")
    if task is None:
        raise VcdUnavailableError("vCD's answer holds no task")
    return attribute(task, "href")


def _record(session: VcdSession, record: Record) -> VappRecord:
    return VappRecord(
        id=record.id,
        name=record.name,
        href=f"{session.api}/vApp/vapp-{record.id}",
        status=status_text(record.get("status")),
        is_deployed=record.flag("isDeployed"),
        org_id=bare_id(record.get("org")),
        vdc=record.get("vdcName"),
        vdc_id=bare_id(record.get("vdc")),
        vdc_href=f"{session.api}/vdc/{bare_id(record.get('vdc'))}",
        owner=record.get("ownerName"),
        vm_count=record.number("numberOfVMs"),
        metadata=record.metadata,
    )


def _vapp(document: Element) -> Vapp:
    owner = first(document, "v:Owner/v:User")
    tasks = [task for task in every(document, "v:Tasks/v:Task") if attribute(task, "status").lower() not in FINAL]
    return Vapp(
        id=bare_id(attribute(document, "id") or attribute(document, "href")),
        name=attribute(document, "name"),
        href=attribute(document, "href"),
        status=status_text(attribute(document, "status")),
        is_deployed=attribute(document, "deployed") == "true",
        description=text_at(document, "v:Description"),
        vdc_href=link(document, "up", media_type("vdc")) or link(document, "up", admin_type("vdc")) or "",
        owner="" if owner is None else attribute(owner, "name"),
        owner_href="" if owner is None else attribute(owner, "href"),
        networks=tuple(
            attribute(found, "networkName")
            for found in every(document, "v:NetworkConfigSection/v:NetworkConfig")
            if attribute(found, "networkName") != "none"
        ),
        machines=tuple(read_machine(found) for found in every(document, "v:Children/v:Vm")),
        task_hrefs=tuple(attribute(task, "href") for task in tasks),
        is_being_deleted=any(attribute(task, "operationName") == _DELETION for task in tasks),
        may_recompose=link(document, "recompose", media_type("recomposeVAppParams")) is not None,
    )
