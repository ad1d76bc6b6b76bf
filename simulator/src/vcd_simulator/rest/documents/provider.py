"""What the provider has: vCenters, resource pools, provider VDCs with their storage profiles, external networks."""

from collections.abc import Iterable

from vcd_simulator.model.infrastructure import (
    ExternalNetwork,
    ProviderStorageProfile,
    ProviderVdc,
    ResourcePool,
    VimServer,
)
from vcd_simulator.model.kinds import ADMIN
from vcd_simulator.model.task import Task
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link, reference, running_tasks, tasks_element
from vcd_simulator.rest.documents.vdcs import ip_scope
from vcd_simulator.rest.xml import Element, vcloud, vcloud_in_vmext, vmext

EXTENSION_PVDC = "/api/admin/extension/providervdc/"
EXTENSION_PROFILE = "/api/admin/extension/pvdcStorageProfile/"
PVDC = ADMIN + "vmwprovidervdc+xml"
POOL_SET = ADMIN + "vmwProviderVdcResourcePoolSet+xml"
POOL_UPDATE = ADMIN + "resourcePoolSetUpdateParams+xml"
PROFILES = ADMIN + "vmwStorageProfiles+xml"
PROFILES_UPDATE = ADMIN + "updateProviderVdcStorageProfiles+xml"
PROFILE = ADMIN + "vmwPvdcStorageProfile+xml"
_POOL_LIST = ADMIN + "resourcePoolList+xml"


def _switch(context: Context, path: str, *, enabled: bool) -> Element:
    verb = "disable" if enabled else "enable"
    return link(context, verb, f"{path}/action/{verb}", build=vcloud_in_vmext)


def _profiles(context: Context, entity: ProviderVdc, *, extended: bool) -> Element:
    tag = "ProviderVdcStorageProfile"
    references = []
    for one in context.cloud.provider_profiles.find("pvdc", entity.id):
        pointer = reference(context, tag, one, build=vcloud_in_vmext)
        if extended:
            pointer.set("href", context.url(EXTENSION_PROFILE + one.id))
            pointer.set("type", PROFILE)
        references.append(pointer)
    return vcloud_in_vmext("StorageProfiles", references)


def _vdcs(context: Context, entity: ProviderVdc) -> Element:
    found = context.cloud.vdcs.find("pvdc", entity.id)
    return vcloud_in_vmext("Vdcs", [reference(context, "Vdc", one, admin=True, build=vcloud_in_vmext) for one in found])


def _network_pools(context: Context) -> Element:
    pools = [
        reference(context, "NetworkPoolReference", one, build=vcloud_in_vmext) for one in context.cloud.network_pools
    ]
    return vcloud_in_vmext("NetworkPoolReferences", pools)


