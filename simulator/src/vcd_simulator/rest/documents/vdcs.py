"""Org VDCs and their storage profiles."""

from xml.sax.saxutils import quoteattr

from vcd_simulator.model.compute import Vapp, VappTemplate
from vcd_simulator.model.datacenter import Capacity, OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import ADMIN, VCLOUD
from vcd_simulator.operations import policies, quotas
from vcd_simulator.operations.blank import OLDEST_HARDWARE_VERSION
from vcd_simulator.operations.quotas import profile_used_mb
from vcd_simulator.operations.settings import LATEST_HARDWARE_VERSION
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import (
    CONTROL_ACCESS,
    METADATA,
    link,
    reference,
    running_tasks,
    tasks_element,
)
from vcd_simulator.rest.documents.networks import ORG_VDC_NETWORK, makes_networks
from vcd_simulator.rest.vm_policies import POLICIES_SINCE, policy_reference
from vcd_simulator.rest.xml import Builder, Element, embed, vcloud, vmext, xml_text

COMPUTE_POLICIES = VCLOUD + "vdcComputePolicyReferences+xml"


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
        capabilities(),
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
        _of_new_vms(context, entity) if context.since_33 else None,
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


def _of_new_vms(context: Context, entity: Vdc) -> list[Element]:
    """What holds for VMs that are made in a VDC and say nothing else."""
    policy = policies.default_of(context.cloud, entity)
    return [policy_reference(context, "DefaultComputePolicy", policy), vcloud("VCpuInMhz2", entity.vcpu_mhz)]


def capabilities(build: Builder = vcloud) -> Element:
    """The versions of virtual hardware that VMs may have."""
    versions = range(OLDEST_HARDWARE_VERSION, LATEST_HARDWARE_VERSION + 1)
    supported = [build("SupportedHardwareVersion", f"vmx-{one:02d}") for one in versions]
    return build("Capabilities", build("SupportedHardwareVersions", supported))


def _backing(context: Context, entity: Vdc) -> Element:
    """The resource pool in vCenter that the VDC is; for system administrators."""
    cloud = context.cloud
    pvdc = cloud.provider_vdcs[entity.provider_vdc_id]
    return vcloud(
        "VCloudExtension",
        vmext(
            "VimObjectRef",
            reference(context, "VimServerRef", cloud.vim_servers[pvdc.vim_server_id], with_id=True, build=vmext),
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
        link(context, "add", f"{admin_path}/networks", ORG_VDC_NETWORK) if makes_networks(context) else None,
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
