"""Provider VDCs: made of resource pools of vCenters, changed, deleted; where VMs are."""

from collections.abc import Sequence
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.infrastructure import (
    ProviderStorageProfile,
    ProviderVdc,
    ResourcePool,
    VimServer,
)
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.names import check_name

_PVDC = "Provider Virtual Datacenter"


@dataclass(frozen=True, kw_only=True)
class ProviderVdcSpec:
    """What a new provider VDC is to be."""

    name: str
    description: str
    enabled: bool
    server: VimServer
    morefs: Sequence[str]
    storage_profiles: Sequence[str]


def create_provider_vdc(cloud: Cloud, user: User, spec: ProviderVdcSpec) -> tuple[ProviderVdc, Task]:
    """Make a provider VDC of free resource pools.

    Raises:
        VcdError: the name is taken, a pool is not free, or the vCenter does not have a storage profile.
    """
    name = check_name("provider VDC", spec.name)
    if cloud.provider_vdcs.first("name", name) is not None:
        raise errors.duplicate_name("providerVdc", name)
    if not spec.server.enabled:
        raise errors.not_allowed(f"The vCenter {spec.server.name} is disabled.")
    pools = [_free_pool(cloud, spec.server, moref) for moref in dict.fromkeys(spec.morefs)]
    if not pools:
        raise errors.bad_request("Bad request: validation error, a provider VDC needs a resource pool.")
    profiles = _profiles_to_add(cloud, spec.server, None, spec.storage_profiles)
    if not profiles:
        raise errors.bad_request("Bad request: validation error, a provider VDC needs a storage profile.")
    pvdc = cloud.provider_vdcs.add(
        ProviderVdc(
            id=cloud.new_id(),
            name=name,
            description=spec.description,
            enabled=spec.enabled,
            ready=False,
            vim_server_id=spec.server.id,
        )
    )
    for number, pool in enumerate(pools):
        _assign(cloud, pool, pvdc, primary=number == 0)
    for profile_name in profiles:
        _add_profile(cloud, pvdc, profile_name)

    def effect() -> None:
        pvdc.ready = True

    task = work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcCreateProviderVdc", "Creating", "Created", noun=_PVDC,
        effect=effect, undo=lambda: forget_provider_vdc(cloud, pvdc),
    )  # fmt: skip
    return pvdc, task


def delete_provider_vdc(cloud: Cloud, user: User, pvdc: ProviderVdc) -> Task:
    """Delete a provider VDC that is disabled and that no org VDC is cut from."""
    if pvdc.enabled:
        raise errors.not_allowed(f"The provider VDC {pvdc.name} is enabled; disable it before you delete it.")
    if cloud.vdcs.count("pvdc", pvdc.id):
        raise errors.not_allowed(f"The provider VDC {pvdc.name} still has org VDCs; delete them first.")
    return work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcDelete", "Deleting", "Deleted", noun=_PVDC,
        effect=lambda: forget_provider_vdc(cloud, pvdc),
    )  # fmt: skip


def update_provider_vdc(cloud: Cloud, pvdc: ProviderVdc, name: str, description: str) -> None:
    """Rename or describe a provider VDC."""
    name = check_name("provider VDC", name)
    other = cloud.provider_vdcs.first("name", name)
    if other is not None and other is not pvdc:
        raise errors.duplicate_name("providerVdc", name)
    cloud.tasks.require_idle([(pvdc.id, pvdc.name)])
    pvdc.name, pvdc.description = name, description
    cloud.provider_vdcs.reindex(pvdc)


def change_resource_pools(
    cloud: Cloud, user: User, pvdc: ProviderVdc, add: Sequence[str], remove: Sequence[ResourcePool]
) -> Task:
    """Let a provider VDC be made of more resource pools, given by their morefs, or of fewer.

    Raises:
        VcdError: one to be added is not free, one to be removed is enabled or the primary one.
    """
    server = cloud.vim_servers[pvdc.vim_server_id]
    added = [_free_pool(cloud, server, moref) for moref in dict.fromkeys(add)]
    for pool in remove:
        if pool.provider_vdc_id != pvdc.id:
            raise errors.no_access("resourcePool", pool.id)
        if pool.primary or pool.enabled:
            raise errors.not_allowed(f"The resource pool {pool.name} is enabled or the primary one of {pvdc.name}.")
        if vms_in_pool(cloud, pool):
            raise errors.not_allowed(f"The resource pool {pool.name} still has VMs; migrate them first.")

    def effect() -> None:
        for pool in added:
            _assign(cloud, pool, pvdc, primary=False)
        for pool in remove:
            _release(cloud, pool)

    return work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcUpdateResourcePools", "Updating resource pools of",
        "Updated resource pools of", noun=_PVDC, effect=effect,
    )  # fmt: skip


def pool_of(cloud: Cloud, vm: Vm) -> ResourcePool | None:
    """The resource pool that a VM of a vApp is in."""
    vapp = cloud.vapps.get(vm.vapp_id)
    if vapp is None:
        return None
    moved = cloud.resource_pools.get(vm.resource_pool_id)
    if moved is not None:
        return moved
    pools = cloud.resource_pools.find("pvdc", cloud.vdcs[vapp.vdc_id].provider_vdc_id)
    return next((pool for pool in pools if pool.primary), None)


