"""vApps."""

from urllib.parse import quote

from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Status, Vapp, VappNetwork
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.model.task import Task
from vcd_simulator.model.transfer import DESCRIPTOR
from vcd_simulator.operations.connections import NO_NETWORK, pool_of
from vcd_simulator.operations.status import status_of
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import (
    CONTROL_ACCESS,
    METADATA,
    OWNER,
    created,
    link,
    owner_element,
    reference,
    running_tasks,
    tasks_element,
)
from vcd_simulator.rest.documents.networks import ALLOCATED_ADDRESSES, ip_scope
from vcd_simulator.rest.documents.products import PRODUCT_SECTIONS
from vcd_simulator.rest.documents.vms import lease_section, power_links, vms
from vcd_simulator.rest.xml import OVF_NS, VCLOUD_NS, Element, document, ovf, qualified, vcloud

NETWORK_CONFIG = VCLOUD + "networkConfigSection+xml"
STARTUP = VCLOUD + "startupSection+xml"
_NOWHERE = VappNetwork(
    id="",
    name=NO_NETWORK,
    fence_mode="isolated",
    pool=IpPool(gateway="196.254.254.254", netmask="255.255.0.0", dns1="196.254.254.254"),
    description="This is a special place-holder used for disconnected network interfaces.",
)
"""What vCloud Director shows as the network of a connection without one."""


