"""Networks of org VDCs, their subnets, and who has which address."""

from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.datacenter import OrgVdcNetwork
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.model.task import Task
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import METADATA, link, reference, running_tasks, tasks_element
from vcd_simulator.rest.xml import Element, vcloud

ORG_VDC_NETWORK = VCLOUD + "orgVdcNetwork+xml"
ALLOCATED_ADDRESSES = VCLOUD + "allocatedNetworkAddress+xml"


def makes_networks(context: Context) -> bool:
    """Whether the caller may make networks in the VDCs that he sees, and change them."""
    return context.access.is_sysadmin or context.access.has("Organization vDC Network: Edit Properties")


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
    edits = makes_networks(context)
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
