"""Org VDCs, storage profiles, networks, and what the provider makes them of."""

from xml.sax.saxutils import quoteattr

from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Vapp, VappTemplate
from vcd_simulator.model.datacenter import Capacity, OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import ADMIN, VCLOUD
from vcd_simulator.model.task import Task
from vcd_simulator.operations import quotas
from vcd_simulator.operations.quotas import profile_used_mb
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import (
    CONTROL_ACCESS,
    METADATA,
    link,
    reference,
    running_tasks,
    tasks_element,
)
from vcd_simulator.rest.vm_policies import POLICIES_SINCE
from vcd_simulator.rest.xml import Element, embed, vcloud, vmext, xml_text

COMPUTE_POLICIES = VCLOUD + "vdcComputePolicyReferences+xml"
ORG_VDC_NETWORK = VCLOUD + "orgVdcNetwork+xml"
ALLOCATED_ADDRESSES = VCLOUD + "allocatedNetworkAddress+xml"


def vdc(context: Context, entity: Vdc, *, admin: bool = False) -> Element:
    """An org VDC; the administrator's view has the same content and more links."""
    cloud = context.cloud
    networks = [one for one in cloud.networks.find("org", entity.org_id) if one.vdc_id == entity.id or one.shared]
    pool = cloud.network_pools.get(entity.network_pool_id)
    return vcloud(
        "AdminVdc" if admin else "Vdc",
        _backing(context, entity) if context.access.is_sysadmin else None,
        _vdc_links(context, entity, admin),
        tasks_element(context, running_tasks(context, entity.id)),
        vcloud("Description", entity.description),
        vcloud("AllocationModel", entity.allocation_model),
        _compute_capacity(context, entity),
        _resource_entities(context, entity),
        vcloud("AvailableNetworks", [_available_network(context, one, admin) for one in networks]),
        vcloud("NicQuota", entity.nic_quota),
        vcloud("NetworkQuota", entity.network_quota),
        vcloud("UsedNetworkCount", cloud.networks.count("vdc", entity.id)),
        vcloud("VmQuota", entity.vm_quota),
        vcloud("IsEnabled", entity.enabled),
        vcloud(
            "VdcStorageProfiles",
            [
                reference(context, "VdcStorageProfile", one, with_id=True)
                for one in cloud.profiles.find("vdc", entity.id)
            ],
        ),
        [
            vcloud("ResourceGuaranteedMemory", str(entity.guaranteed_memory)),
            vcloud("ResourceGuaranteedCpu", str(entity.guaranteed_cpu)),
            vcloud("VCpuInMhz", entity.vcpu_mhz),
            vcloud("IsThinProvision", entity.thin_provision),
            reference(context, "NetworkPoolReference", pool, with_id=True) if pool is not None else None,
            reference(context, "ProviderVdcReference", cloud.provider_vdcs[entity.provider_vdc_id], with_id=True),
            vcloud("UsesFastProvisioning", entity.fast_provisioning),
            vcloud("OverCommitAllowed", entity.over_commit_allowed),
            vcloud("VmDiscoveryEnabled", entity.vm_discovery),
        ]
        if admin
        else None,
        status=1 if entity.ready else 0,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity, admin=admin),
        type=entity.kind.media(admin),
    )


def _backing(context: Context, entity: Vdc) -> Element:
    """The resource pool in vCenter that the VDC is; for system administrators."""
    cloud = context.cloud
    pvdc = cloud.provider_vdcs[entity.provider_vdc_id]
    return vcloud(
        "VCloudExtension",
        vmext(
            "VimObjectRef",
            reference(context, "VimServerRef", cloud.vim_servers[pvdc.vim_server_id], build=vmext),
            vmext("MoRef", f"resgroup-{entity.id[:8]}"),
            vmext("VimObjectType", "RESOURCE_POOL"),
        ),
        required=False,
    )


def _resource_entities(context: Context, entity: Vdc) -> Element:
    """The vApps and templates; there may be very many, so in XML they are rendered once for every change."""
    if context.json:
        entities = _entities_in(context, entity)
        return vcloud("ResourceEntities", [reference(context, "ResourceEntity", one) for one in entities])
    what = "resource entities", entity.id, context.access.user.id, context.base
    rendered = context.cloud.lock.derived(what, lambda: _rendered_entities(context, entity))
    return embed(context.embedded, rendered)


