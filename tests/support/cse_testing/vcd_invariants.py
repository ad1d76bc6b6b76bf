"""What holds in a simulated cloud at every moment, whatever has been done to it."""

from collections import Counter
from collections.abc import Iterator

from vcd_simulator.guests.spec import PowerState
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Nic, Status, Vapp, Vm
from vcd_simulator.model.task import TaskStatus
from vcd_simulator.operations import quotas
from vcd_simulator.operations.connections import pool_of
from vcd_simulator.state.snapshot import check_references

POWER = {
    Status.POWERED_ON: PowerState.ON,
    Status.POWERED_OFF: PowerState.OFF,
    Status.SUSPENDED: PowerState.SUSPENDED,
}


def broken(cloud: Cloud) -> list[str]:
    """Everything that does not hold, in words."""
    return [*_references(cloud), *_names(cloud), *_addresses(cloud), *_limits(cloud), *_work(cloud), *_power(cloud)]


def _references(cloud: Cloud) -> Iterator[str]:
    try:
        check_references(cloud)
    except ValueError as exc:
        yield str(exc)
    known = {one.id for table in cloud.tables().values() for one in table}
    for entity_id in cloud.metadata.all():
        if entity_id not in known:
            yield f"metadata of {entity_id}, which is not there"
    for vapp in cloud.vapps:
        for network in vapp.networks.values():
            if network.parent_id is not None and network.parent_id not in cloud.networks:
                yield f"{vapp.name} is connected to {network.parent_id}, which is not there"
    for owned in (*cloud.vapps, *cloud.catalogs, *cloud.templates):
        if owned.owner_id not in cloud.users:
            yield f"nobody owns {owned.name}"
    yield from _parts(cloud)


def _parts(cloud: Cloud) -> Iterator[str]:
    """What belongs to something belongs to something that is there, and that knows of it."""
    for vm in cloud.vms:
        owner = cloud.vapps.get(vm.vapp_id) or cloud.templates.get(vm.template_id)
        if owner is None or vm.id not in owner.vm_ids:
            yield f"the VM {vm.name} belongs to nothing that knows of it"
        if vm.storage_profile_id not in cloud.profiles:
            yield f"the VM {vm.name} has no storage profile"
    for template in cloud.templates:
        item = cloud.items.get(template.catalog_item_id)
        if item is None or (item.template_id != template.id and template.status is not Status.UNRESOLVED):
            yield f"the template {template.name} is in no catalog"
    for one in (*cloud.vapps, *cloud.catalogs, *cloud.vdcs):
        for setting in one.access.settings:
            if setting.subject_id not in cloud.users and setting.subject_id not in cloud.orgs:
                yield f"{one.name} is shared with {setting.subject_id}, who is not there"


def _names(cloud: Cloud) -> Iterator[str]:
    names = Counter(
        [
            *(("vApp", one.vdc_id, one.name) for one in cloud.vapps),
            *(("VM", one.vapp_id or one.template_id, one.name) for one in cloud.vms),
            *(("catalog", one.org_id, one.name) for one in cloud.catalogs),
            *(("item", one.catalog_id, one.name) for one in cloud.items),
            *(("network", one.org_id, one.name) for one in cloud.networks),
            *(("VDC", one.org_id, one.name) for one in cloud.vdcs),
            *(("user", one.org_id, one.name.lower()) for one in cloud.users),
        ]
    )
    yield from (f"{count} times {name}" for name, count in names.items() if count > 1)


