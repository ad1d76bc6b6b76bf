"""External networks: made of port groups of vCenters, changed, deleted."""

import itertools
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


def add_port_group(
    cloud: Cloud, server: VimServer, name: str, *, network: ExternalNetwork | None = None, distributed: bool = False
) -> PortGroup:
    """Give a vCenter a port group, which an external network may be made of already."""
    group_id = cloud.new_id()
    kind, stem = ("DV_PORTGROUP", "dvportgroup") if distributed else ("NETWORK", "network")
    group = PortGroup(id=group_id, vim_server_id=server.id, name=name, moref=f"{stem}-{group_id[:8]}", type=kind)
    group.external_network_id = network.id if network is not None else None
    return cloud.port_groups.add(group)


@dataclass(frozen=True, kw_only=True)
class ExternalNetworkSpec:
    """What an external network is to be; port groups are given by vCenter and moref."""

    name: str
    description: str
    scopes: Sequence[ScopeChange]
    port_groups: Sequence[tuple[str, str]]


def create_external_network(cloud: Cloud, user: User, spec: ExternalNetworkSpec) -> tuple[ExternalNetwork, Task]:
    """Make an external network of free port groups.

    Raises:
        VcdError: the name is taken, its addresses make no sense, or a port group is not free.
    """
    name = _free_name(cloud, spec.name, None)
    if not spec.scopes:
        raise errors.bad_request("Bad request: validation error, an external network needs an IpScope.")
    pools = [scope.new_pool() for scope in spec.scopes]
    _require_apart(pools)
    groups = [_group(cloud, server_id, moref, None) for server_id, moref in dict.fromkeys(spec.port_groups)]
    if not groups:
        raise errors.bad_request("Bad request: validation error, an external network needs a port group.")
    network = cloud.external_networks.add(
        ExternalNetwork(id=cloud.new_id(), name=name, description=spec.description, pool=pools[0], more_pools=pools[1:])
    )
    _back(cloud, network, groups)
    task = work.start(
        cloud, user, cloud.system_org.id, network, "networkCreateExternalNetwork", "Creating", "Created", noun=_NOUN,
        undo=lambda: _forget(cloud, network),
    )  # fmt: skip
    return network, task


def update_external_network(cloud: Cloud, user: User, network: ExternalNetwork, wanted: ExternalNetworkSpec) -> Task:
    """Rename or describe an external network, change its subnets, or let it have other port groups.

    Without scopes the subnets stay, without port groups the port groups do.

    Raises:
        VcdError: the name is taken; a subnet is in use and would go, overlaps another one, or would not serve somebody
            any more; a port group is not free.
    """
    name = _free_name(cloud, wanted.name, network)
    pools = _changed_pools(cloud, network, wanted.scopes) if wanted.scopes else network.pools
    stated = dict.fromkeys(wanted.port_groups)
    groups = [_group(cloud, server_id, moref, network) for server_id, moref in stated]

    def effect() -> None:
        network.name, network.description = name, wanted.description
        for direct in cloud.networks:
            if direct.pool is network.pool:
                direct.pool = pools[0]
        network.pool, network.more_pools = pools[0], pools[1:]
        if groups:
            _back(cloud, network, groups)
        cloud.external_networks.reindex(network)

    return work.start(
        cloud, user, cloud.system_org.id, network, "networkUpdateNetwork", "Updating", "Updated", noun=_NOUN,
        effect=effect,
    )  # fmt: skip


def _changed_pools(cloud: Cloud, network: ExternalNetwork, scopes: Sequence[ScopeChange]) -> list[IpPool]:
    """The subnets that a network is to have: known ones by their gateways, changed or not, and new ones."""
    known = {pool.gateway: pool for pool in network.pools}
    pools: list[IpPool] = []
    for scope in scopes:
        pool = known.pop(scope.gateway, None)
        if pool is None:
            pools.append(scope.new_pool())
        else:
            pools.append(changed_pool(network.name, pool, scope) if scope.differs_from(pool) else pool)
    for gone in known.values():
        if gone.used or any(direct.pool is gone for direct in cloud.networks):
            raise errors.not_allowed(f"The subnet {gone.subnet} of the network {network.name} is in use.")
    _require_apart(pools)
    return sorted(pools, key=lambda pool: pool.gateway != network.pool.gateway)


def _require_apart(pools: Sequence[IpPool]) -> None:
    for one, other in itertools.combinations(pools, 2):
        if one.subnet.overlaps(other.subnet):
            raise errors.bad_request(
                f"Bad request: validation error, the subnets {one.subnet} and {other.subnet} overlap."
            )


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


def _group(cloud: Cloud, server_id: str, moref: str, network: ExternalNetwork | None) -> PortGroup:
    """A port group that is free, or this network's already."""
    for group in cloud.port_groups.find("server", server_id):
        if group.moref == moref:
            if group.external_network_id not in (None, network.id if network is not None else None):
                raise errors.bad_request(f"The port group {group.name} is in use by another external network.")
            return group
    raise errors.no_access("portgroup", moref)


def _back(cloud: Cloud, network: ExternalNetwork, groups: Sequence[PortGroup]) -> None:
    """Let a network be made of these port groups and of no others."""
    for group in cloud.port_groups.find("network", network.id):
        group.external_network_id = None
        cloud.port_groups.reindex(group)
    for group in groups:
        group.external_network_id = network.id
        cloud.port_groups.reindex(group)


def _forget(cloud: Cloud, network: ExternalNetwork) -> None:
    _back(cloud, network, ())
    cloud.external_networks.remove(network)
