"""Settings of VMs and vApps that guests do not notice: capabilities, boot options, disks, products, maintenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Disk, ProductSection, Status, Vapp, Vm
from vcd_simulator.model.infrastructure import Datastore
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.changes import require_off, start
from vcd_simulator.operations.power import status_in_vcenter
from vcd_simulator.operations.quotas import check_more_disks

LATEST_HARDWARE_VERSION = 14
MAX_DISKS = 60
MAX_DISK_MB = 62 * 2**20
"""62 TB, as vSphere has it."""
MAX_BOOT_DELAY_MS = 10_000_000
COMPLIANT = "COMPLIANT"
NOT_COMPLIANT = "NOT_COMPLIANT"


def set_capabilities(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, *, memory_hot_add: bool, cpu_hot_add: bool) -> Task:
    """Let a VM get memory or processors while it runs, or not; itself it must be off for that."""
    if (memory_hot_add, cpu_hot_add) != (vm.memory_hot_add, vm.cpu_hot_add):
        require_off(vm, "what can be added to it")

    def effect() -> None:
        vm.memory_hot_add, vm.cpu_hot_add = memory_hot_add, cpu_hot_add

    return start(cloud, user, vapp, vm, effect)


def set_boot_options(
    cloud: Cloud, user: User, vapp: Vapp, vm: Vm, *, boot_delay_ms: int, enter_bios_setup: bool
) -> Task:
    """Change how a VM boots the next time."""
    if not 0 <= boot_delay_ms <= MAX_BOOT_DELAY_MS:
        raise errors.bad_request(
            f"Bad request: validation error, BootDelay is not between 0 and {MAX_BOOT_DELAY_MS} milliseconds."
        )

    def effect() -> None:
        vm.boot_delay_ms, vm.enter_bios_setup = boot_delay_ms, enter_bios_setup

    return start(cloud, user, vapp, vm, effect)


def set_operating_system(
    cloud: Cloud, user: User, vapp: Vapp, vm: Vm, *, os_type: str | None, description: str | None
) -> Task:
    """Change what is said of a VM's operating system; its type only while the VM is off."""
    if os_type is not None and os_type != vm.os_type:
        require_off(vm, "the type of the operating system")

    def effect() -> None:
        vm.os_type = vm.os_type if os_type is None else os_type
        vm.os_description = vm.os_description if description is None else description

    return start(cloud, user, vapp, vm, effect)


def set_nested_hypervisor(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, *, enabled: bool) -> Task:
    """Let a VM be a hypervisor itself, or not."""
    require_off(vm, "nested virtualization")

    def effect() -> None:
        vm.nested_hypervisor = enabled

    name, doing, done = (
        ("vmEnableNestedHypervisor", "Enabling nested hypervisor of", "Enabled nested hypervisor of")
        if enabled
        else ("vmDisableNestedHypervisor", "Disabling nested hypervisor of", "Disabled nested hypervisor of")
    )
    return start(cloud, user, vapp, vm, effect, name, doing, done)