def _rendered_entities(context: Context, entity: Vdc) -> bytes:
    lines = [
        f"<ResourceEntity name={quoteattr(xml_text(one.name))} type={quoteattr(one.kind.media_type)}"
        f" href={quoteattr(context.href(one))}/>"
        for one in _entities_in(context, entity)
    ]
    return f"<ResourceEntities>{''.join(lines)}</ResourceEntities>".encode()


def _entities_in(context: Context, entity: Vdc) -> list[Vapp | VappTemplate]:
    cloud, access = context.cloud, context.access.at_this_moment()
    vapps = [one for one in cloud.vapps.find("vdc", entity.id) if access.sees_vapp(one)]
    return [*vapps, *(one for one in cloud.templates.find("vdc", entity.id) if access.sees_template(one))]


def _vdc_links(context: Context, entity: Vdc, admin: bool) -> list[Element | None]:
    path = entity.kind.href_path(entity.id)
    admin_path = entity.kind.href_path(entity.id, True)
    own = admin_path if admin else path
    acl = f"/api/org/{entity.org_id}/vdc/{entity.id}"
    access = context.access
    org = context.cloud.orgs[entity.org_id]
    creates = entity.enabled and access.has("vApp: Create / Reconfigure")
    verb = "disable" if entity.enabled else "enable"
    return [
        link(context, "up", org.kind.href_path(org.id, admin), org.kind.media(admin)),
        link(context, "down", f"{own}/metadata", METADATA),
        link(context, "add", f"{path}/action/composeVApp", VCLOUD + "composeVAppParams+xml") if creates else None,
        link(context, "add", f"{path}/action/instantiateVAppTemplate", VCLOUD + "instantiateVAppTemplateParams+xml")
        if creates
        else None,
        link(context, "add", f"{path}/action/cloneVApp", VCLOUD + "cloneVAppParams+xml")
        if creates and access.has("vApp: Copy")
        else None,
        link(context, "add", f"{admin_path}/networks", ORG_VDC_NETWORK) if _makes_networks(context) else None,
        link(context, "down", f"{acl}/controlAccess/", CONTROL_ACCESS)
        if access.has("Organization vDC: View ACL")
        else None,
        link(context, "controlAccess", f"{acl}/action/controlAccess", CONTROL_ACCESS)
        if access.has("Organization vDC: Edit ACL")
        else None,
        link(context, "down", f"{path}/computePolicies", COMPUTE_POLICIES)
        if context.version >= POLICIES_SINCE
        else None,
        link(context, "edgeGateways", f"{admin_path}/edgeGateways", VCLOUD + "query.records+xml"),
        link(context, "orgVdcNetworks", f"{admin_path}/networks", VCLOUD + "query.records+xml"),
        link(context, "remove", admin_path) if _is_deletable(context, entity) else None,
        *(_edit_links(context, entity) if admin and access.is_sysadmin else []),
        link(context, verb, f"{admin_path}/action/{verb}") if admin and access.is_sysadmin else None,
        link(context, "alternate", path, entity.kind.media_type) if admin else None,
        link(context, "alternate", admin_path, entity.kind.admin_media_type)
        if not admin and (access.is_sysadmin or access.has("General: Administrator View"))
        else None,
    ]


def _is_deletable(context: Context, entity: Vdc) -> bool:
    return not entity.enabled and context.access.is_sysadmin and context.access.has("Organization vDC: Delete")


def _edit_links(context: Context, entity: Vdc) -> list[Element]:
    path = entity.kind.href_path(entity.id, True)
    return [
        link(context, "edit", path, entity.kind.admin_media_type),
        link(context, "edit", f"{path}/vdcStorageProfiles", ADMIN + "updateVdcStorageProfiles+xml"),
    ]


def _makes_networks(context: Context) -> bool:
    return context.access.is_sysadmin or context.access.has("Organization vDC Network: Edit Properties")


def _available_network(context: Context, network: OrgVdcNetwork, admin: bool) -> Element:
    return vcloud("Network", name=network.name, type=VCLOUD + "network+xml", href=context.href(network, admin=admin))


def _compute_capacity(context: Context, entity: Vdc) -> Element:
    cpu_used, memory_used = quotas.compute_used(context.cloud, entity)
    return vcloud(
        "ComputeCapacity", _capacity("Cpu", entity.cpu, cpu_used), _capacity("Memory", entity.memory, memory_used)
    )


def _capacity(tag: str, capacity: Capacity, used: int) -> Element:
    return vcloud(
        tag,
        vcloud("Units", capacity.units),
        vcloud("Allocated", capacity.allocated),
        vcloud("Limit", capacity.limit),
        vcloud("Reserved", 0),
        vcloud("Used", used),
    )