def vapp(context: Context, entity: Vapp, *, tasks: list[Task] | None = None) -> Element:
    """A vApp with everything in it.

    `tasks` are shown instead of the ones that run, for answers to requests that made them.
    """
    cloud = context.cloud
    edits = context.access.may_change_vapp(entity)
    status = status_of(cloud, entity)
    settles = edits_properties(context, entity)
    path = entity.kind.href_path(entity.id)
    children = vms(context, cloud.vms_of(entity), entity)
    return document(
        "VApp",
        _links(context, entity, status, edits),
        vcloud("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id) if tasks is None else tasks),
        lease_section(context, path, entity, edits=settles),
        startup_section(context, entity, edits=settles),
        _network_section(context, entity),
        network_config_section(context, entity, edits=edits_networks(context, entity)),
        created(entity.created),
        owner_element(context, entity.owner_id),
        vcloud("InMaintenanceMode", entity.in_maintenance),
        vcloud("Children", children) if children else None,
        ovfDescriptorUploaded=True,
        deployed=entity.deployed,
        status=status.value,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def edits_properties(context: Context, entity: Vapp) -> bool:
    """Whether the caller may change what a vApp is called, and when it starts and ends."""
    return _may(context, entity, "vApp: Edit Properties")


def edits_networks(context: Context, entity: Vapp) -> bool:
    """Whether the caller may change the networks of a vApp."""
    return _may(context, entity, "vApp: Create / Reconfigure")


def _may(context: Context, entity: Vapp, right: str) -> bool:
    access = context.access
    return entity.transient is None and access.may_change_vapp(entity) and access.has(right)


def _links(context: Context, entity: Vapp, status: Status, edits: bool) -> list[Element | None]:
    path = entity.kind.href_path(entity.id)
    access = context.access
    vdc = context.cloud.vdcs[entity.vdc_id]
    settled = status not in (Status.UNRESOLVED, Status.FAILED_CREATION)
    powers = edits and access.has("vApp: Power Operations")
    recomposes = edits and settled and access.has("vApp: Create / Reconfigure")
    deletes = edits and access.has("vApp: Delete") and not entity.deployed and status is not Status.UNRESOLVED
    shares = access.controls_vapp(entity) and access.has("vApp: Sharing")
    maintenance = "exitMaintenanceMode" if entity.in_maintenance else "enterMaintenanceMode"
    return [
        *(power_links(context, entity, status, deployed=entity.deployed, starts=vdc.enabled) if powers else []),
        link(context, "up", vdc.kind.href_path(vdc.id), vdc.kind.media_type),
        link(context, "edit", path, entity.kind.media_type) if edits_properties(context, entity) else None,
        link(context, "down", f"{path}/owner", OWNER),
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "down", f"{path}/controlAccess/", CONTROL_ACCESS) if access.has("vApp: View ACL") else None,
        link(context, "controlAccess", f"{path}/action/controlAccess", CONTROL_ACCESS) if shares else None,
        link(context, "recompose", f"{path}/action/recomposeVApp", VCLOUD + "recomposeVAppParams+xml")
        if recomposes
        else None,
        link(context, "down", f"{path}/productSections/", PRODUCT_SECTIONS),
        *(
            link(context, "down", one.kind.href_path(one.id), one.kind.media_type, name=one.name)
            for one in entity.networks.values()
        ),
        link(context, maintenance, f"{path}/action/{maintenance}")
        if settled and access.has("vApp: Enter/Exit Maintenance Mode")
        else None,
        *(_download_links(context, entity) if edits and settled and access.has("vApp: Download") else []),
        link(context, "remove", path) if deletes else None,
    ]


def _download_links(context: Context, entity: Vapp) -> list[Element]:
    """How to have a package made of a vApp, and where the one is that has been made."""
    path = entity.kind.href_path(entity.id)
    links = [link(context, "enable", f"{path}/action/enableDownload")] if not entity.deployed else []
    for download in context.cloud.downloads.find("vapp", entity.id):
        place = f"/transfer/{download.id}"
        links += [
            link(context, "disable", f"{path}/action/disableDownload"),
            link(context, "download:default", f"{place}/{DESCRIPTOR}", "text/xml"),
            link(context, "download:ovaDefault", f"{place}/{quote(entity.name, safe='')}.ova", "application/binary"),
        ]
    return links


def startup_section(context: Context, entity: Vapp, *, edits: bool) -> Element:
    path = f"{entity.kind.href_path(entity.id)}/startupSection/"
    items = [
        ovf(
            "Item",
            qualified(
                OVF_NS,
                id=one.name,
                order=one.startup.order,
                startAction=one.startup.start_action,
                startDelay=one.startup.start_delay_s,
                stopAction=one.startup.stop_action,
                stopDelay=one.startup.stop_delay_s,
            ),
        )
        for one in context.cloud.vms_of(entity)
    ]
    return ovf(
        "StartupSection",
        qualified(VCLOUD_NS, type=STARTUP, href=context.url(path)),
        ovf("Info", "VApp startup section"),
        items,
        link(context, "edit", path, STARTUP) if edits else None,
    )


def _network_section(context: Context, entity: Vapp) -> Element:
    networks = [
        ovf("Network", ovf("Description", network.description), qualified(OVF_NS, name=network.name))
        for network in _networks(context, entity)
    ]
    return ovf("NetworkSection", ovf("Info", "The list of logical networks"), networks)


def _networks(context: Context, entity: Vapp) -> list[VappNetwork]:
    """The networks of a vApp; with connections of its VMs that lead nowhere, also the one that stands for that."""
    unplugged = any(nic.network == NO_NETWORK for vm in context.cloud.vms_of(entity) for nic in vm.nics)
    return [*entity.networks.values(), *([_NOWHERE] if unplugged else [])]


def network_config_section(context: Context, entity: Vapp, *, edits: bool) -> Element:
    path = f"{entity.kind.href_path(entity.id)}/networkConfigSection/"
    return vcloud(
        "NetworkConfigSection",
        ovf("Info", "The configuration parameters for logical networks"),
        link(context, "edit", path, NETWORK_CONFIG) if edits else None,
        [_network_config(context, entity, network, edits=edits) for network in _networks(context, entity)],
        qualified(OVF_NS, required=False),
        type=NETWORK_CONFIG,
        href=context.url(path),
    )


def _network_config(context: Context, entity: Vapp, network: VappNetwork, *, edits: bool) -> Element:
    return vcloud(
        "NetworkConfig",
        _repair_link(context, network) if edits and network is not _NOWHERE else None,
        vcloud("Description", network.description),
        _configuration(context, network),
        vcloud("IsDeployed", entity.deployed and network is not _NOWHERE),
        networkName=network.name,
    )


def _configuration(context: Context, network: VappNetwork) -> Element:
    parent = context.cloud.networks.get(network.parent_id)
    pool = pool_of(context.cloud, network)
    return vcloud(
        "Configuration",
        vcloud("IpScopes", ip_scope(pool, inherited=parent is not None)) if pool is not None else None,
        reference(context, "ParentNetwork", parent, with_id=True) if parent is not None else None,
        vcloud("FenceMode", network.fence_mode),
        vcloud("RetainNetInfoAcrossDeployments", False),
    )


def _repair_link(context: Context, network: VappNetwork) -> Element:
    """Resets a network. Clients that send a section back tell by this link which network they mean."""
    return link(context, "repair", f"{network.kind.href_path(network.id, admin=True)}/action/reset")


def vapp_network(context: Context, entity: Vapp, network: VappNetwork) -> Element:
    """A network of a vApp, by itself."""
    path, edits = network.kind.href_path(network.id), edits_networks(context, entity)
    return vcloud(
        "VAppNetwork",
        _repair_link(context, network) if edits else None,
        link(context, "edit", path, network.kind.media_type) if edits else None,
        link(context, "up", entity.kind.href_path(entity.id), entity.kind.media_type),
        link(context, "down", f"{path}/allocatedAddresses", ALLOCATED_ADDRESSES),
        vcloud("Description", network.description),
        _configuration(context, network),
        deployed=entity.deployed,
        name=network.name,
        id=context.urn(network),
        href=context.url(path),
        type=network.kind.media_type,
    )


def addresses_in(context: Context, entity: Vapp, network: VappNetwork) -> Element:
    """Who of a vApp has which address of one of its networks."""
    entries = [
        vcloud(
            "IpAddress",
            link(context, "down", vm.kind.href_path(vm.id), vm.kind.media_type, name=vm.name),
            vcloud("IpAddress", nic.ip_address),
            allocationType="vmAllocated",
            isDeployed=vm.deployed,
        )
        for vm in context.cloud.vms_of(entity)
        for nic in vm.nics
        if nic.network == network.name and nic.ip_address is not None
    ]
    path = f"{network.kind.href_path(network.id)}/allocatedAddresses"
    return vcloud("AllocatedIpAddresses", entries, href=context.url(path), type=ALLOCATED_ADDRESSES)
