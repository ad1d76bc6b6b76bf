"""Networks inside of vApps."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, VappNetwork, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.connections import NO_NETWORK, connect, disconnect, release
from vcd_simulator.operations.names import check_name


@dataclass(kw_only=True)
class NetworkConfigSpec:
    """A network that a vApp is to have: `bridged` onto one of the VDC's, or `isolated` with a subnet of its own."""

    name: str
    fence_mode: str
    parent_id: str | None = None
    pool: IpPool | None = None
    description: str = ""
    network_id: str | None = None
    """Which of the vApp's networks this is, so that it can get another name; None goes by the name."""


def spec_of(network: VappNetwork) -> NetworkConfigSpec:
    """What asks for a network as it is."""
    return NetworkConfigSpec(
        name=network.name,
        fence_mode=network.fence_mode,
        parent_id=network.parent_id,
        pool=network.pool,
        description=network.description,
        network_id=network.id,
    )


def plan_networks(cloud: Cloud, vdc: Vdc, specs: Sequence[NetworkConfigSpec]) -> dict[str, VappNetwork]:
    """The networks that a vApp in this VDC can have."""
    networks: dict[str, VappNetwork] = {}
    for spec in specs:
        name = check_name("vApp network", spec.name)
        if name == NO_NETWORK:
            raise errors.bad_request(f"Bad request: validation error, no network can have the name {NO_NETWORK}.")
        if name in networks:
            raise errors.duplicate_name("network", name)
        if spec.fence_mode == "bridged":
            parent = cloud.networks.get(spec.parent_id)
            if parent is None or parent.org_id != vdc.org_id or (parent.vdc_id != vdc.id and not parent.shared):
                raise errors.no_access("network", spec.parent_id or "")
            cloud.tasks.require_idle([(parent.id, parent.name)])
        elif spec.fence_mode == "isolated":
            if spec.pool is None:
                raise errors.bad_request(f"Bad request: validation error, the isolated network {name} has no IpScope.")
        else:
            raise errors.not_allowed(f"The fence mode {spec.fence_mode!r} is not available: there is no edge gateway.")
        networks[name] = VappNetwork(
            id=cloud.new_id(),
            name=name,
            fence_mode=spec.fence_mode,
            parent_id=spec.parent_id if spec.fence_mode == "bridged" else None,
            pool=spec.pool if spec.fence_mode == "isolated" else None,
            description=spec.description,
        )
    return networks


@dataclass(kw_only=True)
class NetworkChanges:
    """What becomes of a vApp's networks: every one that it will have, with the one that it was."""

    networks: dict[str, tuple[VappNetwork, VappNetwork | None]]
    gone: list[VappNetwork]

    def after(self) -> dict[str, VappNetwork]:
        """What there will be, by name."""
        return {name: new for name, (new, _) in self.networks.items()}

    def parents(self, cloud: Cloud) -> list[OrgVdcNetwork]:
        """The networks of VDCs that there will be connections to."""
        found = {new.parent_id for new, _ in self.networks.values()}
        return [parent for one in found if (parent := cloud.networks.get(one)) is not None]


def plan_changes(cloud: Cloud, vapp: Vapp, specs: Sequence[NetworkConfigSpec]) -> NetworkChanges:
    """Check that a vApp can have these networks instead of its own.

    Raises:
        VcdError: a network cannot be, or one that VMs are connected to would become another one.
    """
    planned = plan_networks(cloud, cloud.vdcs[vapp.vdc_id], specs)
    by_id = {network.id: network for network in vapp.networks.values()}
    changes = NetworkChanges(networks={}, gone=[])
    kept: set[str] = set()
    for spec, new in zip(specs, planned.values(), strict=True):
        old = by_id.get(spec.network_id or "") or vapp.networks.get(new.name)
        old = None if old is None or old.id in kept else old
        changes.networks[new.name] = (new, old)
        if old is not None:
            kept.add(old.id)
            _check_change(cloud, vapp, old, new)
    changes.gone = [network for network in by_id.values() if network.id not in kept]
    return changes