def vms_in_pool(cloud: Cloud, pool: ResourcePool) -> list[Vm]:
    """The VMs of vApps that are in a resource pool."""
    return [vm for vm in cloud.vms if pool_of(cloud, vm) is pool]


def migrate_vms(
    cloud: Cloud, user: User, source: ResourcePool, vms: Sequence[Vm], target: tuple[str, str] | None
) -> Task:
    """Move VMs to another resource pool of the same provider VDC; they go on running.

    `target` is the vCenter's id and the pool's moref; without one, another pool that is enabled will do.

    Raises:
        VcdError: a VM is not in the source, is busy, or there is no such target.
    """
    pvdc = cloud.provider_vdcs.get(source.provider_vdc_id)
    if pvdc is None:
        raise errors.not_allowed(f"The resource pool {source.name} is part of no provider VDC.")
    if not vms:
        raise errors.bad_request("Bad request: validation error, at least one VmRef is required.")
    for vm in vms:
        if pool_of(cloud, vm) is not source:
            raise errors.bad_request(f"The VM {vm.name} is not in the resource pool {source.name}.")
    others = [one for one in cloud.resource_pools.find("pvdc", pvdc.id) if one is not source and one.enabled]
    chosen = next((one for one in others if target in (None, (one.vim_server_id, one.moref))), None)
    if chosen is None:
        raise errors.bad_request(
            f"The provider VDC {pvdc.name} has no other resource pool for the VMs, or not this one."
        )

    def effect() -> None:
        for vm in vms:
            vm.resource_pool_id = chosen.id

    return work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcMigrateVms", "Migrating VMs of", "Migrated VMs of",
        noun=_PVDC, locks=vms, effect=effect,
    )  # fmt: skip


def change_storage_profiles(
    cloud: Cloud, user: User, pvdc: ProviderVdc, add: Sequence[str], remove: Sequence[ProviderStorageProfile]
) -> Task:
    """Let a provider VDC offer more storage profiles of its vCenter, or fewer.

    Raises:
        VcdError: its vCenter does not have one; one to be removed is enabled, the last one, or in use by an org VDC.
    """
    names = _profiles_to_add(cloud, cloud.vim_servers[pvdc.vim_server_id], pvdc, add)
    used = {profile.provider_profile_id for profile in cloud.profiles}
    for one in remove:
        if one.provider_vdc_id != pvdc.id:
            raise errors.no_access("providerVdcStorageProfile", one.id)
        if one.enabled or one.id in used:
            raise errors.not_allowed(f"The storage profile {one.name} is enabled or in use by an org VDC.")
    if cloud.provider_profiles.count("pvdc", pvdc.id) + len(names) - len(remove) < 1:
        raise errors.not_allowed(f"The provider VDC {pvdc.name} needs at least one storage profile.")

    def effect() -> None:
        for name in names:
            _add_profile(cloud, pvdc, name)
        for one in remove:
            cloud.provider_profiles.remove(one)

    return work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcUpdateStorageProfiles", "Updating storage profiles of",
        "Updated storage profiles of", noun=_PVDC, effect=effect,
    )  # fmt: skip


def _free_pool(cloud: Cloud, server: VimServer, moref: str) -> ResourcePool:
    for pool in cloud.resource_pools.find("server", server.id):
        if pool.moref == moref:
            if pool.provider_vdc_id is not None:
                raise errors.bad_request(f"The resource pool {pool.name} is in use by another provider VDC.")
            return pool
    raise errors.no_access("resourcePool", moref)


def _profiles_to_add(cloud: Cloud, server: VimServer, pvdc: ProviderVdc | None, names: Sequence[str]) -> list[str]:
    offered = {one.name for one in cloud.provider_profiles.find("pvdc", pvdc.id)} if pvdc is not None else set()
    for name in names:
        if name not in server.storage_profiles:
            raise errors.bad_request(f"The vCenter {server.name} has no storage profile {name[:80]!r}.")
        if name in offered:
            raise errors.duplicate_name("providerVdcStorageProfile", name)
    return list(dict.fromkeys(names))


def _add_profile(cloud: Cloud, pvdc: ProviderVdc, name: str) -> None:
    cloud.provider_profiles.add(ProviderStorageProfile(id=cloud.new_id(), provider_vdc_id=pvdc.id, name=name))


def _assign(cloud: Cloud, pool: ResourcePool, pvdc: ProviderVdc, *, primary: bool) -> None:
    pool.provider_vdc_id, pool.primary, pool.enabled = pvdc.id, primary, True
    cloud.resource_pools.reindex(pool)


def _release(cloud: Cloud, pool: ResourcePool) -> None:
    pool.provider_vdc_id, pool.primary, pool.enabled = None, False, True
    cloud.resource_pools.reindex(pool)


def forget_provider_vdc(cloud: Cloud, pvdc: ProviderVdc) -> None:
    """Drop a provider VDC that nothing is cut from; its resource pools are free again."""
    for pool in list(cloud.resource_pools.find("pvdc", pvdc.id)):
        _release(cloud, pool)
    for profile in list(cloud.provider_profiles.find("pvdc", pvdc.id)):
        cloud.provider_profiles.remove(profile)
    cloud.metadata.remove_all(pvdc.id)
    cloud.provider_vdcs.remove(pvdc)
