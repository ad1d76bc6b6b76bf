"""Networks inside of vApps."""

from collections.abc import Sequence
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, VappNetwork
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.operations.names import check_name


@dataclass(kw_only=True)
class NetworkConfigSpec:
    """A network that a vApp is to have: `bridged` onto one of the VDC's, or `isolated` with a subnet of its own."""

    name: str
    fence_mode: str
    parent_id: str | None = None
    pool: IpPool | None = None
    description: str = ""


def plan_networks(cloud: Cloud, vdc: Vdc, specs: Sequence[NetworkConfigSpec]) -> dict[str, VappNetwork]:
    """The networks that a vApp in this VDC can have."""
    networks: dict[str, VappNetwork] = {}
    for spec in specs:
        name = check_name("vApp network", spec.name)
        if name in networks:
            raise errors.duplicate_name("network", name)
        if spec.fence_mode == "bridged":
            parent = cloud.networks.get(spec.parent_id)
            if parent is None or parent.org_id != vdc.org_id or (parent.vdc_id != vdc.id and not parent.shared):
                raise errors.no_access("network", spec.parent_id or "")
        elif spec.fence_mode == "isolated":
            if spec.pool is None:
                raise errors.bad_request(f"Bad request: validation error, the isolated network {name} has no IpScope.")
        else:
            raise errors.not_allowed(f"The fence mode {spec.fence_mode!r} is not available: there is no edge gateway.")
        networks[name] = VappNetwork(
            name=name,
            fence_mode=spec.fence_mode,
            parent_id=spec.parent_id if spec.fence_mode == "bridged" else None,
            pool=spec.pool if spec.fence_mode == "isolated" else None,
            description=spec.description,
        )
    return networks


def set_networks(cloud: Cloud, vapp: Vapp, specs: Sequence[NetworkConfigSpec]) -> None:
    """Replace a vApp's networks; those that VMs use must stay."""
    planned = plan_networks(cloud, cloud.vdcs[vapp.vdc_id], specs)
    for name, old in list(vapp.networks.items()):
        new = planned.get(name)
        in_use = any(nic.network == name for vm in cloud.vms_of(vapp) for nic in vm.nics)
        if new is None and in_use:
            raise errors.not_allowed(f"The network {name} of the vApp {vapp.name} is in use by a VM.")
        if new is not None and new.fence_mode == old.fence_mode and new.parent_id == old.parent_id:
            old.description = new.description
            if old.pool is not None and new.pool is not None and not in_use:
                old.pool = new.pool
            planned[name] = old
    vapp.networks = planned
