"""Changes to VMs that exist: hardware, connections, customization, names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Nic, Startup, Vapp, Vm
from vcd_simulator.model.policies import AppliedPolicies
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import connections, customization, machines, quotas, vm_policies, work
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.customization import CustomizationSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.names import check_name

MAX_EXTRA_CONFIG = 1000
MAX_EXTRA_KEY = 255
MAX_EXTRA_VALUE = 65_535
START_ACTIONS = ("powerOn", "none")
STOP_ACTIONS = ("powerOff", "guestShutdown", "suspend", "none")


def set_cpus(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, cpus: int, cores_per_socket: int | None) -> Task:
    """Change the number of virtual CPUs of a VM that is off, or add some to one that allows it."""
    machines.check_cpus(cpus)
    vm_policies.require_own_choice(cloud, vm, cpus=cpus)
    cores = machines.check_cores(cpus, cores_per_socket if cores_per_socket is not None else 1)
    _require_room(vm, cpus=cpus, cores_per_socket=cores)

    def effect() -> None:
        _require_capacity(cloud, vapp, vm, cpus, vm.hardware.memory_mb)
        vm.hardware.cpu_count, vm.hardware.cores_per_socket = cpus, cores

    return start(cloud, user, vapp, vm, effect)


def set_memory(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, memory_mb: int) -> Task:
    """Change the memory of a VM that is off, or add some to one that allows it."""
    machines.check_memory(memory_mb)
    vm_policies.require_own_choice(cloud, vm, memory_mb=memory_mb)
    _require_room(vm, memory_mb=memory_mb)

    def effect() -> None:
        _require_capacity(cloud, vapp, vm, vm.hardware.cpu_count, memory_mb)
        vm.hardware.memory_mb = memory_mb

    return start(cloud, user, vapp, vm, effect)


def set_nics(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, specs: Sequence[NicSpec], primary: int) -> Task:
    """Replace the network connections of a VM; connections that keep network, mode and address keep what they have."""
    planned = _plan_nics(cloud, vapp, vm, specs, primary)
    _require_cards(cloud, vapp, vm, planned)
    return start(cloud, user, vapp, vm, lambda: _replace_nics(cloud, vapp, vm, planned, primary))


def differs(vm: Vm, specs: Sequence[NicSpec], primary: int | None) -> bool:
    """Whether a VM's connections are others than these."""
    wanted = [(one.index, one.network, one.mode, one.connected, one.adapter_type) for one in specs]
    present = [(one.index, one.network, one.mode, one.connected, one.adapter_type) for one in vm.nics]
    addresses = {one.index: one.ip_address for one in vm.nics}
    moved = any(one.mode == "MANUAL" and one.ip_address != addresses.get(one.index) for one in specs)
    return moved or sorted(wanted) != sorted(present) or (primary is not None and primary != vm.primary_nic)


def _plan_nics(cloud: Cloud, vapp: Vapp, vm: Vm, specs: Sequence[NicSpec], primary: int) -> list[Nic]:
    indexes = [spec.index for spec in specs]
    if len(set(indexes)) != len(indexes) or len(indexes) > 10:
        raise errors.bad_request(
            "Bad request: validation error, a VM has up to ten connections with different indexes."
        )
    if specs and primary not in indexes:
        raise errors.bad_request("Bad request: validation error, PrimaryNetworkConnectionIndex names no connection.")
    old = {nic.index: nic for nic in vm.nics}
    planned = [connections.make_nic(cloud, vapp, spec) for spec in sorted(specs, key=lambda spec: spec.index)]
    for nic in planned:
        before = old.get(nic.index)
        if before is not None and (before.network, before.mode) == (nic.network, nic.mode):
            nic.ip_address = nic.ip_address or before.ip_address
    return planned


def _require_cards(cloud: Cloud, vapp: Vapp, vm: Vm, planned: Sequence[Nic]) -> None:
    quotas.check_nics(cloud, cloud.vdcs[vapp.vdc_id], len(planned) - len(vm.nics))


def _require_capacity(cloud: Cloud, vapp: Vapp, vm: Vm, cpus: int, memory_mb: int) -> None:
    """Check that a VM that runs can get what it is to have; one that is off is looked at when it starts."""
    if vm.is_on:
        quotas.check_capacity(cloud, cloud.vdcs[vapp.vdc_id], vm, cpu_count=cpus, memory_mb=memory_mb)


