"""External networks."""

from vcd_simulator.model.infrastructure import ExternalNetwork
from vcd_simulator.model.kinds import NETWORK
from vcd_simulator.operations import external_networks
from vcd_simulator.operations.networks import ScopeChange
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import provider as documents
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.requests.networks import ip_scope
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, children, text_of

router = Router()
_NETWORK = "/api/admin/extension/externalnet/{network_id}"
_EDIT = "Provider Network: Create / Delete"


@router.get(_NETWORK)
def get_external_network(context: Context, network_id: str) -> Reply:
    return Reply(content=documents.external_network(context, _network(context, network_id, "Provider Network: View")))


def _network(context: Context, network_id: str, right: str) -> ExternalNetwork:
    return context.access.provided(NETWORK, context.cloud.external_networks, network_id, right)


@router.post("/api/admin/extension/externalnets")
def create_external_network(context: Context) -> Reply:
    context.access.require_provider(_EDIT)
    root = require_root(context.xml(), "VMWExternalNetwork")
    spec = external_networks.ExternalNetworkSpec(
        name=root.get("name") or "",
        description=text_of(root, "Description"),
        scopes=_scopes(root),
        port_groups=_port_groups(root),
    )
    network, task = external_networks.create_external_network(context.cloud, context.session.user, spec)
    document = documents.external_network(context, network, tasks=[task])
    return Reply(status=201, content=document, headers={"location": context.href(network)})


def _port_groups(root: Element) -> list[tuple[str, str]]:
    """By vCenter and moref; one stands alone, several are in a list."""
    found = [*children(root, "VimPortGroupRef"), *children(child(root, "VimPortGroupRefs"), "VimObjectRef")]
    return [(referenced_id(child(one, "VimServerRef"), "VimServerRef"), text_of(one, "MoRef")) for one in found]


def _scopes(root: Element) -> list[ScopeChange]:
    return [ip_scope(one) for one in children(child(root, "Configuration/IpScopes"), "IpScope")]


@router.put(_NETWORK)
def update_external_network(context: Context, network_id: str) -> Reply:
    """Change what it is called, its subnets and its port groups; what the document leaves out stays."""
    network = _network(context, network_id, _EDIT)
    root = require_root(context.xml(), "VMWExternalNetwork")
    wanted = external_networks.ExternalNetworkSpec(
        name=root.get("name") or network.name,
        description=text_of(root, "Description", network.description),
        scopes=_scopes(root),
        port_groups=_port_groups(root),
    )
    task = external_networks.update_external_network(context.cloud, context.session.user, network, wanted)
    return Reply(status=202, content=documents.external_network(context, network, tasks=[task]))


@router.delete(_NETWORK)
def delete_external_network(context: Context, network_id: str) -> Reply:
    network = _network(context, network_id, _EDIT)
    return accepted(context, external_networks.delete_external_network(context.cloud, context.session.user, network))
