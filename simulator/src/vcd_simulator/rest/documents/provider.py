"""Provider VDCs with what they are made of, and external networks."""

from vcd_simulator.model.infrastructure import (
    ExternalNetwork,
    ProviderStorageProfile,
    ProviderVdc,
    ResourcePool,
)
from vcd_simulator.model.kinds import ADMIN
from vcd_simulator.model.task import Task
from vcd_simulator.operations import quotas
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import METADATA, link, reference, running_tasks, tasks_element
from vcd_simulator.rest.documents.networks import ip_scope
from vcd_simulator.rest.documents.vcenters import PROFILES, switch
from vcd_simulator.rest.documents.vdcs import capabilities
from vcd_simulator.rest.xml import Element, vcloud, vcloud_in_vmext, vmext

EXTENSION_PVDC = "/api/admin/extension/providervdc/"
EXTENSION_PROFILE = "/api/admin/extension/pvdcStorageProfile/"
PVDC = ADMIN + "vmwprovidervdc+xml"
POOL_SET = ADMIN + "vmwProviderVdcResourcePoolSet+xml"
POOL_UPDATE = ADMIN + "resourcePoolSetUpdateParams+xml"
PROFILES_UPDATE = ADMIN + "updateProviderVdcStorageProfiles+xml"
PROFILE = ADMIN + "vmwPvdcStorageProfile+xml"
VDC_REFERENCES = ADMIN + "vdcReferences+xml"
POOL_MHZ, POOL_MB = 1_000_000, 4_194_304
"""What a resource pool is said to have; nothing here runs out of it."""


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


def _available_networks(context: Context, entity: ProviderVdc) -> Element:
    """The external networks that reach the vCenter of a provider VDC."""
    cloud = context.cloud
    groups = cloud.port_groups.find("server", entity.vim_server_id)
    reached = dict.fromkeys(one.external_network_id for one in groups if one.external_network_id is not None)
    networks = [
        reference(context, "Network", cloud.external_networks[network_id], build=vcloud_in_vmext)
        for network_id in reached
    ]
    return vcloud_in_vmext("AvailableNetworks", networks)


def _vdcs(context: Context, entity: ProviderVdc) -> Element:
    found = context.cloud.vdcs.find("pvdc", entity.id)
    return vcloud_in_vmext("Vdcs", [reference(context, "Vdc", one, admin=True, build=vcloud_in_vmext) for one in found])


def _reading_links(context: Context, entity: ProviderVdc) -> list[Element]:
    """What there is to read about a provider VDC besides its own document."""
    path = entity.kind.href_path(entity.id)
    return [
        link(context, "down", f"{path}/vdcReferences", VDC_REFERENCES, build=vcloud_in_vmext),
        link(context, "down", f"{path}/metadata", METADATA, build=vcloud_in_vmext),
    ]


def _compute_capacity(context: Context, entity: ProviderVdc) -> Element:
    """What a provider VDC has, what its VDCs were promised of that, and what their running VMs take."""
    cloud = context.cloud
    vdcs = cloud.vdcs.find("pvdc", entity.id)
    pools = max(1, cloud.resource_pools.count("pvdc", entity.id))
    used = [quotas.compute_used(cloud, one) for one in vdcs]
    return vcloud_in_vmext(
        "ComputeCapacity",
        _capacity("Cpu", "MHz", pools * POOL_MHZ, sum(one.cpu.allocated for one in vdcs), sum(mhz for mhz, _ in used)),
        _capacity(
            "Memory", "MB", pools * POOL_MB, sum(one.memory.allocated for one in vdcs), sum(mb for _, mb in used)
        ),
        vcloud_in_vmext("IsElastic", pools > 1),
        vcloud_in_vmext("IsHA", False),
    )


def _capacity(tag: str, units: str, total: int, allocated: int, used: int) -> Element:
    return vcloud_in_vmext(
        tag,
        vcloud_in_vmext("Units", units),
        vcloud_in_vmext("Allocation", allocated),
        vcloud_in_vmext("Reserved", 0),
        vcloud_in_vmext("Total", total),
        vcloud_in_vmext("Used", used),
        vcloud_in_vmext("Overhead", 0),
    )