def _replace_nics(cloud: Cloud, vapp: Vapp, vm: Vm, planned: list[Nic], primary: int) -> None:
    """Connect a VM anew; if that fails, its old connections are there again."""
    _require_cards(cloud, vapp, vm, planned)
    previous = [replace(nic) for nic in vm.nics]
    connections.disconnect(cloud, vapp, vm)
    vm.nics = planned
    try:
        connections.connect(cloud, vapp, vm)
    except errors.VcdError:
        vm.nics = previous
        connections.connect(cloud, vapp, vm)
        raise
    vm.primary_nic = primary


def set_customization(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, spec: CustomizationSpec) -> Task:
    """Change guest customization; it takes effect at the next power-on that customizes."""
    if spec.computer_name is not None:
        customization.check_computer_name(spec.computer_name)

    def effect() -> None:
        customization.apply_customization(vm.customization, spec)
        vm.customization.reported = False

    return start(cloud, user, vapp, vm, effect)


def rename(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, name: str | None, description: str | None) -> Task:
    _check_rename(cloud, vapp, vm, name)
    return start(cloud, user, vapp, vm, lambda: _rename(cloud, vapp, vm, name, description))


def _check_rename(cloud: Cloud, vapp: Vapp, vm: Vm, name: str | None) -> None:
    if name is not None and name.strip() != vm.name:
        check_name("VM", name, max_length=80)
        if cloud.vms.first("vapp_name", (vapp.id, name.strip())) is not None:
            raise errors.duplicate_name("vm", name)


def _rename(cloud: Cloud, vapp: Vapp, vm: Vm, name: str | None, description: str | None) -> None:
    _check_rename(cloud, vapp, vm, name)  # another one may have got it meanwhile
    if name is not None:
        vm.name = name.strip()
        cloud.vms.reindex(vm)
    if description is not None:
        vm.description = description


def reconfigure(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, spec: MachineSpec) -> Task:
    """Change what the specification names, in one task."""
    hardware = vm.hardware
    policies, (cpus, cores, memory_mb) = _plan_size(cloud, vapp, vm, spec)
    if (cpus, cores, memory_mb) != (hardware.cpu_count, hardware.cores_per_socket, hardware.memory_mb):
        machines.check_cores(machines.check_cpus(cpus), cores)
        machines.check_memory(memory_mb)
        _require_room(vm, cpus=cpus, cores_per_socket=cores, memory_mb=memory_mb)
    _check_rename(cloud, vapp, vm, spec.name)
    custom = spec.customization
    if custom is not None and custom.computer_name is not None:
        customization.check_computer_name(custom.computer_name)
    primary = vm.primary_nic if spec.primary_nic is None else spec.primary_nic
    planned = _plan_nics(cloud, vapp, vm, spec.nics, primary) if spec.nics is not None else None
    extra_config = spec.extra_config or {}
    _check_extra_config(vm, extra_config)
    if planned is not None:
        _require_cards(cloud, vapp, vm, planned)
    profile = spec.storage_profile
    moved_mb = sum(disk.capacity_mb for disk in hardware.disks)
    if profile is not None and profile.id == vm.storage_profile_id:
        profile = None
    if profile is not None and (profile.vdc_id != vapp.vdc_id or not profile.enabled):
        raise errors.bad_request(f"The storage profile {profile.name} is not available in the VDC.")
    quotas.check_more_disks(cloud, vm, profile, moved_mb)

    def effect() -> None:
        _check_rename(cloud, vapp, vm, spec.name)
        _require_capacity(cloud, vapp, vm, cpus, memory_mb)
        quotas.check_more_disks(cloud, vm, profile, moved_mb)
        if planned is not None:
            _replace_nics(cloud, vapp, vm, planned, primary)
        if profile is not None:
            vm.storage_profile_id = profile.id
        vm.boot_delay_ms = vm.boot_delay_ms if spec.boot_delay_ms is None else spec.boot_delay_ms
        vm.enter_bios_setup = vm.enter_bios_setup if spec.enter_bios_setup is None else spec.enter_bios_setup
        vm.policies = policies
        hardware.cpu_count, hardware.cores_per_socket, hardware.memory_mb = cpus, cores, memory_mb
        vm.extra_config = {key: value for key, value in (vm.extra_config | extra_config).items() if value}
        if custom is not None:
            customization.apply_customization(vm.customization, custom)
        _rename(cloud, vapp, vm, spec.name, spec.description)
        cloud.vms.reindex(vm)

    return start(cloud, user, vapp, vm, effect)


