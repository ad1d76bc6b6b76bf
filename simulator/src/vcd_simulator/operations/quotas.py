"""Quotas: of an org VDC for VMs and network cards, of a user for the VMs that he owns and those that he lets run."""

from collections.abc import Iterable, Sequence

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.datacenter import Vdc


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
    if owner is not None and owner.stored_vm_quota:
        stored = sum(len(vapp.vm_ids) for vapp in cloud.vapps.find("owner", owner_id))
        if stored + more > owner.stored_vm_quota:
            raise _exceeded(f"quota of {owner.stored_vm_quota} stored VMs of the user {owner.name}")


def check_nics(cloud: Cloud, vdc: Vdc, planned: Sequence[Vm]) -> None:
    """Check that there is room for the network cards of more VMs.

    Raises:
        VcdError: they would exceed the VDC's quota.
    """
    if not vdc.nic_quota:
        return
    existing = sum(len(vm.nics) for vapp in cloud.vapps.find("vdc", vdc.id) for vm in cloud.vms_of(vapp))
    if existing + sum(len(vm.nics) for vm in planned) > vdc.nic_quota:
        raise _exceeded(f"quota of {vdc.nic_quota} network cards of the VDC {vdc.name}")


def check_running(cloud: Cloud, vapp: Vapp, starting: Iterable[Vm]) -> None:
    """Check that more VMs may run.

    Raises:
        VcdError: their owner has a quota of running VMs, and they would exceed it.
    """
    more = sum(1 for _ in starting)
    owner = cloud.users.get(vapp.owner_id)
    if owner is None or not owner.deployed_vm_quota or not more:
        return
    running = sum(vm.is_on for own in cloud.vapps.find("owner", owner.id) for vm in cloud.vms_of(own))
    if running + more > owner.deployed_vm_quota:
        raise _exceeded(f"quota of {owner.deployed_vm_quota} running VMs of the user {owner.name}")


def compute_used(cloud: Cloud, vdc: Vdc) -> tuple[int, int]:
    """What the running VMs of a VDC take: MHz, and MB."""
    on = [vm for vapp in cloud.vapps.find("vdc", vdc.id) for vm in cloud.vms_of(vapp) if vm.is_on]
    return sum(vm.hardware.cpu_count for vm in on) * vdc.vcpu_mhz, sum(vm.hardware.memory_mb for vm in on)


def check_capacity(cloud: Cloud, vdc: Vdc, vm: Vm) -> None:
    """Check that a VDC has the processing power and the memory that a VM needs to run.

    Raises:
        VcdError: the limit of either would be exceeded.
    """
    if not vdc.cpu.limit and not vdc.memory.limit:
        return
    mhz, memory_mb = compute_used(cloud, vdc)
    if vdc.cpu.limit and mhz + vm.hardware.cpu_count * vdc.vcpu_mhz > vdc.cpu.limit:
        raise _exceeded(f"limit of {vdc.cpu.limit} MHz of the VDC {vdc.name}")
    if vdc.memory.limit and memory_mb + vm.hardware.memory_mb > vdc.memory.limit:
        raise _exceeded(f"limit of {vdc.memory.limit} MB of the VDC {vdc.name}")


def _exceeded(what: str) -> errors.VcdError:
    return errors.bad_request(f"The requested operation will exceed the {what}.", "QUOTA_EXCEEDED")
