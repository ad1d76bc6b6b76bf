"""Records of org VDCs, their storage profiles and their networks."""

from dataclasses import replace

from vcd_simulator.access import Access
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import NETWORK_POOL, ORG, PROVIDER_VDC, VDC
from vcd_simulator.operations.quotas import profile_used_mb
from vcd_simulator.query.record_types.attributes import org_name, pointer
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer


def _used_mb(cloud: Cloud, profile: StorageProfile) -> int:
    """What its disks take. Looked up once for as long as nothing changes: there may be very many."""
    return cloud.lock.derived(("use of a storage profile", profile.id), lambda: profile_used_mb(cloud, profile))


def _storage_limit_mb(cloud: Cloud, vdc: Vdc) -> int:
    """What the storage profiles of a VDC may take together; 0: any amount, as one of them may."""
    limits = [one.limit_mb for one in cloud.profiles.find("vdc", vdc.id)]
    return sum(limits) if all(limits) else 0


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
        "numberOfVMs": lambda cloud, vdc: sum(len(vapp.vm_ids) for vapp in cloud.vapps.find("vdc", vdc.id)),
        "storageLimitMB": _storage_limit_mb,
        "isThinProvisioned": lambda cloud, vdc: vdc.thin_provision,
        "isFastProvisioned": lambda cloud, vdc: vdc.fast_provisioning,
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
        "networkPool": lambda cloud, vdc: pointer(NETWORK_POOL, vdc.network_pool_id),
        "numberOfResourcePools": lambda cloud, vdc: 1,
        "usedNetworksInVdc": lambda cloud, vdc: cloud.networks.count("vdc", vdc.id),
        "vcName": lambda cloud, vdc: cloud.vim_servers[cloud.provider_vdcs[vdc.provider_vdc_id].vim_server_id].name,
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
        "storageUsedMB": _used_mb,
    },
    indexes={"vdc": Index("vdc", VDC)},
)


def _addresses(pool: IpPool) -> int:
    """How many there are in its ranges."""
    return sum(int(last) - int(first) + 1 for first, last in pool.ranges)


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
        "subnetPrefixLength": lambda cloud, network: network.pool.subnet.prefixlen,
        "totalIpCount": lambda cloud, network: _addresses(network.pool),
        "usedIpCount": lambda cloud, network: network.pool.used_count,
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
    _PROFILES.for_administrators(
        "adminOrgVdcStorageProfile",
        "AdminOrgVdcStorageProfileRecord",
        attributes={"org": lambda cloud, profile: Pointer(ORG, cloud.vdcs[profile.vdc_id].org_id)},
    ),
    _ORG_VDC_NETWORKS,
    _ORG_NETWORKS,
    _ORG_NETWORKS.for_administrators("adminOrgNetwork", "AdminOrgNetworkRecord"),
)
