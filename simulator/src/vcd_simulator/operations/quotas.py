"""Quotas: what an org VDC has room for, and how many VMs a user may own and let run."""

from collections.abc import Iterable, Sequence

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Status, Vapp, Vm
from vcd_simulator.model.datacenter import Capacity, StorageProfile, Vdc
from vcd_simulator.model.tenancy import User

_POOLS = ("AllocationPool", "ReservationPool")
"""Allocation models that set a VDC's resources apart."""


def check_vms(cloud: Cloud, vdc: Vdc, owner_id: str, more: int) -> None:
    """Check that there is room for more VMs.

    Raises:
        VcdError: they would exceed the quota of the VDC, or that of their owner.
    """
    if more <= 0:
        return
    if vdc.vm_quota:
        existing = sum(len(vapp.vm_ids) for vapp in cloud.vapps.find("vdc", vdc.id))
        if existing + more > vdc.vm_quota:
            raise _exceeded(f"quota of {vdc.vm_quota} VMs of the VDC {vdc.name}")
    owner = cloud.users.get(owner_id)
    if owner is not None:
        _check_stored(cloud, owner, more)


def check_owner(cloud: Cloud, owner: User, vms: Sequence[Vm]) -> None:
    """Check that a user may own more VMs that there are already, some of them running.

    Raises:
        VcdError: they would exceed one of his quotas.
    """
    _check_stored(cloud, owner, len(vms))
    _check_running(cloud, owner, sum(vm.is_on for vm in vms))


def _check_stored(cloud: Cloud, owner: User, more: int) -> None:
    if not owner.stored_vm_quota or more <= 0:
        return
    stored = sum(len(vapp.vm_ids) for vapp in cloud.vapps.find("owner", owner.id))
    if stored + more > owner.stored_vm_quota:
        raise _exceeded(f"quota of {owner.stored_vm_quota} stored VMs of the user {owner.name}")


def check_nics(cloud: Cloud, vdc: Vdc, more: int) -> None:
    """Check that there is room for more network cards.

    Raises:
        VcdError: they would exceed the VDC's quota.
    """
    if not vdc.nic_quota or more <= 0:
        return
    existing = sum(len(vm.nics) for vapp in cloud.vapps.find("vdc", vdc.id) for vm in cloud.vms_of(vapp))
    if existing + more > vdc.nic_quota:
        raise _exceeded(f"quota of {vdc.nic_quota} network cards of the VDC {vdc.name}")


def check_running(cloud: Cloud, vapp: Vapp, starting: Iterable[Vm]) -> None:
    """Check that more VMs may run.

    Raises:
        VcdError: their owner has a quota of running VMs, and they would exceed it.
    """
    owner = cloud.users.get(vapp.owner_id)
    if owner is not None:
        _check_running(cloud, owner, sum(1 for _ in starting))


def _check_running(cloud: Cloud, owner: User, more: int) -> None:
    if not owner.deployed_vm_quota or more <= 0:
        return
    running = sum(vm.is_on for own in cloud.vapps.find("owner", owner.id) for vm in cloud.vms_of(own))
    if running + more > owner.deployed_vm_quota:
        raise _exceeded(f"quota of {owner.deployed_vm_quota} running VMs of the user {owner.name}")


def compute_used(cloud: Cloud, vdc: Vdc) -> tuple[int, int]:
    """What the running VMs of a VDC take: MHz, and MB."""
    on = [vm for vapp in cloud.vapps.find("vdc", vdc.id) for vm in cloud.vms_of(vapp) if vm.is_on]
    return sum(vm.hardware.cpu_count for vm in on) * vdc.vcpu_mhz, sum(vm.hardware.memory_mb for vm in on)


def limit_of(vdc: Vdc, capacity: Capacity) -> int:
    """How much of something a VDC can give to its VMs; 0 means without limit.

    Where resources are allocated beforehand, there are no more than those.
    """
    return capacity.limit or (capacity.allocated if vdc.allocation_model in _POOLS else 0)


def check_capacity(
    cloud: Cloud, vdc: Vdc, vm: Vm, *, cpu_count: int | None = None, memory_mb: int | None = None
) -> None:
    """Check that a VDC has the processing power and the memory that a VM needs to run, with other hardware perhaps.

    Raises:
        VcdError: the limit of either would be exceeded.
    """
    cpu_limit, memory_limit = limit_of(vdc, vdc.cpu), limit_of(vdc, vdc.memory)
    if not cpu_limit and not memory_limit:
        return
    used_mhz, used_mb = compute_used(cloud, vdc)
    has = vm.hardware
    more_cpus = (has.cpu_count if cpu_count is None else cpu_count) - (has.cpu_count if vm.is_on else 0)
    more_mb = (has.memory_mb if memory_mb is None else memory_mb) - (has.memory_mb if vm.is_on else 0)
    if cpu_limit and more_cpus > 0 and used_mhz + more_cpus * vdc.vcpu_mhz > cpu_limit:
        raise _exceeded(f"limit of {cpu_limit} MHz of the VDC {vdc.name}")
    if memory_limit and more_mb > 0 and used_mb + more_mb > memory_limit:
        raise _exceeded(f"limit of {memory_limit} MB of the VDC {vdc.name}")


def profile_used_mb(cloud: Cloud, profile: StorageProfile) -> int:
    """Space that the VMs of a storage profile take, those that are being made among them."""
    return sum(disk.capacity_mb for vm in cloud.vms.find("profile", profile.id) for disk in vm.hardware.disks)


def check_new_disks(cloud: Cloud, vm: Vm) -> None:
    """Check that a VM's storage profile has room for it beside the VMs that are complete.

    Raises:
        VcdError: it has not.
    """
    profile = cloud.profiles.get(vm.storage_profile_id)
    if profile is None or not profile.limit_mb:
        return
    used = sum(
        disk.capacity_mb
        for one in cloud.vms.find("profile", profile.id)
        if one is vm or one.status is not Status.UNRESOLVED
        for disk in one.hardware.disks
    )
    if used > profile.limit_mb:
        raise _no_room(profile, vm)


def check_more_disks(cloud: Cloud, vm: Vm, profile: StorageProfile | None, more_mb: int) -> None:
    """Check that a storage profile has room for disks of a VM that grow, or come.

    Raises:
        VcdError: it has not.
    """
    if profile is None or not profile.limit_mb or more_mb <= 0:
        return
    if profile_used_mb(cloud, profile) + more_mb > profile.limit_mb:
        raise _no_room(profile, vm)


def _no_room(profile: StorageProfile, vm: Vm) -> errors.VcdError:
    return errors.bad_request(
        f"The storage profile {profile.name} has no room left for the VM {vm.name}.", "STORAGE_LIMIT"
    )


def _exceeded(what: str) -> errors.VcdError:
    return errors.bad_request(f"The requested operation will exceed the {what}.", "QUOTA_EXCEEDED")
