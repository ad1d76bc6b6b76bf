"""External networks: made of port groups of vCenters, changed, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.infrastructure import ExternalNetwork, PortGroup, VimServer
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.networks import ScopeChange, changed_pool

_NOUN = "External Network"


def add_port_group(cloud: Cloud, server: VimServer, name: str, *, network: ExternalNetwork | None = None) -> PortGroup:
    """Give a vCenter a port group, which an external network may be made of already."""
    group_id = cloud.new_id()
    group = PortGroup(id=group_id, vim_server_id=server.id, name=name, moref=f"network-{group_id[:8]}")
    group.external_network_id = network.id if network is not None else None
    return cloud.port_groups.add(group)


@dataclass(frozen=True, kw_only=True)
class ExternalNetworkSpec:
    """What a new external network is to be; port groups are given by vCenter and moref."""

    name: str
    description: str
    scope: ScopeChange
    port_groups: Sequence[tuple[str, str]]


def create_external_network(cloud: Cloud, user: User, spec: ExternalNetworkSpec) -> tuple[ExternalNetwork, Task]:
    """Make an external network of free port groups.

    Raises:
        VcdError: the name is taken, its addresses make no sense, or a port group is not free.
    """
    name = _free_name(cloud, spec.name, None)
    scope = spec.scope
    try:
        pool = IpPool(
            gateway=scope.gateway,
            netmask=scope.netmask,
            ranges=scope.ranges,
            dns1=scope.dns1,
            dns2=scope.dns2,
            dns_suffix=scope.dns_suffix,
        )
    except ValueError as exc:
        raise errors.bad_request(f"Bad request: validation error, the network's addresses are wrong: {exc}.") from exc
    groups = [_free_group(cloud, server_id, moref) for server_id, moref in dict.fromkeys(spec.port_groups)]
    if not groups:
        raise errors.bad_request("Bad request: validation error, an external network needs a port group.")
    network = cloud.external_networks.add(
        ExternalNetwork(id=cloud.new_id(), name=name, description=spec.description, pool=pool)
    )
    for group in groups:
        group.external_network_id = network.id
        cloud.port_groups.reindex(group)
    task = work.start(
        cloud, user, cloud.system_org.id, network, "networkCreateExternalNetwork", "Creating", "Created", noun=_NOUN,
        undo=lambda: _forget(cloud, network),
    )  # fmt: skip
    return network, task


def update_external_network(
    cloud: Cloud, user: User, network: ExternalNetwork, *, name: str, description: str, scope: ScopeChange | None
) -> Task:
    """Rename or describe an external network, or give it other ranges and name servers."""
    name = _free_name(cloud, name, network)
    pool = changed_pool(network, scope) if scope is not None and scope.differs_from(network.pool) else None

    def effect() -> None:
        network.name, network.description = name, description
        if pool is not None:
            for direct in cloud.networks:
                if direct.pool is network.pool:
                    direct.pool = pool
            network.pool = pool
        cloud.external_networks.reindex(network)

    return work.start(
        cloud, user, cloud.system_org.id, network, "networkUpdateNetwork", "Updating", "Updated", noun=_NOUN,
        effect=effect,
    )  # fmt: skip


def delete_external_network(cloud: Cloud, user: User, network: ExternalNetwork) -> Task:
    """Delete an external network that no org VDC network is bridged onto."""
    for direct in cloud.networks:
        if direct.parent_id == network.id:
            raise errors.not_allowed(f"The network {network.name} is in use by the network {direct.name}.")
    return work.start(
        cloud, user, cloud.system_org.id, network, "networkDelete", "Deleting", "Deleted", noun=_NOUN,
        effect=lambda: _forget(cloud, network),
    )  # fmt: skip


def _free_name(cloud: Cloud, name: str, of: ExternalNetwork | None) -> str:
    name = check_name("network", name)
    other = cloud.external_networks.first("name", name)
    if other is not None and other is not of:
        raise errors.duplicate_name("network", name)
    return name


def _free_group(cloud: Cloud, server_id: str, moref: str) -> PortGroup:
    for group in cloud.port_groups.find("server", server_id):
        if group.moref == moref:
            if group.external_network_id is not None:
                raise errors.bad_request(f"The port group {group.name} is in use by another external network.")
            return group
    raise errors.no_access("portgroup", moref)


def _forget(cloud: Cloud, network: ExternalNetwork) -> None:
    for group in list(cloud.port_groups.find("network", network.id)):
        group.external_network_id = None
        cloud.port_groups.reindex(group)
    cloud.external_networks.remove(network)
