"""vApps as they are composed, instantiated and recomposed: VMs are planned first, and made when the task ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import ProductSection, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import AccessControl, User
from vcd_simulator.operations import machines, quotas, work
from vcd_simulator.operations.datacenter import require_usable
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.power import start_vm
from vcd_simulator.operations.vapp_networks import (
    NetworkChanges,
    NetworkConfigSpec,
    apply_changes,
    plan_changes,
    plan_networks,
    way_back,
)
from vcd_simulator.operations.vapps import NOUN, check_free_name, rename, require_idle, require_made, require_undeployed

_VERBS = {
    "vdcInstantiateVapp": ("Instantiating", "Instantiated"),
    "vdcCopyVapp": ("Copying", "Copied"),
    "vdcMoveVapp": ("Moving", "Moved"),
}
"""What tasks that make a vApp say; the others compose."""


@dataclass(kw_only=True)
class VappSpec:
    """A vApp to be composed or instantiated."""

    name: str
    description: str = ""
    deploy: bool = False
    power_on: bool = False
    networks: list[NetworkConfigSpec] = field(default_factory=list)
    machines: list[MachineSpec] = field(default_factory=list)
    template_id: str | None = None
    """Where the vApp's metadata comes from."""
    then: Callable[[], None] | None = None
    """What happens at the end, when the vApp is complete."""
    locks: list[Vapp] = field(default_factory=list)
    """What else is busy meanwhile."""
    product_sections: list[ProductSection] = field(default_factory=list)
    owner_id: str | None = None
    """Whose it will be; None: that of whoever makes it."""
    access: AccessControl = field(default_factory=AccessControl)


def create_vapp(cloud: Cloud, user: User, vdc: Vdc, spec: VappSpec, *, operation_name: str) -> tuple[Vapp, Task]:
    """Compose or instantiate a vApp; it exists at once, unresolved, and is complete when the task ends.

    Raises:
        VcdError: the name is taken in this VDC, a quota is exceeded, or a reference leads nowhere.
    """
    vapp = _plan_vapp(cloud, user, vdc, spec)
    planned = plan_machines(cloud, vapp, spec.machines)
    _check_cards_and_power(cloud, vapp, planned, power_on=spec.power_on)
    sources = _existing_sources(cloud, spec.machines)
    moved = _existing_sources(cloud, spec.machines, deleted=True)
    cloud.vapps.add(vapp)
    for vm in planned:
        machines.enter(cloud, vapp, vm)

    def effect() -> None:
        vapp.transient = None
        if spec.template_id is not None:
            cloud.metadata.copy(spec.template_id, vapp.id)
        realize_all(cloud, vapp, planned, deploy=spec.deploy, power_on=spec.power_on)
        _forget_all(cloud, moved)
        if spec.then is not None:
            spec.then()

    def undo() -> None:
        for vm in planned:
            machines.forget(cloud, vapp, vm)
        vapp.transient, vapp.deployed = Status.FAILED_CREATION, False

    def withdraw() -> None:
        undo()
        cloud.vapps.remove(vapp)

    doing, done = _VERBS.get(operation_name, ("Composing", "Composed"))
    task = work.start(
        cloud, user, vdc.org_id, vapp, operation_name, doing, done, noun=NOUN, locks=[*planned, *sources, *spec.locks],
        idle=[vdc], uses=_templates(cloud, spec.machines),
        extra_s=_time_for(cloud, len(planned), power_on=spec.power_on), effect=effect, undo=undo, withdraw=withdraw,
    )  # fmt: skip
    return vapp, task


def _plan_vapp(cloud: Cloud, user: User, vdc: Vdc, spec: VappSpec) -> Vapp:
    """The vApp without its VMs, which nobody sees yet."""
    name = check_name("vApp", spec.name)
    if cloud.vapps.first("vdc_name", (vdc.id, name)) is not None:
        raise errors.duplicate_name("vApp", name)
    require_usable(vdc)
    owner_id = spec.owner_id or user.id
    quotas.check_vms(cloud, vdc, owner_id, len(spec.machines))
    return Vapp(
        id=cloud.new_id(),
        vdc_id=vdc.id,
        owner_id=owner_id,
        access=spec.access,
        product_sections=list(spec.product_sections),
        name=name,
        description=spec.description,
        created=cloud.clock.now(),
        leases_from=cloud.clock.now(),
        networks=plan_networks(cloud, vdc, spec.networks),
    )


def _time_for(cloud: Cloud, count: int, *, power_on: bool) -> float:
    cloning = cloud.latency.together("vm.clone", count)
    return cloning + (cloud.latency.together("vm.power", count) if power_on else 0.0)


def _templates(cloud: Cloud, specs: Sequence[MachineSpec]) -> list[VappTemplate]:
    """The templates that VMs are made from."""
    found = {spec.source.template_id for spec in specs}
    return [template for one in found if (template := cloud.templates.get(one)) is not None]


