"""Networks of vApps: all of them as a section, and each by itself."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Vapp, VappNetwork
from vcd_simulator.operations import vapp_networks, vapps
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import vapps as documents
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.requests.networks import network_config, network_configs
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router

router = Router()
_COMPOSE = "vApp: Create / Reconfigure"


@router.get("/api/vApp/vapp-{vapp_id}/networkConfigSection")
def get_networks(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    edits = documents.edits_networks(context, vapp)
    return Reply(content=documents.network_config_section(context, vapp, edits=edits))


@router.put("/api/vApp/vapp-{vapp_id}/networkConfigSection")
def update_networks(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, _COMPOSE)
    root = require_root(context.xml(), "NetworkConfigSection")
    return _update(context, vapp, network_configs(context, root))


def _update(context: Context, vapp: Vapp, specs: list[NetworkConfigSpec]) -> Reply:
    return accepted(context, vapps.update_networks(context.cloud, context.session.user, vapp, specs))


def find_network(context: Context, network_id: str) -> tuple[Vapp, VappNetwork] | None:
    """A network of a vApp that the caller sees, and the vApp. None: it may be one of a VDC."""
    if network_id in context.cloud.networks:
        return None
    for vapp in context.cloud.vapps:
        for network in vapp.networks.values():
            if network.id == network_id:
                return (vapp, network) if context.access.sees_vapp(vapp) else None
    return None


def get_network(context: Context, vapp: Vapp, network: VappNetwork) -> Reply:
    return Reply(content=documents.vapp_network(context, vapp, network))


def get_allocated_addresses(context: Context, vapp: Vapp, network: VappNetwork) -> Reply:
    return Reply(content=documents.addresses_in(context, vapp, network))


def update_network(context: Context, vapp: Vapp, network: VappNetwork) -> Reply:
    """Change one network of a vApp; the others stay as they are."""
    context.access.vapp_to_change(vapp.id, _COMPOSE)
    root = require_root(context.xml(), "VAppNetwork")
    wanted = network_config(context, root, root.get("name") or network.name)
    wanted.network_id = network.id
    specs = [wanted if one is network else vapp_networks.spec_of(one) for one in vapp.networks.values()]
    return _update(context, vapp, specs)


@router.post("/api/admin/network/{network_id}/action/reset", "/api/network/{network_id}/action/reset")
def reset_network(context: Context, network_id: str) -> Reply:
    found = find_network(context, network_id)
    if found is None:
        context.access.network_by_id(network_id)
        raise errors.not_allowed("A network of a VDC cannot be reset here: it has no edge gateway.")
    vapp, network = found
    context.access.vapp_to_change(vapp.id, _COMPOSE)
    return accepted(context, vapp_networks.reset_network(context.cloud, context.session.user, vapp, network))