def provider_vdc(context: Context, entity: ProviderVdc) -> Element:
    """A provider VDC as administrators of tenants' clouds see it."""
    return vcloud(
        "ProviderVdc",
        link(context, "alternate", EXTENSION_PVDC + entity.id, PVDC),
        vcloud("Description", entity.description),
        _profiles(context, entity, extended=False),
        _vdcs(context, entity),
        vcloud("IsEnabled", entity.enabled),
        _network_pools(context),
        status=1 if entity.ready else 0,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def extended_provider_vdc(context: Context, entity: ProviderVdc) -> Element:
    """A provider VDC with what it is made of, and what can be done with it."""
    cloud = context.cloud
    path = EXTENSION_PVDC + entity.id
    edits = context.access.has("Provider vDC: Edit")
    deletes = context.access.has("Provider vDC: Create / Delete") and not entity.enabled
    return vmext(
        "VMWProviderVdc",
        link(context, "alternate", entity.kind.href_path(entity.id), entity.kind.media_type, build=vcloud_in_vmext),
        [
            link(context, "edit", path, PVDC, build=vcloud_in_vmext),
            _switch(context, path, enabled=entity.enabled),
            link(
                context,
                "update:resourcePools",
                f"{path}/action/updateResourcePools",
                POOL_UPDATE,
                build=vcloud_in_vmext,
            ),
            link(context, "edit", f"{path}/storageProfiles", PROFILES_UPDATE, build=vcloud_in_vmext),
        ]
        if edits
        else None,
        link(context, "down", f"{path}/resourcePools", POOL_SET, build=vcloud_in_vmext),
        link(context, "down", f"{path}/availableStorageProfiles", PROFILES, build=vcloud_in_vmext),
        link(context, "remove", path, build=vcloud_in_vmext) if deletes else None,
        vcloud_in_vmext("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id)),
        _profiles(context, entity, extended=True),
        _vdcs(context, entity),
        vcloud_in_vmext("IsEnabled", entity.enabled),
        _network_pools(context),
        vmext("ResourcePoolRefs", [_backing(context, one) for one in cloud.resource_pools.find("pvdc", entity.id)]),
        reference(context, "VimServer", cloud.vim_servers[entity.vim_server_id], build=vmext),
        status=1 if entity.ready else 0,
        name=entity.name,
        id=context.urn(entity),
        href=context.url(path),
        type=PVDC,
    )


def _backing(context: Context, pool: ResourcePool, tag: str = "VimObjectRef") -> Element:
    return vmext(
        tag,
        reference(context, "VimServerRef", context.cloud.vim_servers[pool.vim_server_id], build=vmext),
        vmext("MoRef", pool.moref),
        vmext("VimObjectType", "RESOURCE_POOL"),
    )


def pools_of_provider_vdc(context: Context, entity: ProviderVdc) -> Element:
    """The resource pools that a provider VDC is made of."""
    pools = context.cloud.resource_pools.find("pvdc", entity.id)
    return vmext(
        "VMWProviderVdcResourcePoolSet",
        [_pool_of_provider_vdc(context, pool) for pool in pools],
        href=context.url(f"{EXTENSION_PVDC}{entity.id}/resourcePools"),
        type=POOL_SET,
    )


def _pool_of_provider_vdc(context: Context, pool: ResourcePool) -> Element:
    edits = context.access.has("Provider vDC: Edit") and not pool.primary
    return vmext(
        "VMWProviderVdcResourcePool",
        _switch(context, pool.kind.href_path(pool.id), enabled=pool.enabled) if edits else None,
        _backing(context, pool, "ResourcePoolVimObjectRef"),
        reference(context, "ResourcePoolRef", pool, build=vmext),
        vmext("Enabled", pool.enabled),
        primary=pool.primary,
        type=pool.kind.media_type,
        href=context.href(pool),
    )


def storage_profiles_to_add(context: Context, server: VimServer, path: str, known: Iterable[str]) -> Element:
    """The classes of storage of a vCenter, without those that are known already."""
    offered = set(known)
    names = [name for name in server.storage_profiles if name not in offered]
    return vmext(
        "VMWStorageProfiles",
        [
            vmext(
                "VMWStorageProfile",
                vmext("MoRef", f"policy-{name}"),
                vmext("VimObjectType", "STORAGE_PROFILE"),
                name=name,
            )
            for name in names
        ],
        href=context.url(path),
        type=PROFILES,
    )


def provider_profile(context: Context, entity: ProviderStorageProfile, *, extended: bool) -> Element:
    """A storage profile of a provider VDC; the extended view can be changed."""
    pvdc = context.cloud.provider_vdcs[entity.provider_vdc_id]
    build = vmext if extended else vcloud
    path = EXTENSION_PROFILE + entity.id if extended else entity.kind.href_path(entity.id)
    edits = extended and context.access.has("Provider vDC: Edit")
    return build(
        "VMWProviderVdcStorageProfile" if extended else "ProviderVdcStorageProfile",
        link(context, "edit", path, PROFILE, build=vcloud_in_vmext) if edits else None,
        link(context, "up", pvdc.kind.href_path(pvdc.id), pvdc.kind.media_type, build=vcloud_in_vmext),
        vcloud_in_vmext("Enabled", entity.enabled),
        vcloud_in_vmext("Units", "MB"),
        vcloud_in_vmext("CapacityTotal", entity.capacity_mb),
        name=entity.name,
        id=context.urn(entity),
        href=context.url(path),
        type=PROFILE if extended else entity.kind.media_type,
    )


def external_network(context: Context, entity: ExternalNetwork, *, tasks: list[Task] | None = None) -> Element:
    """An external network, with the port groups that it is made of."""
    cloud = context.cloud
    path = entity.kind.href_path(entity.id)
    media = entity.kind.media_type
    edits = context.access.has("Provider Network: Create / Delete")
    groups = cloud.port_groups.find("network", entity.id)
    return vmext(
        "VMWExternalNetwork",
        link(context, "edit", path, media, build=vcloud_in_vmext) if edits else None,
        link(context, "remove", path, build=vcloud_in_vmext) if edits else None,
        vcloud_in_vmext("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id) if tasks is None else tasks),
        vcloud_in_vmext(
            "Configuration",
            vcloud_in_vmext("IpScopes", ip_scope(entity.pool, inherited=False)),
            vcloud_in_vmext("FenceMode", "isolated"),
        ),
        vmext(
            "VimPortGroupRefs",
            [
                vmext(
                    "VimObjectRef",
                    reference(context, "VimServerRef", cloud.vim_servers[one.vim_server_id], build=vmext),
                    vmext("MoRef", one.moref),
                    vmext("VimObjectType", one.type),
                )
                for one in groups
            ],
        ),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=media,
    )


def resource_pools(context: Context, entity: VimServer) -> Element:
    """The pools of a vCenter, whether a provider VDC is made of them or not."""
    pools = context.cloud.resource_pools.find("server", entity.id)
    return vmext(
        "ResourcePoolList",
        [
            vmext(
                "ResourcePool",
                vmext("DataStoreRefs"),
                reference(context, "VimServerRef", entity, build=vmext),
                vmext("MoRef", one.moref),
                vmext("VimObjectType", "RESOURCE_POOL"),
                name=one.name,
            )
            for one in pools
        ],
        href=context.url(f"{entity.kind.href_path(entity.id)}/resourcePoolList"),
        type=_POOL_LIST,
    )


def vim_server(context: Context, entity: VimServer) -> Element:
    """A vCenter; its password stays home."""
    path = entity.kind.href_path(entity.id)
    edits = context.access.has("VCenter: Attach / Detach / Modify")
    return vmext(
        "VimServer",
        link(context, "edit", path, entity.kind.media_type, build=vcloud_in_vmext) if edits else None,
        link(context, "unregister", f"{path}/action/unregister", build=vcloud_in_vmext) if edits else None,
        link(context, "down", f"{path}/resourcePoolList", _POOL_LIST, build=vcloud_in_vmext),
        link(context, "down", f"{path}/storageProfiles", PROFILES, build=vcloud_in_vmext),
        tasks_element(context, running_tasks(context, entity.id)),
        vmext("Username", entity.username),
        vmext("Url", entity.url),
        vmext("IsEnabled", entity.enabled),
        vmext("IsConnected", entity.enabled and entity.connected),
        vmext("VcVersion", "6.7.0"),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )
