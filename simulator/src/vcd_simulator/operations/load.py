"""Many vApps at once, for load: there from the start, powered off, without tasks."""

from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, Vdc
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import machines
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec, plan_networks


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """vApps that differ in nothing but their number."""

    name: str
    """With the number in the place of `{number}`."""
    count: int
    vms: int
    source: Vm
    """The VM of a template that all others are made from."""
    network: OrgVdcNetwork | None = None
    """Where VMs get an address from the pool; None leaves them without network."""


def add_vapps(cloud: Cloud, vdc: Vdc, owner: User, spec: LoadSpec) -> None:
    """Make vApps.

    Raises:
        VcdError: a name is taken or not valid, or the network has too few addresses.
    """
    network = spec.network
    configs = []
    if network is not None:
        configs = [NetworkConfigSpec(name=network.name, fence_mode="bridged", parent_id=network.id)]
    networks = plan_networks(cloud, vdc, configs)
    for number in range(1, spec.count + 1):
        name = check_name("vApp", spec.name.replace("{number}", str(number)))
        if cloud.vapps.first("vdc_name", (vdc.id, name)) is not None:
            raise errors.duplicate_name("vApp", name)
        vapp = cloud.vapps.add(
            Vapp(
                id=cloud.new_id(),
                vdc_id=vdc.id,
                owner_id=owner.id,
                name=name,
                created=cloud.clock.now(),
                transient=None,
                networks={name: replace(network, id=cloud.new_id()) for name, network in networks.items()},
            )
        )
        for index in range(1, spec.vms + 1):
            machine = MachineSpec(source=spec.source, name=f"{name}-{index}"[:80])
            if network is not None:
                machine.nics = [NicSpec(index=0, network=network.name, mode="POOL", connected=True)]
            vm = machines.plan(cloud, vapp, machine)
            machines.enter(cloud, vapp, vm)
            machines.realize(cloud, vapp, vm)
