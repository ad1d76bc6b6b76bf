"""Records of what the provider has: vCenters and what is in them, provider VDCs, external networks."""

from vcd_simulator.model.infrastructure import (
    Datastore,
    ExternalNetwork,
    Host,
    NetworkPool,
    PortGroup,
    ProviderStorageProfile,
    ProviderVdc,
    ResourcePool,
    VimServer,
)
from vcd_simulator.model.kinds import EXTERNAL_NETWORK, PROVIDER_VDC, VIM_SERVER
from vcd_simulator.query.record_types.attributes import VCENTER, pointer
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_VIM_SERVERS = RecordType[VimServer](
    name="virtualCenter",
    tag="VirtualCenterRecord",
    table=lambda cloud: cloud.vim_servers,
    attributes={
        "name": lambda cloud, server: server.name,
        "url": lambda cloud, server: server.url,
        "userName": lambda cloud, server: server.username,
        "isEnabled": lambda cloud, server: server.enabled,
        "isBusy": lambda cloud, server: False,
        "isSupported": lambda cloud, server: True,
        "listenerState": lambda cloud, server: "CONNECTED" if server.connected else "DISCONNECTED",
        "status": lambda cloud, server: "READY",
    },
    admin=True,
)
_PROVIDER_VDCS = RecordType[ProviderVdc](
    name="providerVdc",
    tag="VMWProviderVdcRecord",
    table=lambda cloud: cloud.provider_vdcs,
    attributes={
        "name": lambda cloud, pvdc: pvdc.name,
        "isEnabled": lambda cloud, pvdc: pvdc.enabled,
        "isBusy": lambda cloud, pvdc: cloud.tasks.is_busy(pvdc.id),
        "status": lambda cloud, pvdc: "READY" if pvdc.ready else "NOT_READY",
        "vcName": lambda cloud, pvdc: cloud.vim_servers[pvdc.vim_server_id].name,
        "numberOfResourcePools": lambda cloud, pvdc: cloud.resource_pools.count("pvdc", pvdc.id),
        "numberOfVdcs": lambda cloud, pvdc: cloud.vdcs.count("pvdc", pvdc.id),
        "numberOfStorageProfiles": lambda cloud, pvdc: cloud.provider_profiles.count("pvdc", pvdc.id),
        "vcenter": lambda cloud, pvdc: Pointer(VIM_SERVER, pvdc.vim_server_id),
    },
    admin=True,
    has_metadata=True,
)
_PROVIDER_PROFILES = RecordType[ProviderStorageProfile](
    name="providerVdcStorageProfile",
    tag="ProviderVdcStorageProfileRecord",
    table=lambda cloud: cloud.provider_profiles,
    attributes={
        "name": lambda cloud, profile: profile.name,
        "providerVdc": lambda cloud, profile: Pointer(PROVIDER_VDC, profile.provider_vdc_id),
        "isEnabled": lambda cloud, profile: profile.enabled,
        "storageTotalMB": lambda cloud, profile: profile.capacity_mb,
    },
    admin=True,
    indexes={"providerVdc": Index("pvdc", PROVIDER_VDC)},
)
_RESOURCE_POOLS = RecordType[ResourcePool](
    name="resourcePool",
    tag="ResourcePoolRecord",
    table=lambda cloud: cloud.resource_pools,
    attributes={
        "name": lambda cloud, pool: pool.name,
        "moref": lambda cloud, pool: pool.moref,
        "isDeleted": lambda cloud, pool: False,
        "isEnabled": lambda cloud, pool: pool.enabled,
        "isPrimary": lambda cloud, pool: pool.primary,
        **VCENTER,
        "providerVdc": lambda cloud, pool: pointer(PROVIDER_VDC, pool.provider_vdc_id),
        "providerName": lambda cloud, pool: (
            cloud.provider_vdcs[pool.provider_vdc_id].name if pool.provider_vdc_id else None
        ),
    },
    admin=True,
    indexes={"vc": Index("server", VIM_SERVER), "providerVdc": Index("pvdc", PROVIDER_VDC)},
)
_PORT_GROUPS = RecordType[PortGroup](
    name="portgroup",
    tag="PortgroupRecord",
    table=lambda cloud: cloud.port_groups,
    attributes={
        "name": lambda cloud, group: group.name,
        "moref": lambda cloud, group: group.moref,
        "portgroupType": lambda cloud, group: group.type,
        **VCENTER,
        "network": lambda cloud, group: pointer(EXTERNAL_NETWORK, group.external_network_id),
        "networkName": lambda cloud, group: (
            cloud.external_networks[group.external_network_id].name if group.external_network_id else "--"
        ),
    },
    admin=True,
    indexes={"vc": Index("server", VIM_SERVER)},
)
_DATASTORES = RecordType[Datastore](
    name="datastore",
    tag="DatastoreRecord",
    table=lambda cloud: cloud.datastores,
    attributes={
        "name": lambda cloud, datastore: datastore.name,
        "datastoreType": lambda cloud, datastore: "VMFS",
        "isDeleted": lambda cloud, datastore: False,
        "isEnabled": lambda cloud, datastore: datastore.enabled,
        "moref": lambda cloud, datastore: datastore.moref,
        "storageMB": lambda cloud, datastore: datastore.capacity_mb,
        **VCENTER,
    },
    admin=True,
    indexes={"vc": Index("server", VIM_SERVER)},
)
_HOSTS = RecordType[Host](
    name="host",
    tag="HostRecord",
    table=lambda cloud: cloud.hosts,
    attributes={
        "name": lambda cloud, host: host.name,
        "isBusy": lambda cloud, host: cloud.tasks.is_busy(host.id),
        "isDeleted": lambda cloud, host: False,
        "isEnabled": lambda cloud, host: host.enabled,
        "isPrepared": lambda cloud, host: True,
        "isSupported": lambda cloud, host: True,
        "state": lambda cloud, host: 1,
        **VCENTER,
    },
    admin=True,
    indexes={"vc": Index("server", VIM_SERVER)},
)
_NETWORK_POOLS = RecordType[NetworkPool](
    name="networkPool",
    tag="NetworkPoolRecord",
    table=lambda cloud: cloud.network_pools,
    attributes={
        "name": lambda cloud, pool: pool.name,
        "isBusy": lambda cloud, pool: False,
        "networkPoolType": lambda cloud, pool: 0,
    },
    admin=True,
)
_EXTERNAL_NETWORKS = RecordType[ExternalNetwork](
    name="externalNetwork",
    tag="NetworkRecord",
    table=lambda cloud: cloud.external_networks,
    attributes={
        "name": lambda cloud, network: network.name,
        "gateway": lambda cloud, network: network.pool.gateway,
        "netmask": lambda cloud, network: network.pool.netmask,
        "dns1": lambda cloud, network: network.pool.dns1,
        "dns2": lambda cloud, network: network.pool.dns2,
        "dnsSuffix": lambda cloud, network: network.pool.dns_suffix,
        "isBusy": lambda cloud, network: False,
    },
    admin=True,
)

TYPES = (
    _VIM_SERVERS,
    _PROVIDER_VDCS,
    _PROVIDER_PROFILES,
    _RESOURCE_POOLS,
    _PORT_GROUPS,
    _DATASTORES,
    _HOSTS,
    _NETWORK_POOLS,
    _EXTERNAL_NETWORKS,
)
