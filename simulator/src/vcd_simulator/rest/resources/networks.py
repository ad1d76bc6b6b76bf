"""Networks of org VDCs: direct and isolated ones."""

from vcd_simulator import errors
from vcd_simulator.operations import datacenter, networks
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import networks as documents
from vcd_simulator.rest.documents.common import task_element
from vcd_simulator.rest.parsing import optional_flag, optional_text, referenced_id, require_root
from vcd_simulator.rest.requests.networks import ip_ranges, ip_scope
from vcd_simulator.rest.resources import vapp_networks
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, flag_of, text_of

router = Router()


@router.post("/api/admin/vdc/{vdc_id}/networks")
def create_network(context: Context, vdc_id: str) -> Reply:
    vdc = context.access.vdc_by_id(vdc_id)
    context.access.require("Organization vDC Network: Edit Properties")
    root = require_root(context.xml(), "OrgVdcNetwork", "OrgNetwork")
    spec = _network_spec(context, root)
    network, task = datacenter.create_network(context.cloud, context.session.user, vdc, spec)
    document = documents.network(context, network, admin=True, tasks=[task])
    return Reply(status=201, content=document, headers={"location": context.href(network, admin=True)})


def _network_spec(context: Context, root: Element) -> datacenter.NetworkSpec:
    configuration = child(root, "Configuration")
    fence_mode = text_of(configuration, "FenceMode")
    spec = datacenter.NetworkSpec(
        name=root.get("name") or "", description=text_of(root, "Description"), shared=flag_of(root, "IsShared")
    )
    if fence_mode == "bridged":
        context.access.require_provider("Provider Network: View")
        parent_id = referenced_id(child(configuration, "ParentNetwork"), "ParentNetwork")
        spec.parent = context.cloud.external_networks.get(parent_id)
        if spec.parent is None:
            raise errors.no_access("network", parent_id)
        return spec
    if fence_mode != "isolated":
        raise errors.not_allowed(
            f"A network with fence mode {fence_mode!r} is not possible here: there is no edge gateway."
        )
    scope = child(configuration, "IpScopes/IpScope")
    spec.gateway, spec.netmask = text_of(scope, "Gateway"), text_of(scope, "Netmask")
    spec.dns1, spec.dns2 = text_of(scope, "Dns1"), text_of(scope, "Dns2")
    spec.dns_suffix = text_of(scope, "DnsSuffix")
    spec.ranges = ip_ranges(scope)
    return spec


@router.get("/api/network/{network_id}")
def get_network(context: Context, network_id: str) -> Reply:
    of_vapp = vapp_networks.find_network(context, network_id)
    if of_vapp is not None:
        return vapp_networks.get_network(context, *of_vapp)
    return Reply(content=documents.network(context, context.access.network_by_id(network_id)))


@router.get("/api/admin/network/{network_id}")
def get_admin_network(context: Context, network_id: str) -> Reply:
    return Reply(content=documents.network(context, context.access.network_by_id(network_id), admin=True))


@router.get("/api/network/{network_id}/allocatedAddresses", "/api/admin/network/{network_id}/allocatedAddresses")
def get_allocated_addresses(context: Context, network_id: str) -> Reply:
    of_vapp = vapp_networks.find_network(context, network_id)
    if of_vapp is not None:
        return vapp_networks.get_allocated_addresses(context, *of_vapp)
    network = context.access.network_by_id(network_id)
    return Reply(content=documents.allocated_addresses(context, network.pool, context.raw_path))


@router.put("/api/admin/network/{network_id}", "/api/network/{network_id}")
def update_network(context: Context, network_id: str) -> Reply:
    """Rename a network, share it, give it other ranges and name servers; the subnet and the parent stay."""
    of_vapp = vapp_networks.find_network(context, network_id)
    if of_vapp is not None:
        return vapp_networks.update_network(context, *of_vapp)
    network = context.access.network_by_id(network_id)
    context.access.require("Organization vDC Network: Edit Properties")
    root = require_root(context.xml(), "OrgVdcNetwork", "OrgNetwork")
    configuration = child(root, "Configuration")
    if text_of(configuration, "FenceMode", network.fence_mode) != network.fence_mode:
        raise errors.not_allowed("The fence mode of a network cannot be changed.")
    parent = child(configuration, "ParentNetwork")
    if parent is not None and referenced_id(parent, "ParentNetwork") != network.parent_id:
        raise errors.not_allowed("The parent of a network cannot be changed.")
    scope = child(configuration, "IpScopes/IpScope")
    change = networks.NetworkChange(
        name=root.get("name"),
        description=optional_text(root, "Description"),
        shared=optional_flag(root, "IsShared"),
        scope=ip_scope(scope) if scope is not None else None,
    )
    return accepted(context, networks.update_network(context.cloud, context.session.user, network, change))


@router.delete("/api/admin/network/{network_id}", "/api/network/{network_id}")
def delete_network(context: Context, network_id: str) -> Reply:
    network = context.access.network_by_id(network_id)
    context.access.require("Organization vDC Network: Edit Properties")
    task = datacenter.delete_network(context.cloud, context.session.user, network)
    return Reply(status=202, content=task_element(context, task))