def upgrade_hardware(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Give a VM that is off the newest virtual hardware that there is."""
    require_off(vm, "the version of its hardware")
    if vm.hardware_version >= LATEST_HARDWARE_VERSION:
        raise errors.not_allowed(f"The VM {vm.name} has the newest virtual hardware already.")

    def effect() -> None:
        vm.hardware_version = LATEST_HARDWARE_VERSION

    return start(cloud, user, vapp, vm, effect, "vmUpgradeHardwareVersion", "Upgrading", "Upgraded")


@dataclass(frozen=True, kw_only=True)
class DiskSpec:
    """A disk that a VM is to have: a known one by its instance id, or a new one."""

    instance_id: int | None
    capacity_mb: int


def set_disks(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, specs: Sequence[DiskSpec]) -> Task:
    """Let a VM have exactly these disks: known ones may grow, also while it runs, new ones come, others go.

    Raises:
        VcdError: a disk would shrink, there are too many, the VM runs and loses one, or its storage profile is full.
    """
    known = {disk.instance_id: disk for disk in vm.hardware.disks}
    kept = {spec.instance_id for spec in specs} & set(known)
    if len(kept) < len(known):
        require_off(vm, "the number of its disks")
    if not 1 <= len(specs) <= MAX_DISKS:
        raise errors.bad_request(f"Bad request: validation error, a VM has 1 to {MAX_DISKS} disks.")
    planned = _plan_disks(vm, known, specs)
    _require_space(cloud, vm, planned)

    def effect() -> None:
        _require_space(cloud, vm, planned)  # others may have taken it meanwhile
        vm.hardware.disks = planned

    return start(cloud, user, vapp, vm, effect)


def _plan_disks(vm: Vm, known: Mapping[int, Disk], specs: Sequence[DiskSpec]) -> list[Disk]:
    planned: list[Disk] = []
    free_id = max(known, default=1999) + 1
    for number, spec in enumerate(specs):
        if not 1 <= spec.capacity_mb <= MAX_DISK_MB:
            raise errors.bad_request(f"Bad request: validation error, a disk has 1 to {MAX_DISK_MB} MB.")
        disk = known.get(spec.instance_id) if spec.instance_id is not None else None
        if disk is None:
            planned.append(
                Disk(
                    instance_id=free_id,
                    name=f"Hard disk {number + 1}",
                    capacity_mb=spec.capacity_mb,
                    unit_number=max((one.unit_number for one in planned), default=-1) + 1,
                )
            )
            free_id += 1
            continue
        if spec.capacity_mb < disk.capacity_mb:
            raise errors.bad_request(
                f"The disk {disk.name} of the VM {vm.name} cannot shrink from {disk.capacity_mb} to "
                f"{spec.capacity_mb} MB."
            )
        planned.append(replace(disk, capacity_mb=spec.capacity_mb))
    return planned


def _require_space(cloud: Cloud, vm: Vm, planned: Sequence[Disk]) -> None:
    more = sum(disk.capacity_mb for disk in planned) - sum(disk.capacity_mb for disk in vm.hardware.disks)
    check_more_disks(cloud, vm, cloud.profiles.get(vm.storage_profile_id), more)


def check_compliance(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Look whether a VM is where its storage profile wants it; `compliance` says what came out."""

    def effect() -> None:
        vm.compliance_checked = cloud.clock.now()

    return start(cloud, user, vapp, vm, effect, "vmCheckCompliance", "Checking compliance of", "Checked compliance of")


def compliance(cloud: Cloud, vm: Vm) -> str:
    """Whether a VM's disks are on a storage profile that its VDC still offers and that can be used."""
    profile = cloud.profiles.get(vm.storage_profile_id)
    return COMPLIANT if profile is not None and profile.enabled else NOT_COMPLIANT


def consolidate(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Join the disks of a VM that was cloned from another one; here they are whole already."""
    require_off(vm, "its chain of disks")
    return start(cloud, user, vapp, vm, lambda: None, "vmConsolidateDisks", "Consolidating", "Consolidated")


def install_tools(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Put the tools' installer into a running VM's drive. Guests here have the tools already, so nothing comes of it.

    Raises:
        VcdError: the VM does not run.
    """
    if not vm.is_on:
        raise errors.not_allowed(f"The VM {vm.name} must be powered on before VMware Tools can be installed.")
    doing, done = "Installing VMware Tools in", "Installed VMware Tools in"
    return start(cloud, user, vapp, vm, lambda: None, "vmInstallVMwareTools", doing, done)


def relocate(cloud: Cloud, user: User, vapp: Vapp, vm: Vm, datastore: Datastore) -> Task:
    """Move a VM's disks to another datastore of its vCenter, also while it runs.

    Raises:
        VcdError: the datastore belongs to another vCenter, or is disabled.
    """
    if datastore.vim_server_id != vm.vim_server_id or not datastore.enabled:
        raise errors.not_allowed(f"The datastore {datastore.name} is not available to the VM {vm.name}.")

    def effect() -> None:
        vm.datastore_id = datastore.id

    return start(cloud, user, vapp, vm, effect, "vmRelocate", "Relocating", "Relocated")


def datastore_of(cloud: Cloud, vm: Vm) -> Datastore | None:
    """Where a VM's disks lie, as far as its vCenter's datastores are known."""
    return datastore_at(cloud, vm.datastore_id, vm.vim_server_id)


def datastore_at(cloud: Cloud, datastore_id: str | None, vim_server_id: str) -> Datastore | None:
    """A datastore, or if there is no such one the first of a vCenter."""
    own = cloud.datastores.get(datastore_id)
    return own or next((one for one in cloud.datastores if one.vim_server_id == vim_server_id), None)


def reload_from_vcenter(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Take over what happened to a VM in vCenter."""

    def effect() -> None:
        if vm.guest_exists:
            vm.status = status_in_vcenter(cloud, vm)

    return start(cloud, user, vapp, vm, effect, "vmReloadFromVc", "Reloading", "Reloaded")


def set_product_sections(cloud: Cloud, user: User, vapp: Vapp, vm: Vm | None, sections: list[ProductSection]) -> Task:
    """Replace what is known of the products in a VM or in a vApp."""
    target = vapp if vm is None else vm

    def effect() -> None:
        target.product_sections = sections

    name, noun = ("vappUpdateVm", "Virtual Machine") if vm is not None else ("vdcUpdateVapp", "Virtual Application")
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, target, name, "Updating", "Updated", noun=noun,
        idle=[vapp] if vm is not None else (), effect=effect,
    )  # fmt: skip


def set_maintenance(cloud: Cloud, vapp: Vapp, *, entered: bool) -> None:
    """Keep a vApp from its owners while the provider works on it, or give it back.

    Raises:
        VcdError: it is in that state already, does not exist yet, or is being worked on.
    """
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    if vapp.transient in (Status.UNRESOLVED, Status.FAILED_CREATION) or vapp.in_maintenance is entered:
        raise errors.not_allowed(f"The vApp {vapp.name} cannot {'enter' if entered else 'exit'} maintenance mode now.")
    vapp.in_maintenance = entered
