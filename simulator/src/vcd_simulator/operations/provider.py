"""What the provider has: vCenters, their resource pools, and the provider VDCs that are made of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
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
_VCENTER = "Virtual Center"


def add_resource_pool(
    cloud: Cloud, server: VimServer, name: str, *, pvdc: ProviderVdc | None = None, primary: bool = True
) -> ResourcePool:
    """Give a vCenter a resource pool, which a provider VDC may be made of already."""
    pool_id = cloud.new_id()
    pool = ResourcePool(id=pool_id, vim_server_id=server.id, name=name, moref=f"resgroup-{pool_id[:8]}")
    if pvdc is not None:
        pool.provider_vdc_id, pool.primary = pvdc.id, primary
    return cloud.resource_pools.add(pool)


def register_vim_server(cloud: Cloud, user: User, server: VimServer) -> Task:
    """Attach a vCenter.

    Raises:
        VcdError: its name or address is that of another one, or the address is none.
    """
    check_name("vCenter", server.name)
    if not urlsplit(server.url).hostname or urlsplit(server.url).scheme not in ("http", "https"):
        raise errors.bad_request("Bad request: validation error, the Url of a vCenter is an http or https address.")
    if cloud.vim_servers.first("name", server.name) is not None:
        raise errors.duplicate_name("vimServer", server.name)
    if any(urlsplit(one.url).netloc == urlsplit(server.url).netloc for one in cloud.vim_servers):
        raise errors.bad_request(f"The vCenter at {urlsplit(server.url).netloc} is registered already.")
    cloud.vim_servers.add(server)
    return work.start(
        cloud, user, cloud.system_org.id, server, "vimServerRegister", "Registering", "Registered", noun=_VCENTER,
        undo=lambda: cloud.vim_servers.remove(server),
    )  # fmt: skip


def unregister_vim_server(cloud: Cloud, user: User, server: VimServer) -> Task:
    """Detach a vCenter that is disabled and that nothing is made of."""
    if server.enabled:
        raise errors.not_allowed(f"The vCenter {server.name} is enabled; disable it before you detach it.")
    if any(pvdc.vim_server_id == server.id for pvdc in cloud.provider_vdcs):
        raise errors.not_allowed(f"The vCenter {server.name} is in use by a provider VDC.")
    if any(group.external_network_id is not None for group in cloud.port_groups.find("server", server.id)):
        raise errors.not_allowed(f"The vCenter {server.name} is in use by an external network.")

    def effect() -> None:
        for pool in list(cloud.resource_pools.find("server", server.id)):
            cloud.resource_pools.remove(pool)
        for group in list(cloud.port_groups.find("server", server.id)):
            cloud.port_groups.remove(group)
        cloud.vim_servers.remove(server)

    return work.start(
        cloud, user, cloud.system_org.id, server, "vimServerUnregister", "Unregistering", "Unregistered",
        noun=_VCENTER, effect=effect,
    )  # fmt: skip


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
        effect=effect, undo=lambda: _forget(cloud, pvdc),
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
        effect=lambda: _forget(cloud, pvdc),
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

    def effect() -> None:
        for pool in added:
            _assign(cloud, pool, pvdc, primary=False)
        for pool in remove:
            _release(cloud, pool)

    return work.start(
        cloud, user, cloud.system_org.id, pvdc, "providervdcUpdateResourcePools", "Updating resource pools of",
        "Updated resource pools of", noun=_PVDC, effect=effect,
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


def _forget(cloud: Cloud, pvdc: ProviderVdc) -> None:
    for pool in list(cloud.resource_pools.find("pvdc", pvdc.id)):
        _release(cloud, pool)
    for profile in list(cloud.provider_profiles.find("pvdc", pvdc.id)):
        cloud.provider_profiles.remove(profile)
    cloud.provider_vdcs.remove(pvdc)
