"""Changes to networks of org VDCs that exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.datacenter import OrgVdcNetwork
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.names import check_name


@dataclass(frozen=True, kw_only=True)
class ScopeChange:
    """What a subnet of a network is to be; gateway and netmask of one that is there must stay."""

    gateway: str
    netmask: str
    ranges: Sequence[tuple[str, str]]
    dns1: str = ""
    dns2: str = ""
    dns_suffix: str = ""
    enabled: bool = True

    def differs_from(self, pool: IpPool) -> bool:
        """Whether anything about a pool would change."""
        ranges = [(str(first), str(last)) for first, last in pool.ranges]
        rest = attrgetter("dns1", "dns2", "dns_suffix", "gateway", "netmask", "enabled")
        return (list(self.ranges), rest(self)) != (ranges, rest(pool))

    def new_pool(self) -> IpPool:
        """A subnet of this kind with nobody in it.

        Raises:
            VcdError: 400, the addresses do not fit together.
        """
        try:
            return IpPool(
                gateway=self.gateway,
                netmask=self.netmask,
                ranges=self.ranges,
                dns1=self.dns1,
                dns2=self.dns2,
                dns_suffix=self.dns_suffix,
                enabled=self.enabled,
            )
        except ValueError as exc:
            raise _wrong_addresses(exc) from exc


def _wrong_addresses(exc: ValueError) -> errors.VcdError:
    return errors.bad_request(f"Bad request: validation error, the network's addresses are wrong: {exc}.")


@dataclass(frozen=True, kw_only=True)
class NetworkChange:
    """What is to change in a network; None leaves things as they are."""

    name: str | None = None
    description: str | None = None
    shared: bool | None = None
    scope: ScopeChange | None = None


def update_network(cloud: Cloud, user: User, network: OrgVdcNetwork, change: NetworkChange) -> Task:
    """Change a network of an org VDC.

    Raises:
        VcdError: the name is taken, VMs of other VDCs use it and it would not be shared any more, the subnet would
            change, it is that of an external network, or somebody has an address that would not be served.
    """
    name = network.name if change.name is None else check_name("network", change.name)
    other = cloud.networks.first("name", (network.org_id, name))
    if other is not None and other is not network:
        raise errors.duplicate_name("network", name)
    if change.shared is False and network.shared:
        cloud.tasks.require_unused([(network.id, network.name)])
        _require_unused_elsewhere(cloud, network)
    pool = _changed_pool(cloud, network, change.scope)

    def effect() -> None:
        network.name = name
        network.description = network.description if change.description is None else change.description
        network.shared = network.shared if change.shared is None else change.shared
        if pool is not None:
            network.pool = pool
        cloud.networks.reindex(network)

    return work.start(
        cloud, user, network.org_id, network, "networkUpdateNetwork", "Updating", "Updated", noun="Network",
        effect=effect,
    )  # fmt: skip


def _changed_pool(cloud: Cloud, network: OrgVdcNetwork, scope: ScopeChange | None) -> IpPool | None:
    if scope is None or not scope.differs_from(network.pool):
        return None
    parent = cloud.external_networks.get(network.parent_id)
    if parent is not None and parent.pool is network.pool:
        raise errors.not_allowed(
            f"The addresses of the network {network.name} are those of the external network {parent.name}."
        )
    return changed_pool(network.name, network.pool, scope)


def changed_pool(network_name: str, pool: IpPool, scope: ScopeChange) -> IpPool:
    """A network's pool with another scope.

    Raises:
        VcdError: the subnet would change, a range is wrong, or an address that is in use would not be served.
    """
    if (scope.gateway, scope.netmask) != (pool.gateway, pool.netmask):
        raise errors.not_allowed(f"The gateway and the netmask of the network {network_name} cannot be changed.")
    try:
        changed = pool.reconfigured(
            scope.ranges, dns1=scope.dns1, dns2=scope.dns2, dns_suffix=scope.dns_suffix, enabled=scope.enabled
        )
    except ValueError as exc:
        raise _wrong_addresses(exc) from exc
    for address in pool.used:
        if pool.serves(address) and not changed.serves(address):
            raise errors.not_allowed(f"The address {address} of the network {network_name} is in use.")
    return changed


def _require_unused_elsewhere(cloud: Cloud, network: OrgVdcNetwork) -> None:
    for vdc in cloud.vdcs.find("org", network.org_id):
        for vapp in cloud.vapps.find("vdc", vdc.id) if vdc.id != network.vdc_id else ():
            if any(one.parent_id == network.id for one in vapp.networks.values()):
                raise errors.not_allowed(f"The network {network.name} is in use by the vApp {vapp.name} of {vdc.name}.")
