"""Virtual machines: planned from others, made real, dropped; and what the hypervisor is told about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.guests.errors import GuestError, ToolsNotRunningError
from vcd_simulator.guests.spec import GuestSpec
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Nic, Status, Vapp, Vm
from vcd_simulator.model.datacenter import StorageProfile, Vdc
from vcd_simulator.model.policies import AppliedPolicies
from vcd_simulator.operations import vm_policies
from vcd_simulator.operations.connections import NO_NETWORK, NicSpec, connect, disconnect, make_nic, new_mac
from vcd_simulator.operations.customization import CustomizationSpec, customize
from vcd_simulator.operations.datacenter import default_profile
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.quotas import check_new_disks


@contextmanager
def hypervisor_refusals(vm: Vm) -> Iterator[None]:
    """Say as vCloud Director does what the hypervisor refuses."""
    try:
        yield
    except ToolsNotRunningError as exc:
        raise errors.bad_request(
            f"Cannot complete the operation because VMware Tools is not running in the VM {vm.name}.",
            "TOOLS_NOT_RUNNING",
        ) from exc
    except GuestError as exc:
        raise errors.bad_request(f"The hypervisor refused the operation on the VM {vm.name}: {exc}.") from exc


GUEST_INFO = "guestinfo."
MAX_CPUS = 128
MAX_MEMORY_MB = 6_128_000


@dataclass(kw_only=True)
class MachineSpec:
    """A VM to be made from another one, of a template or of a vApp. None keeps what the source has."""

    source: Vm
    name: str | None = None
    description: str | None = None
    delete_source: bool = False
    identical: bool = False
    """Leave the guest as it is, instead of customizing it at its first power-on."""
    needs_customization: bool = False
    """Customize the guest although its template says that copies are identical."""
    nics: list[NicSpec] | None = None
    primary_nic: int | None = None
    cpu_count: int | None = None
    cores_per_socket: int | None = None
    memory_mb: int | None = None
    disk_sizes_mb: dict[int, int] | None = None
    """New sizes by instance id."""
    customization: CustomizationSpec | None = None
    storage_profile: StorageProfile | None = None
    extra_config: dict[str, str] | None = None
    """Settings to be made; those with an empty value are removed."""
    policies: AppliedPolicies | None = None
    boot_delay_ms: int | None = None
    enter_bios_setup: bool | None = None


def plan(cloud: Cloud, vapp: Vapp, spec: MachineSpec) -> Vm:
    """The VM that a specification asks for, checked, not yet entered anywhere.

    Raises:
        VcdError: a name is taken, or a value is out of range or refers to nothing.
    """
    source = spec.source
    vdc = cloud.vdcs[vapp.vdc_id]
    name = check_name("VM", spec.name or source.name, max_length=80)
    if cloud.vms.first("vapp_name", (vapp.id, name)) is not None:
        raise errors.duplicate_name("vm", name)
    profile = spec.storage_profile or _profile_like(cloud, vdc, source)
    if profile.vdc_id != vdc.id or not profile.enabled:
        raise errors.bad_request(f"The storage profile {profile.name} is not available in the VDC {vdc.name}.")
    hardware = source.hardware.copy()
    if spec.cpu_count is not None:
        hardware.cpu_count = check_cpus(spec.cpu_count)
        hardware.cores_per_socket = 1 if hardware.cpu_count % hardware.cores_per_socket else hardware.cores_per_socket
    if spec.cores_per_socket is not None:
        hardware.cores_per_socket = check_cores(hardware.cpu_count, spec.cores_per_socket)
    if spec.memory_mb is not None:
        hardware.memory_mb = check_memory(spec.memory_mb)
    policies = vm_policies.of_new_vm(cloud, vdc, source, spec.policies)
    vm_policies.size(cloud, hardware, policies)
    for disk in hardware.disks:
        size = (spec.disk_sizes_mb or {}).get(disk.instance_id, disk.capacity_mb)
        if size < disk.capacity_mb:
            raise errors.bad_request(f"The disk {disk.name} cannot shrink from {disk.capacity_mb} to {size} MB.")
        disk.capacity_mb = size
    return Vm(
        id=cloud.new_id(),
        name=name,
        moid=f"vm-{cloud.next_number('moid')}",
        vim_server_id=cloud.provider_vdcs[vdc.provider_vdc_id].vim_server_id,
        image=source.image,
        vapp_id=vapp.id,
        cloned_from=source.moid if source.guest_exists else None,
        description=source.description if spec.description is None else spec.description,
        status=Status.UNRESOLVED,
        hardware=hardware,
        nics=_plan_nics(cloud, vapp, spec),
        primary_nic=source.primary_nic if spec.primary_nic is None else spec.primary_nic,
        customization=customize(source.customization, spec.customization, default_name=name, identical=_is_same(spec)),
        storage_profile_id=profile.id,
        policies=policies,
        os_type=source.os_type,
        os_description=source.os_description,
        hardware_version=source.hardware_version,
        boot_delay_ms=source.boot_delay_ms,
        enter_bios_setup=source.enter_bios_setup,
        memory_hot_add=source.memory_hot_add,
        cpu_hot_add=source.cpu_hot_add,
        nested_hypervisor=source.nested_hypervisor,
        extra_config=dict(source.extra_config),
        product_sections=list(source.product_sections),
        startup=replace(source.startup),
        created=cloud.clock.now(),
    )


def _is_same(spec: MachineSpec) -> bool:
    """Whether the guest inside stays who it was."""
    return spec.identical or spec.delete_source


def _profile_like(cloud: Cloud, vdc: Vdc, source: Vm) -> StorageProfile:
    """The VDC's storage profile of the same name as the source's, or else its default."""
    wanted = cloud.profiles.get(source.storage_profile_id)
    if wanted is not None:
        for profile in cloud.profiles.find("vdc", vdc.id):
            if profile.name == wanted.name and profile.enabled:
                return profile
    return default_profile(cloud, vdc)


def check_cpus(count: int) -> int:
    if not 1 <= count <= MAX_CPUS:
        raise errors.bad_request(f"Bad request: validation error, the number of CPUs is not between 1 and {MAX_CPUS}.")
    return count


def check_cores(cpus: int, cores_per_socket: int) -> int:
    if cores_per_socket < 1 or cpus % cores_per_socket:
        raise errors.bad_request(
            "Bad request: validation error, the cores per socket do not divide the number of CPUs."
        )
    return cores_per_socket


def check_memory(memory_mb: int) -> int:
    if not 4 <= memory_mb <= MAX_MEMORY_MB or memory_mb % 4:
        raise errors.bad_request(
            f"Bad request: validation error, the memory is not a multiple of 4 between 4 and {MAX_MEMORY_MB} MB."
        )
    return memory_mb


def _plan_nics(cloud: Cloud, vapp: Vapp, spec: MachineSpec) -> list[Nic]:
    if spec.nics is None:
        return [
            replace(nic, mac_address=new_mac(cloud), network=NO_NETWORK, mode="NONE", ip_address=None, connected=False)
            for nic in spec.source.nics
        ]
    return [make_nic(cloud, vapp, one) for one in sorted(spec.nics, key=lambda one: one.index)]


def enter(cloud: Cloud, vapp: Vapp, vm: Vm) -> None:
    """Make a planned VM part of its vApp, not yet resolved."""
    cloud.vms.add(vm)
    vapp.vm_ids[vm.id] = None


def realize(cloud: Cloud, vapp: Vapp, vm: Vm) -> None:
    """Clone the disk and connect the network; the VM is powered off afterwards."""
    check_new_disks(cloud, vm)
    connect(cloud, vapp, vm)
    with hypervisor_refusals(vm):
        if vm.cloned_from is not None:
            vm.image = cloud.hypervisor.capture(vm.cloned_from)
        cloud.hypervisor.create(vm.moid, vm.image, cloud.vim_servers[vm.vim_server_id].name)
    vm.guest_exists = True
    vm.status = Status.POWERED_OFF
    cloud.vms.reindex(vm)


def forget(cloud: Cloud, vapp: Vapp, vm: Vm) -> None:
    """Drop a VM with its addresses, metadata and guest."""
    disconnect(cloud, vapp, vm)
    if vm.guest_exists:
        cloud.hypervisor.delete(vm.moid)
        vm.guest_exists = False
    vapp.vm_ids.pop(vm.id, None)
    cloud.metadata.remove_all(vm.id)
    cloud.vms.remove(vm)


def guest_spec(vapp: Vapp, vm: Vm, *, force_customization: bool = False) -> GuestSpec:
    """What the hypervisor is told when the VM is powered on."""
    custom = vm.customization
    customizes = custom.enabled and (custom.pending or force_customization)
    nics = [nic for nic in vm.nics if nic.connected and nic.ip_address]
    nics.sort(key=lambda nic: (nic.index != vm.primary_nic, nic.index))
    return GuestSpec(
        name=vm.name,
        computer_name=custom.computer_name,
        ip_addresses=tuple(nic.ip_address for nic in nics if nic.ip_address),
        network_ids=tuple(_network_id(vapp, nic) for nic in nics),
        cpu_count=vm.hardware.cpu_count,
        memory_mb=vm.hardware.memory_mb,
        customize=customizes,
        admin_password=custom.admin_password if customizes else None,
        customization_script=custom.script or None,
        guest_properties={
            key.removeprefix(GUEST_INFO): value for key, value in vm.extra_config.items() if key.startswith(GUEST_INFO)
        },
    )


def guest_information(cloud: Cloud, vm: Vm) -> dict[str, str]:
    """What a VM's guest has told through its tools, by the keys that it has in vCenter."""
    if not vm.guest_exists:
        return {}
    return {GUEST_INFO + name: value for name, value in cloud.hypervisor.information(vm.moid).items()}


def _network_id(vapp: Vapp, nic: Nic) -> str:
    network = vapp.networks[nic.network]
    return network.parent_id if network.fence_mode == "bridged" and network.parent_id else f"{vapp.id}/{network.name}"