def vdc_references(context: Context, entity: ProviderVdc) -> Element:
    """The org VDCs that were cut from a provider VDC."""
    path = entity.kind.href_path(entity.id)
    return vcloud(
        "VdcReferences",
        link(context, "up", path, entity.kind.media_type),
        [reference(context, "VdcReference", one, admin=True) for one in context.cloud.vdcs.find("pvdc", entity.id)],
        href=context.url(f"{path}/vdcReferences"),
        type=VDC_REFERENCES,
    )


def _network_pools(context: Context) -> Element:
    pools = [
        reference(context, "NetworkPoolReference", one, build=vcloud_in_vmext) for one in context.cloud.network_pools
    ]
    return vcloud_in_vmext("NetworkPoolReferences", pools)


def provider_vdc(context: Context, entity: ProviderVdc) -> Element:
    """A provider VDC as administrators of tenants' clouds see it.

    Its VDCs have a document of their own: clients that find a `Vdcs` here look for them elsewhere in it.
    """
    return vcloud(
        "ProviderVdc",
        link(context, "alternate", EXTENSION_PVDC + entity.id, PVDC),
        _reading_links(context, entity),
        vcloud("Description", entity.description),
        _compute_capacity(context, entity),
        _available_networks(context, entity),
        _profiles(context, entity, extended=False),
        capabilities(),
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
            switch(context, path, enabled=entity.enabled),
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
        _reading_links(context, entity),
        link(context, "down", f"{path}/resourcePools", POOL_SET, build=vcloud_in_vmext),
        link(context, "down", f"{path}/availableStorageProfiles", PROFILES, build=vcloud_in_vmext),
        link(context, "remove", path, build=vcloud_in_vmext) if deletes else None,
        vcloud_in_vmext("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id)),
        _compute_capacity(context, entity),
        _available_networks(context, entity),
        _profiles(context, entity, extended=True),
        capabilities(build=vcloud_in_vmext),
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
        reference(context, "VimServerRef", context.cloud.vim_servers[pool.vim_server_id], with_id=True, build=vmext),
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
    edits = context.access.has("Provider vDC: Edit")
    path = pool.kind.href_path(pool.id)
    return vmext(
        "VMWProviderVdcResourcePool",
        link(context, "resourcePoolVmList", f"{path}/vmList", build=vcloud_in_vmext),
        link(context, "migrateVms", f"{path}/action/migrateVms", build=vcloud_in_vmext) if edits else None,
        switch(context, path, enabled=pool.enabled) if edits and not pool.primary else None,
        _backing(context, pool, "ResourcePoolVimObjectRef"),
        reference(context, "ResourcePoolRef", pool, build=vmext),
        vmext("Enabled", pool.enabled),
        primary=pool.primary,
        type=pool.kind.media_type,
        href=context.href(pool),
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
    tag = "VimPortGroupRef" if len(groups) == 1 else "VimObjectRef"
    backing = [
        vmext(
            tag,
            reference(context, "VimServerRef", cloud.vim_servers[one.vim_server_id], with_id=True, build=vmext),
            vmext("MoRef", one.moref),
            vmext("VimObjectType", one.type),
        )
        for one in groups
    ]
    return vmext(
        "VMWExternalNetwork",
        link(context, "edit", path, media, build=vcloud_in_vmext) if edits else None,
        link(context, "remove", path, build=vcloud_in_vmext) if edits else None,
        vcloud_in_vmext("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id) if tasks is None else tasks),
        vcloud_in_vmext(
            "Configuration",
            vcloud_in_vmext("IpScopes", [ip_scope(pool, inherited=False) for pool in entity.pools]),
            vcloud_in_vmext("FenceMode", "isolated"),
        ),
        backing if len(groups) == 1 else vmext("VimPortGroupRefs", backing),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=media,
    )
