"""Power: deploying, starting, stopping and undeploying vApps and VMs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Status, Vapp, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import quotas, work
from vcd_simulator.operations.datacenter import require_usable
from vcd_simulator.operations.machines import guest_spec, hypervisor_refusals

UNDEPLOY_ACTIONS = ("default", "powerOff", "suspend", "shutdown", "force", "keepNetworkResources")


_SEEN = {
    PowerState.ON: Status.POWERED_ON,
    PowerState.OFF: Status.POWERED_OFF,
    PowerState.SUSPENDED: Status.SUSPENDED,
}


def notice_guests(cloud: Cloud, vms: Iterable[Vm]) -> None:
    """Take over power states that changed behind the cloud's back.

    Guests shut down, and vCenter has users of its own.
    """
    for vm in vms:
        if vm.guest_exists and not cloud.tasks.is_busy(vm.id):
            vm.status = status_in_vcenter(cloud, vm)


def status_in_vcenter(cloud: Cloud, vm: Vm) -> Status:
    """What vCenter says of a VM that exists there."""
    return _SEEN[cloud.hypervisor.power_state(vm.moid)]


def notice_guest(cloud: Cloud, moid: str) -> None:
    """The same for one machine, as soon as the hypervisor tells of it; one that is gone meanwhile does not matter."""
    with cloud.lock:
        notice_guests(cloud, cloud.vms.find("guest", moid))


def notice_customization(cloud: Cloud, moid: str) -> None:
    """Remember that a guest has been customized, as its tools report."""
    with cloud.lock:
        for vm in cloud.vms.find("guest", moid):
            vm.customization.reported = True


def start_vm(cloud: Cloud, vapp: Vapp, vm: Vm, *, force_customization: bool = False) -> None:
    """Power one VM on, at once; one that runs is left alone."""
    if vm.is_on:
        vapp.deployed = vm.deployed = True
        return
    quotas.check_running(cloud, vapp, [vm])  # others of the same owner may have started since somebody looked
    quotas.check_capacity(cloud, cloud.vdcs[vapp.vdc_id], vm)
    spec = guest_spec(vapp, vm, force_customization=force_customization)
    if spec.customize:
        vm.customization.reported = False
    with hypervisor_refusals(vm):
        cloud.hypervisor.power_on(vm.moid, spec)
    vm.status = Status.POWERED_ON
    vapp.deployed = vm.deployed = True
    vm.customization.pending = False


def stop_vm(cloud: Cloud, vm: Vm) -> None:
    """Pull the plug of one VM, at once."""
    if vm.status in (Status.POWERED_ON, Status.SUSPENDED):
        with hypervisor_refusals(vm):
            cloud.hypervisor.power_off(vm.moid)
        vm.status = Status.POWERED_OFF


def _shut_down(cloud: Cloud, vm: Vm) -> None:
    with hypervisor_refusals(vm):
        cloud.hypervisor.shut_down(vm.moid)
    vm.status = Status.POWERED_OFF


def _reset(cloud: Cloud, vm: Vm) -> None:
    with hypervisor_refusals(vm):
        cloud.hypervisor.reset(vm.moid)


def _suspend(cloud: Cloud, vm: Vm) -> None:
    with hypervisor_refusals(vm):
        cloud.hypervisor.suspend(vm.moid)
    vm.status = Status.SUSPENDED


@dataclass(frozen=True)
class PowerAction:
    """One of the actions below `power/action/`: what it is called, which VMs it is for, and what it does to each."""

    suffix: str
    doing: str
    done: str
    needs: tuple[Status, ...]
    apply: Callable[[Cloud, Vm], None]


ACTIONS: dict[str, PowerAction] = {
    "powerOff": PowerAction("PowerOff", "Stopping", "Stopped", (Status.POWERED_ON, Status.SUSPENDED), stop_vm),
    "shutdown": PowerAction("ShutdownGuest", "Shutting down", "Shut down", (Status.POWERED_ON,), _shut_down),
    "reset": PowerAction("Reset", "Resetting", "Reset", (Status.POWERED_ON,), _reset),
    "reboot": PowerAction("RebootGuest", "Rebooting", "Rebooted", (Status.POWERED_ON,), _reset),
    "suspend": PowerAction("Suspend", "Suspending", "Suspended", (Status.POWERED_ON,), _suspend),
}
"""`powerOn` and `discardSuspendedState` have functions of their own."""


def available_actions(target: Vapp | Vm, status: Status, *, deployed: bool) -> list[str]:
    """The power actions that a state allows, as they appear in links."""
    if isinstance(target, Vapp) and status is Status.RESOLVED:
        return [] if deployed else ["powerOn"]
    if status in (Status.UNRESOLVED, Status.FAILED_CREATION):
        return []
    found = ["powerOn"] if status is not Status.POWERED_ON else []
    if status in (Status.POWERED_ON, Status.MIXED):
        found += ["powerOff", "shutdown", "reset", "reboot", "suspend"]
    if status is Status.SUSPENDED:
        found += ["powerOff", "discardSuspendedState"]
    return found


def power_on(
    cloud: Cloud,
    user: User,
    vapp: Vapp,
    vm: Vm | None,
    *,
    deploy: bool = False,
    power: bool = True,
    force_customization: bool = False,
) -> Task:
    """Start a vApp or one of its VMs. With `deploy`, this is the deploy action, which can leave the VMs off."""
    targets = _ready_targets(cloud, vapp, vm)
    off = [one for one in targets if not one.is_on]
    if (targets and not off) or (not targets and vapp.deployed):
        raise errors.bad_request(_denied(vapp, vm, "is already powered on"), "OPERATION_DENIED")
    require_usable(cloud.vdcs[vapp.vdc_id])
    if power:
        quotas.check_running(cloud, vapp, off)

    def effect() -> None:
        if not vapp.deployed:
            vapp.leases_from = cloud.clock.now()
        for one in targets:
            if power:
                start_vm(cloud, vapp, one, force_customization=force_customization)
            one.deployed = True
        vapp.deployed = True

    prefix = "vm" if vm is not None else "vapp"
    name = f"{prefix}Deploy" if deploy else f"{prefix}PowerOn"
    return _start(cloud, user, vapp, vm, name, "Starting", "Started", off if power else [], effect)


def act(cloud: Cloud, user: User, vapp: Vapp, vm: Vm | None, action: str) -> Task:
    """Stop, shut down, reset, reboot or suspend a vApp or one of its VMs."""
    known = ACTIONS[action]
    targets = _ready_targets(cloud, vapp, vm)
    affected = [one for one in targets if one.status in known.needs]
    if not affected:
        raise errors.bad_request(_denied(vapp, vm, "is not running"), "OPERATION_DENIED")

    def effect() -> None:
        for one in affected:
            if one.status in known.needs:
                known.apply(cloud, one)

    prefix = "vm" if vm is not None else "vapp"
    return _start(cloud, user, vapp, vm, prefix + known.suffix, known.doing, known.done, affected, effect)


def discard_suspended_state(cloud: Cloud, user: User, vapp: Vapp, vm: Vm | None) -> Task:
    targets = _ready_targets(cloud, vapp, vm)
    affected = [one for one in targets if one.status is Status.SUSPENDED]
    if not affected:
        raise errors.bad_request(_denied(vapp, vm, "is not suspended"), "OPERATION_DENIED")

    def effect() -> None:
        for one in affected:
            stop_vm(cloud, one)

    prefix = "vm" if vm is not None else "vapp"
    name = f"{prefix}DiscardSuspendedState"
    return _start(cloud, user, vapp, vm, name, "Discarding state of", "Discarded state of", affected, effect)


def undeploy(cloud: Cloud, user: User, vapp: Vapp, vm: Vm | None, action: str) -> Task:
    """Take a vApp or one of its VMs off its hosts; how running VMs are stopped is the caller's choice."""
    if action not in UNDEPLOY_ACTIONS:
        raise errors.bad_request(
            f"Bad request: validation error, UndeployPowerAction is not one of {', '.join(UNDEPLOY_ACTIONS)}."
        )
    targets = _ready_targets(cloud, vapp, vm)
    if not (vapp.deployed if vm is None else vm.deployed):
        raise errors.bad_request(_denied(vapp, vm, "is not deployed"), "OPERATION_DENIED")

    def effect() -> None:
        for one in targets:
            if action == "suspend" and one.is_on:
                _suspend(cloud, one)
            elif action == "shutdown" and one.is_on:
                _shut_down(cloud, one)
            else:
                stop_vm(cloud, one)
            one.deployed = False
        if vm is None or not any(one.deployed for one in cloud.vms_of(vapp)):
            vapp.deployed = False
            vapp.leases_from = cloud.clock.now()

    running = [one for one in targets if one.is_on]
    prefix = "vm" if vm is not None else "vapp"
    name = f"{prefix}Undeploy" + {"suspend": "Suspend", "shutdown": "ShutdownGuest"}.get(action, "PowerOff")
    return _start(cloud, user, vapp, vm, name, "Stopping", "Stopped", running, effect)


