"""Records of what the provider has: vCenters, provider VDCs, networks, extension services."""

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
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
from vcd_simulator.model.services import SERVICE, ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.query.types import RecordType
from vcd_simulator.query.values import Pointer


def _administrators(access: Access, _entity: object) -> bool:
    return access.is_sysadmin


_VIM_SERVERS = RecordType[VimServer](
    name="virtualCenter",
    tag="VirtualCenterRecord",
    table=lambda cloud: cloud.vim_servers,
    visible=_administrators,
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
    visible=_administrators,
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
    visible=_administrators,
    attributes={
        "name": lambda cloud, profile: profile.name,
        "providerVdc": lambda cloud, profile: Pointer(PROVIDER_VDC, profile.provider_vdc_id),
        "isEnabled": lambda cloud, profile: profile.enabled,
        "storageTotalMB": lambda cloud, profile: profile.capacity_mb,
    },
    admin=True,
    indexes={"providerVdc": "pvdc"},
    references={"providerVdc": PROVIDER_VDC},
)
_RESOURCE_POOLS = RecordType[ResourcePool](
    name="resourcePool",
    tag="ResourcePoolRecord",
    table=lambda cloud: cloud.resource_pools,
    visible=_administrators,
    attributes={
        "name": lambda cloud, pool: pool.name,
        "moref": lambda cloud, pool: pool.moref,
        "isDeleted": lambda cloud, pool: False,
        "isEnabled": lambda cloud, pool: pool.enabled,
        "isPrimary": lambda cloud, pool: pool.primary,
        "vc": lambda cloud, pool: Pointer(VIM_SERVER, pool.vim_server_id),
        "vcName": lambda cloud, pool: cloud.vim_servers[pool.vim_server_id].name,
        "providerVdc": lambda cloud, pool: (
            Pointer(PROVIDER_VDC, pool.provider_vdc_id) if pool.provider_vdc_id else None
        ),
        "providerName": lambda cloud, pool: (
            cloud.provider_vdcs[pool.provider_vdc_id].name if pool.provider_vdc_id else None
        ),
    },
    admin=True,
    indexes={"vc": "server", "providerVdc": "pvdc"},
    references={"vc": VIM_SERVER, "providerVdc": PROVIDER_VDC},
)
_PORT_GROUPS = RecordType[PortGroup](
    name="portgroup",
    tag="PortgroupRecord",
    table=lambda cloud: cloud.port_groups,
    visible=_administrators,
    attributes={
        "name": lambda cloud, group: group.name,
        "moref": lambda cloud, group: group.moref,
        "portgroupType": lambda cloud, group: group.type,
        "vc": lambda cloud, group: Pointer(VIM_SERVER, group.vim_server_id),
        "vcName": lambda cloud, group: cloud.vim_servers[group.vim_server_id].name,
        "network": lambda cloud, group: (
            Pointer(EXTERNAL_NETWORK, group.external_network_id) if group.external_network_id else None
        ),
        "networkName": lambda cloud, group: (
            cloud.external_networks[group.external_network_id].name if group.external_network_id else "--"
        ),
    },
    admin=True,
    indexes={"vc": "server"},
    references={"vc": VIM_SERVER},
)
_DATASTORES = RecordType[Datastore](
    name="datastore",
    tag="DatastoreRecord",
    table=lambda cloud: cloud.datastores,
    visible=_administrators,
    attributes={
        "name": lambda cloud, datastore: datastore.name,
        "datastoreType": lambda cloud, datastore: "VMFS",
        "isDeleted": lambda cloud, datastore: False,
        "isEnabled": lambda cloud, datastore: datastore.enabled,
        "moref": lambda cloud, datastore: datastore.moref,
        "storageMB": lambda cloud, datastore: datastore.capacity_mb,
        "vc": lambda cloud, datastore: Pointer(VIM_SERVER, datastore.vim_server_id),
        "vcName": lambda cloud, datastore: cloud.vim_servers[datastore.vim_server_id].name,
    },
    admin=True,
    indexes={"vc": "server"},
    references={"vc": VIM_SERVER},
)
_HOSTS = RecordType[Host](
    name="host",
    tag="HostRecord",
    table=lambda cloud: cloud.hosts,
    visible=_administrators,
    attributes={
        "name": lambda cloud, host: host.name,
        "isBusy": lambda cloud, host: cloud.tasks.is_busy(host.id),
        "isDeleted": lambda cloud, host: False,
        "isEnabled": lambda cloud, host: host.enabled,
        "isPrepared": lambda cloud, host: True,
        "isSupported": lambda cloud, host: True,
        "state": lambda cloud, host: 1,
        "vc": lambda cloud, host: Pointer(VIM_SERVER, host.vim_server_id),
        "vcName": lambda cloud, host: cloud.vim_servers[host.vim_server_id].name,
    },
    admin=True,
    indexes={"vc": "server"},
    references={"vc": VIM_SERVER},
)
_NETWORK_POOLS = RecordType[NetworkPool](
    name="networkPool",
    tag="NetworkPoolRecord",
    table=lambda cloud: cloud.network_pools,
    visible=_administrators,
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
    visible=_administrators,
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


def _pattern(_cloud: Cloud, one: ApiFilter) -> str | None:
    return None if one.url_pattern is None else one.url_pattern.text


_SERVICES = RecordType[ExtensionService](
    name="adminService",
    tag="AdminServiceRecord",
    table=lambda cloud: cloud.services,
    visible=_administrators,
    attributes={
        "name": lambda cloud, service: service.name,
        "namespace": lambda cloud, service: service.namespace,
        "enabled": lambda cloud, service: service.enabled,
        "exchange": lambda cloud, service: service.exchange,
        "routingKey": lambda cloud, service: service.routing_key,
        "priority": lambda cloud, service: service.priority,
        "isAuthorizationEnabled": lambda cloud, service: service.authorization_enabled,
        "vendor": lambda cloud, service: service.vendor or None,
        "description": lambda cloud, service: service.description or None,
    },
    admin=True,
    indexes={"name": "name", "namespace": "namespace"},
)
_API_FILTERS = RecordType[ApiFilter](
    name="apiFilter",
    tag="ApiFilterRecord",
    table=lambda cloud: cloud.api_filters,
    visible=_administrators,
    attributes={
        "service": lambda cloud, one: Pointer(SERVICE, one.service_id),
        "urlPattern": _pattern,
        "responseContentType": lambda cloud, one: one.response_content_type,
    },
    admin=True,
    indexes={"service": "service"},
    references={"service": SERVICE},
)
_SERVICE_LINKS = RecordType[ServiceLink](
    name="serviceLink",
    tag="ServiceLinkRecord",
    table=lambda cloud: cloud.service_links,
    visible=_administrators,
    attributes={
        "service": lambda cloud, link: Pointer(SERVICE, link.service_id),
        "linkHref": lambda cloud, link: link.href,
        "mimeType": lambda cloud, link: link.mime_type,
        "rel": lambda cloud, link: link.rel,
        "resourceType": lambda cloud, link: link.resource_type,
        "resourceId": lambda cloud, link: link.resource_id,
    },
    admin=True,
    indexes={"service": "service"},
    references={"service": SERVICE},
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
    _SERVICES,
    _API_FILTERS,
    _SERVICE_LINKS,
)