def storage_profile(context: Context, entity: StorageProfile, *, admin: bool = False) -> Element:
    cloud = context.cloud
    owner = cloud.vdcs[entity.vdc_id]
    return vcloud(
        "AdminVdcStorageProfile" if admin else "VdcStorageProfile",
        link(context, "edit", entity.kind.href_path(entity.id, True), entity.kind.admin_media_type)
        if admin and context.access.is_sysadmin
        else None,
        link(context, "up", owner.kind.href_path(owner.id, admin), owner.kind.media(admin)),
        link(context, "down", f"{entity.kind.href_path(entity.id, admin)}/metadata", METADATA),
        vcloud("Enabled", entity.enabled),
        vcloud("Units", "MB"),
        vcloud("Limit", entity.limit_mb),
        vcloud("Default", entity.default),
        vcloud("IopsSettings", vcloud("Enabled", False)),
        vcloud("StorageUsedMB", profile_used_mb(cloud, entity)),
        reference(context, "ProviderVdcStorageProfile", cloud.provider_profiles[entity.provider_profile_id])
        if admin
        else None,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity, admin=admin),
        type=entity.kind.media(admin),
    )


def ip_scope(pool: IpPool, *, inherited: bool) -> Element:
    ranges = [
        vcloud("IpRange", vcloud("StartAddress", str(first)), vcloud("EndAddress", str(last)))
        for first, last in pool.ranges
    ]
    return vcloud(
        "IpScope",
        vcloud("IsInherited", inherited),
        vcloud("Gateway", pool.gateway),
        vcloud("Netmask", pool.netmask),
        vcloud("SubnetPrefixLength", pool.subnet.prefixlen),
        vcloud("Dns1", pool.dns1) if pool.dns1 else None,
        vcloud("Dns2", pool.dns2) if pool.dns2 else None,
        vcloud("DnsSuffix", pool.dns_suffix) if pool.dns_suffix else None,
        vcloud("IsEnabled", pool.enabled),
        vcloud("IpRanges", ranges) if ranges else None,
    )


def network(
    context: Context, entity: OrgVdcNetwork, *, admin: bool = False, tasks: list[Task] | None = None
) -> Element:
    cloud = context.cloud
    parent = cloud.external_networks.get(entity.parent_id)
    owner = cloud.vdcs[entity.vdc_id]
    path = entity.kind.href_path(entity.id)
    admin_path = entity.kind.href_path(entity.id, True)
    edits = _makes_networks(context)
    up = admin and context.access.has("General: Administrator View")
    return vcloud(
        "OrgVdcNetwork",
        link(context, "up", owner.kind.href_path(owner.id, up), owner.kind.media(up)),
        link(context, "down", f"{admin_path if admin else path}/metadata", METADATA),
        link(context, "down", f"{path}/allocatedAddresses/", ALLOCATED_ADDRESSES),
        link(context, "edit", admin_path, ORG_VDC_NETWORK) if edits else None,
        link(context, "remove", admin_path) if edits else None,
        tasks_element(context, running_tasks(context, entity.id) if tasks is None else tasks),
        vcloud("Description", entity.description),
        vcloud(
            "Configuration",
            vcloud("IpScopes", ip_scope(entity.pool, inherited=parent is not None and parent.pool is entity.pool)),
            reference(context, "ParentNetwork", parent) if parent is not None and context.access.is_sysadmin else None,
            vcloud("FenceMode", entity.fence_mode),
            vcloud("RetainNetInfoAcrossDeployments", False),
        ),
        vcloud("IsShared", entity.shared),
        status=1 if entity.ready else 0,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity, admin=admin),
        type=ORG_VDC_NETWORK,
    )


def allocated_addresses(context: Context, pool: IpPool, href: str) -> Element:
    """Who has which address of a network."""
    entries = []
    for address, holder in pool.used.items():
        vm = context.cloud.vms.get(holder)
        owner = context.cloud.vapps.get(vm.vapp_id) if vm is not None else None
        visible = vm is not None and owner is not None and context.access.sees_vapp(owner)
        entries.append(
            vcloud(
                "IpAddress",
                link(context, "down", vm.kind.href_path(vm.id), vm.kind.media_type, name=vm.name)
                if vm is not None and visible
                else None,
                vcloud("IpAddress", address),
                allocationType="vmAllocated",
                isDeployed=vm.deployed if vm is not None else False,
            )
        )
    return vcloud("AllocatedIpAddresses", entries, href=context.url(href), type=ALLOCATED_ADDRESSES)