def _check_change(cloud: Cloud, vapp: Vapp, old: VappNetwork, new: VappNetwork) -> None:
    moved = (new.fence_mode, new.parent_id, _subnet(new)) != (old.fence_mode, old.parent_id, _subnet(old))
    if moved and _users(cloud, vapp, old):
        raise errors.not_allowed(
            f"The network {old.name} of the vApp {vapp.name} is in use by a VM; its connection and its subnet stay."
        )


def _subnet(network: VappNetwork) -> tuple[str, str] | None:
    return (network.pool.gateway, network.pool.netmask) if network.pool is not None else None


def _users(cloud: Cloud, vapp: Vapp, network: VappNetwork) -> list[Vm]:
    return [vm for vm in cloud.vms_of(vapp) if any(nic.network == network.name for nic in vm.nics)]


def apply_changes(cloud: Cloud, vapp: Vapp, changes: NetworkChanges, *, made_for: Collection[str] = ()) -> None:
    """Give a vApp its new networks. VMs lose their connections to networks that are gone, and keep all others.

    `made_for` are the ids of VMs that know the new networks already.
    """
    for network in changes.gone:
        _unplug(cloud, vapp, network)
    names = {old.name: name for name, (_, old) in changes.networks.items() if old is not None}
    for vm in cloud.vms_of(vapp):
        for nic in vm.nics if vm.id not in made_for else ():
            nic.network = names.get(nic.network, nic.network)
    vapp.networks = {name: _changed(old, new) for name, (new, old) in changes.networks.items()}


def way_back(cloud: Cloud, vapp: Vapp, made_for: Collection[str]) -> Callable[[], None]:
    """How to give a vApp the networks again that it has now, and its VMs but the new ones their connections."""
    networks = {name: replace(network) for name, network in vapp.networks.items()}
    old = [vm for vm in cloud.vms_of(vapp) if vm.id not in made_for]
    connections = [(vm, [replace(nic) for nic in vm.nics]) for vm in old]

    def restore() -> None:
        for vm, _ in connections:
            disconnect(cloud, vapp, vm)
        vapp.networks = networks
        for vm, nics in connections:
            vm.nics = nics
            connect(cloud, vapp, vm)

    return restore


def _changed(old: VappNetwork | None, new: VappNetwork) -> VappNetwork:
    """A network as it is to be; it stays the same one, and whoever has an address in its subnet keeps it."""
    if old is None:
        return new
    if old.pool is not None and new.pool is not None and _subnet(old) == _subnet(new):
        ranges = [(str(first), str(last)) for first, last in new.pool.ranges]
        wanted = new.pool
        new.pool = old.pool.reconfigured(
            ranges, dns1=wanted.dns1, dns2=wanted.dns2, dns_suffix=wanted.dns_suffix
        )  # fmt: skip
    old.name, old.description, old.pool = new.name, new.description, new.pool
    old.fence_mode, old.parent_id = new.fence_mode, new.parent_id
    return old


def _unplug(cloud: Cloud, vapp: Vapp, network: VappNetwork) -> None:
    for vm in _users(cloud, vapp, network):
        for nic in vm.nics:
            if nic.network == network.name:
                release(cloud, vapp, vm, nic)
                nic.network, nic.mode, nic.ip_address, nic.connected = NO_NETWORK, "NONE", None, False


def reset_network(cloud: Cloud, user: User, vapp: Vapp, network: VappNetwork) -> Task:
    """Let the services of a network begin anew.

    Raises:
        VcdError: the vApp, and so the network, is not deployed.
    """
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    if not vapp.deployed:
        raise errors.not_allowed(f"The network {network.name} cannot be reset: the vApp {vapp.name} is not deployed.")
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, network, "networkReset", "Resetting", "Reset", noun="Network",
        locks=[vapp],
    )  # fmt: skip