def _ready_targets(cloud: Cloud, vapp: Vapp, vm: Vm | None) -> list[Vm]:
    """The VMs that an action is for.

    Raises:
        VcdError: one of them or the vApp is busy, whatever its state is until then, or the vApp was never complete.
    """
    targets = [vm] if vm is not None else cloud.vms_of(vapp)
    cloud.tasks.require_idle([*((one.id, one.name) for one in targets), (vapp.id, vapp.name)])
    if vapp.transient is not None:
        raise errors.bad_request(_denied(vapp, None, "could not be created"), "OPERATION_DENIED")
    return targets


def _denied(vapp: Vapp, vm: Vm | None, why: str) -> str:
    subject = f"VM {vm.name}" if vm is not None else f"vApp {vapp.name}"
    return f"The requested operation could not be executed since {subject} {why}."


def _start(  # noqa: PLR0913, PLR0917  # what the tasks of this module have in common
    cloud: Cloud,
    user: User,
    vapp: Vapp,
    vm: Vm | None,
    operation_name: str,
    doing: str,
    done: str,
    affected: Sequence[Vm],
    effect: Callable[[], None],
) -> Task:
    return work.start(
        cloud,
        user,
        cloud.vdcs[vapp.vdc_id].org_id,
        vm if vm is not None else vapp,
        operation_name,
        doing,
        done,
        noun="Virtual Machine" if vm is not None else "Virtual Application",
        locks=[] if vm is not None else cloud.vms_of(vapp),
        idle=[vapp] if vm is not None else [],
        extra_s=cloud.latency.together("vm.power", len(affected)),
        effect=effect,
    )