def _plan_size(cloud: Cloud, vapp: Vapp, vm: Vm, spec: MachineSpec) -> tuple[AppliedPolicies, tuple[int, int, int]]:
    """The policies that a VM will follow, and its CPUs, cores per socket and memory: a new policy decides on them."""
    planned = vm.hardware.copy()
    if spec.cpu_count is not None:
        planned.cpu_count = spec.cpu_count
    if spec.cores_per_socket is not None:
        planned.cores_per_socket = spec.cores_per_socket
    if spec.memory_mb is not None:
        planned.memory_mb = spec.memory_mb
    policies = vm.policies
    if spec.policies is not None:
        policies = vm_policies.of_changed_vm(cloud, cloud.vdcs[vapp.vdc_id], vm, spec.policies)
    if policies.sizing_id != vm.policies.sizing_id:
        vm_policies.size(cloud, planned, policies)
    else:
        vm_policies.require_own_choice(cloud, vm, cpus=planned.cpu_count, memory_mb=planned.memory_mb)
    return policies, (planned.cpu_count, planned.cores_per_socket, planned.memory_mb)


def _check_extra_config(vm: Vm, wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if not key.isprintable() or not 1 <= len(key) <= MAX_EXTRA_KEY or len(value) > MAX_EXTRA_VALUE:
            raise errors.bad_request(
                f"Bad request: validation error, an ExtraConfig has a key of 1 to {MAX_EXTRA_KEY} characters and a "
                f"value of at most {MAX_EXTRA_VALUE}."
            )
    if len(vm.extra_config.keys() | wanted.keys()) > MAX_EXTRA_CONFIG:
        raise errors.bad_request(f"The VM {vm.name} would have more than {MAX_EXTRA_CONFIG} ExtraConfig elements.")


def set_startup(cloud: Cloud, user: User, vapp: Vapp, wanted: Mapping[str, Startup]) -> Task:
    """Change when VMs start with their vApp, by their names.

    Raises:
        VcdError: 400, a name or an action is unknown.
    """
    vms = {vm.name: vm for vm in cloud.vms_of(vapp)}
    for name, startup in wanted.items():
        if name not in vms:
            raise errors.bad_request(f"The vApp {vapp.name} has no VM {name[:80]!r}.")
        if startup.start_action not in START_ACTIONS or startup.stop_action not in STOP_ACTIONS:
            raise errors.bad_request("Bad request: validation error, the startAction or the stopAction is unknown.")

    def effect() -> None:
        for name, startup in wanted.items():
            vms[name].startup = startup

    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vappUpdateStartupSection", "Updating", "Updated",
        noun="Virtual Application", effect=effect,
    )  # fmt: skip


def customize_at_next_power_on(vm: Vm) -> None:
    vm.customization.pending = True


def _require_room(
    vm: Vm, *, cpus: int | None = None, cores_per_socket: int | None = None, memory_mb: int | None = None
) -> None:
    """Check that a VM can get other processors or memory in its state: one that runs can only get more, if at all."""
    hardware = vm.hardware
    if cpus is not None and (cpus, cores_per_socket) != (hardware.cpu_count, hardware.cores_per_socket):
        adds = vm.cpu_hot_add and cpus > hardware.cpu_count and cores_per_socket == hardware.cores_per_socket
        if not adds:
            require_off(vm, "the number of CPUs")
    if memory_mb is not None and memory_mb != hardware.memory_mb:
        adds = vm.memory_hot_add and memory_mb > hardware.memory_mb
        if not adds:
            require_off(vm, "the memory")


def require_off(vm: Vm, what: str) -> None:
    """Check that a VM does not run; `what` is what cannot change otherwise."""
    if vm.is_on:
        raise errors.bad_request(
            f"The requested operation could not be executed since VM {vm.name} is powered on and {what} cannot be "
            "changed while it runs.",
            "OPERATION_DENIED",
        )


def start(
    cloud: Cloud,
    user: User,
    vapp: Vapp,
    vm: Vm,
    effect: Callable[[], None],
    operation_name: str = "vappUpdateVm",
    doing: str = "Updating",
    done: str = "Updated",
) -> Task:
    """Start a task that changes a VM; its vApp must be idle."""
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vm, operation_name, doing, done, noun="Virtual Machine",
        idle=[vapp], effect=effect,
    )  # fmt: skip