def _check_cards_and_power(cloud: Cloud, vapp: Vapp, planned: Sequence[Vm], *, power_on: bool) -> None:
    quotas.check_nics(cloud, cloud.vdcs[vapp.vdc_id], sum(len(vm.nics) for vm in planned))
    if power_on:
        quotas.check_running(cloud, vapp, planned)


def plan_machines(cloud: Cloud, vapp: Vapp, specs: Sequence[MachineSpec]) -> list[Vm]:
    planned = [machines.plan(cloud, vapp, spec) for spec in specs]
    names = [vm.name for vm in planned]
    for name in names:
        if names.count(name) > 1:
            raise errors.duplicate_name("vm", name)
    return planned


def _existing_sources(cloud: Cloud, specs: Sequence[MachineSpec], *, deleted: bool = False) -> list[Vm]:
    """Of the sources, the VMs of vApps, which must be idle; those to be deleted must be undeployed, too."""
    found = [spec.source for spec in specs if spec.source.vapp_id is not None and (spec.delete_source or not deleted)]
    if deleted:
        for vm in found:
            require_undeployed(vm)
    cloud.tasks.require_idle((vm.id, vm.name) for vm in found)
    return found


def _forget_all(cloud: Cloud, vms: Sequence[Vm]) -> None:
    for vm in vms:
        owner = cloud.vapps.get(vm.vapp_id)
        if owner is not None:
            machines.forget(cloud, owner, vm)


def realize_all(cloud: Cloud, vapp: Vapp, planned: Sequence[Vm], *, deploy: bool, power_on: bool) -> None:
    """Finish planned VMs; powering on implies deploying."""
    for vm in planned:
        machines.realize(cloud, vapp, vm)
    if deploy or power_on:
        vapp.deployed = True
        for vm in planned:
            vm.deployed = True
    if power_on:
        for vm in planned:
            start_vm(cloud, vapp, vm)


@dataclass(kw_only=True)
class Recomposition:
    """What is to change in a vApp; None leaves things as they are."""

    add: Sequence[MachineSpec] = ()
    delete: Sequence[Vm] = ()
    name: str | None = None
    description: str | None = None
    networks: Sequence[NetworkConfigSpec] | None = None
    deploy: bool = False
    power_on: bool = False


def recompose(cloud: Cloud, user: User, vapp: Vapp, change: Recomposition) -> Task:
    """Add and delete VMs, rename, change networks: all in one task. If it fails, everything is as it was.

    Raises:
        VcdError: the vApp is busy, a VM to be deleted is deployed, or a new one is not possible.
    """
    require_idle(cloud, vapp)
    require_made(vapp)
    for vm in change.delete:
        require_undeployed(vm)
    vdc = cloud.vdcs[vapp.vdc_id]
    if change.add or change.deploy or change.power_on:
        require_usable(vdc)
    quotas.check_vms(cloud, vdc, vapp.owner_id, len(change.add) - len(change.delete))
    if change.name is not None:
        check_free_name(cloud, vapp, change.name)
    networks = plan_changes(cloud, vapp, change.networks) if change.networks is not None else None
    coming = vapp if networks is None else replace(vapp, networks=networks.after())
    planned = plan_machines(cloud, coming, change.add)
    _check_cards_and_power(cloud, vapp, planned, power_on=change.power_on)
    sources = _existing_sources(cloud, change.add)
    moved = _existing_sources(cloud, change.add, deleted=True)
    for vm in planned:
        machines.enter(cloud, vapp, vm)

    def effect() -> None:
        if change.name is not None:
            check_free_name(cloud, vapp, change.name)  # another one may have got it meanwhile
        _extend(cloud, vapp, planned, change, networks)
        _forget_all(cloud, [*change.delete, *moved])
        rename(cloud, vapp, change.name, change.description)

    return work.start(
        cloud, user, vdc.org_id, vapp, "vdcRecomposeVapp", "Updating", "Updated", noun=NOUN,
        locks=[*cloud.vms_of(vapp), *sources],
        uses=[*_templates(cloud, change.add), *(networks.parents(cloud) if networks is not None else ())],
        extra_s=_time_for(cloud, len(planned), power_on=change.power_on), effect=effect,
        undo=lambda: _forget_all(cloud, planned),
    )  # fmt: skip


def _extend(
    cloud: Cloud, vapp: Vapp, planned: Sequence[Vm], change: Recomposition, networks: NetworkChanges | None
) -> None:
    """Give a vApp its new networks, and realize its new VMs; if that fails, it has what it had."""
    made, deployed = {vm.id for vm in planned}, vapp.deployed
    back = way_back(cloud, vapp, made) if networks is not None else None
    try:
        if networks is not None:
            apply_changes(cloud, vapp, networks, made_for=made)
        realize_all(cloud, vapp, planned, deploy=change.deploy, power_on=change.power_on)
    except errors.VcdError:
        _forget_all(cloud, planned)  # first: they may have addresses that others get back
        if back is not None:
            back()
        vapp.deployed = deployed
        raise