def _addresses(cloud: Cloud) -> Iterator[str]:
    """Nobody has an address that another one has, and pools know exactly what is in use."""
    pools: dict[int, IpPool] = {id(one.pool): one.pool for one in (*cloud.networks, *cloud.external_networks)}
    for vapp in cloud.vapps:
        found = [pool_of(cloud, network) for network in vapp.networks.values()]
        pools |= {id(pool): pool for pool in found if pool is not None}
    held: dict[int, dict[str, set[str]]] = {}
    for vapp, vm, nic in _cards(cloud):
        pool = pool_of(cloud, vapp.networks[nic.network])
        if pool is not None and nic.ip_address is not None:
            held.setdefault(id(pool), {}).setdefault(nic.ip_address, set()).add(vm.id)
        elif nic.mode == "POOL":
            yield f"{vm.name} has no address"
    for key, pool in pools.items():
        seen = held.get(key, {})
        if any(len(holders) > 1 for holders in seen.values()):
            yield f"two have one address: {seen}"
        if {address: {holder} for address, holder in pool.used.items()} != seen:
            yield f"the pool {pool.gateway} says {pool.used}, the VMs say {seen}"


def _cards(cloud: Cloud) -> Iterator[tuple[Vapp, Vm, Nic]]:
    """The network cards of complete VMs that are in a network."""
    for vapp in cloud.vapps:
        for vm in cloud.vms_of(vapp):
            for nic in vm.nics:
                if vm.status is not Status.UNRESOLVED and nic.network in vapp.networks:
                    yield vapp, vm, nic


def _limits(cloud: Cloud) -> Iterator[str]:
    for vdc in cloud.vdcs:
        vapps = cloud.vapps.find("vdc", vdc.id)
        vms = [vm for vapp in vapps for vm in cloud.vms_of(vapp)]
        mhz, memory_mb = quotas.compute_used(cloud, vdc)
        for limit, used in (
            (vdc.vm_quota, len(vms)),
            (vdc.nic_quota, sum(len(vm.nics) for vm in vms)),
            (vdc.network_quota, cloud.networks.count("vdc", vdc.id)),
            (quotas.limit_of(vdc, vdc.cpu), mhz),
            (quotas.limit_of(vdc, vdc.memory), memory_mb),
        ):
            if limit and used > limit:
                yield f"{vdc.name} has {used} of {limit}"
    for profile in cloud.profiles:
        vms = [vm for vm in cloud.vms.find("profile", profile.id) if vm.status is not Status.UNRESOLVED]
        used = sum(disk.capacity_mb for vm in vms for disk in vm.hardware.disks)
        if profile.limit_mb and used > profile.limit_mb:
            yield f"{profile.name} holds {used} MB of {profile.limit_mb}"
    for user in cloud.users:
        own = [vm for vapp in cloud.vapps.find("owner", user.id) for vm in cloud.vms_of(vapp)]
        if user.stored_vm_quota and len(own) > user.stored_vm_quota:
            yield f"{user.name} owns {len(own)} VMs of {user.stored_vm_quota}"
        if user.deployed_vm_quota and sum(vm.is_on for vm in own) > user.deployed_vm_quota:
            yield f"{user.name} lets too many VMs run"


def _work(cloud: Cloud) -> Iterator[str]:
    for task in cloud.tasks.tasks:
        if (task.end_time is not None) is not task.status.is_final:
            yield f"a task that is {task.status} and ended at {task.end_time}"
        if task.error is None and task.status in (TaskStatus.ERROR, TaskStatus.CANCELED, TaskStatus.ABORTED):
            yield f"{task.operation_name} failed for no reason"
    for vapp in cloud.vapps:
        working = cloud.tasks.is_busy(vapp.id)
        if vapp.transient is Status.UNRESOLVED and not working:
            yield f"nobody makes {vapp.name}"
        for vm in cloud.vms_of(vapp):
            if vm.status is Status.UNRESOLVED and not working:
                yield f"nobody makes the VM {vm.name} of {vapp.name}"
            if vm.deployed and not vapp.deployed:
                yield f"the VM {vm.name} is deployed, and its vApp is not"


def _power(cloud: Cloud) -> Iterator[str]:
    for vm in cloud.vms:
        if vm.guest_exists and cloud.hypervisor.power_state(vm.moid) is not POWER[vm.status]:
            yield f"the VM {vm.name} is {vm.status.name}, and in vCenter it is not"
