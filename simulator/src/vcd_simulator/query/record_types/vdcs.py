"""Records of org VDCs, their storage profiles and their networks."""

from dataclasses import replace

from vcd_simulator.access import Access
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import ORG, PROVIDER_VDC, VDC
from vcd_simulator.query.record_types.attributes import org_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_VDCS = RecordType[Vdc](
    name="orgVdc",
    tag="OrgVdcRecord",
    table=lambda cloud: cloud.vdcs,
    visible=Access.sees_vdc,
    attributes={
        "name": lambda cloud, vdc: vdc.name,
        "description": lambda cloud, vdc: vdc.description,
        "org": lambda cloud, vdc: Pointer(ORG, vdc.org_id),
        "orgName": lambda cloud, vdc: org_name(cloud, vdc.org_id),
        "isEnabled": lambda cloud, vdc: vdc.enabled,
        "isBusy": lambda cloud, vdc: cloud.tasks.is_busy(vdc.id),
        "isSystemVdc": lambda cloud, vdc: False,
        "status": lambda cloud, vdc: "READY" if vdc.ready else "CREATION_NOT_COMPLETE",
        "allocationModel": lambda cloud, vdc: vdc.allocation_model,
        "cpuAllocationMhz": lambda cloud, vdc: vdc.cpu.allocated,
        "cpuLimitMhz": lambda cloud, vdc: vdc.cpu.limit,
        "memoryAllocationMB": lambda cloud, vdc: vdc.memory.allocated,
        "memoryLimitMB": lambda cloud, vdc: vdc.memory.limit,
        "numberOfVApps": lambda cloud, vdc: cloud.vapps.count("vdc", vdc.id),
        "numberOfVAppTemplates": lambda cloud, vdc: cloud.templates.count("vdc", vdc.id),
        "numberOfStorageProfiles": lambda cloud, vdc: cloud.profiles.count("vdc", vdc.id),
        "numberOfMedia": lambda cloud, vdc: 0,
        "numberOfDisks": lambda cloud, vdc: 0,
    },
    indexes={"org": Index("org", ORG)},
    has_metadata=True,
)
_ADMIN_VDCS = _VDCS.for_administrators(
    "adminOrgVdc",
    "AdminVdcRecord",
    attributes={
        "providerVdc": lambda cloud, vdc: Pointer(PROVIDER_VDC, vdc.provider_vdc_id),
        "providerVdcName": lambda cloud, vdc: cloud.provider_vdcs[vdc.provider_vdc_id].name,
    },
    indexes={"providerVdc": Index("pvdc", PROVIDER_VDC)},
)
_PROFILES = RecordType[StorageProfile](
    name="orgVdcStorageProfile",
    tag="OrgVdcStorageProfileRecord",
    table=lambda cloud: cloud.profiles,
    visible=Access.sees_profile,
    attributes={
        "name": lambda cloud, profile: profile.name,
        "vdc": lambda cloud, profile: Pointer(VDC, profile.vdc_id),
        "vdcName": lambda cloud, profile: cloud.vdcs[profile.vdc_id].name,
        "isEnabled": lambda cloud, profile: profile.enabled,
        "isDefaultStorageProfile": lambda cloud, profile: profile.default,
        "isVdcBusy": lambda cloud, profile: cloud.tasks.is_busy(profile.vdc_id),
        "storageLimitMB": lambda cloud, profile: profile.limit_mb,
    },
    indexes={"vdc": Index("vdc", VDC)},
)

_LINK_TYPES = {"bridged": 0, "natRouted": 1, "isolated": 2}
_ORG_VDC_NETWORKS = RecordType[OrgVdcNetwork](
    name="orgVdcNetwork",
    tag="OrgVdcNetworkRecord",
    table=lambda cloud: cloud.networks,
    visible=Access.sees_network,
    attributes={
        "name": lambda cloud, network: network.name,
        "description": lambda cloud, network: network.description,
        "org": lambda cloud, network: Pointer(ORG, network.org_id),
        "vdc": lambda cloud, network: Pointer(VDC, network.vdc_id),
        "vdcName": lambda cloud, network: cloud.vdcs[network.vdc_id].name,
        "linkType": lambda cloud, network: _LINK_TYPES[network.fence_mode],
        "connectedTo": lambda cloud, network: (
            cloud.external_networks[network.parent_id].name if network.parent_id else None
        ),
        "defaultGateway": lambda cloud, network: network.pool.gateway,
        "netmask": lambda cloud, network: network.pool.netmask,
        "dns1": lambda cloud, network: network.pool.dns1,
        "dns2": lambda cloud, network: network.pool.dns2,
        "dnsSuffix": lambda cloud, network: network.pool.dns_suffix,
        "isShared": lambda cloud, network: network.shared,
        "isBusy": lambda cloud, network: cloud.tasks.is_busy(network.id),
        "isIpScopeInherited": lambda cloud, network: network.fence_mode == "bridged",
        "status": lambda cloud, network: "READY" if network.ready else "NOT_READY",
    },
    admin_href=True,
    indexes={"vdc": Index("vdc", VDC), "org": Index("org", ORG)},
    has_metadata=True,
)
_ORG_NETWORKS = replace(
    _ORG_VDC_NETWORKS,
    name="orgNetwork",
    tag="OrgNetworkRecord",
    attributes={**_ORG_VDC_NETWORKS.attributes, "gateway": lambda cloud, network: network.pool.gateway},
    admin_href=False,
)
"""Queries for networks of organisations are older than VDCs with networks of their own."""

TYPES = (
    _VDCS,
    _ADMIN_VDCS,
    _PROFILES,
    _PROFILES.for_administrators("adminOrgVdcStorageProfile", "AdminOrgVdcStorageProfileRecord"),
    _ORG_VDC_NETWORKS,
    _ORG_NETWORKS,
    _ORG_NETWORKS.for_administrators("adminOrgNetwork", "AdminOrgNetworkRecord"),
)
