"""Copying and moving whole vApps."""

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import AccessControl, User
from vcd_simulator.operations.composition import VappSpec, create_vapp
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec
from vcd_simulator.operations.vapps import forget_vapp


def clone_vapp(
    cloud: Cloud, user: User, vdc: Vdc, source: Vapp, name: str, description: str | None, *, moves: bool
) -> tuple[Vapp, Task]:
    """Copy a vApp with networks, VMs and metadata; with `moves`, the source is deleted when the copy is complete.

    A copy belongs to who made it. What moves keeps its owner, unless it leaves the owner's organisation.

    Raises:
        VcdError: the name is taken, something is busy, or a VM that is to move is deployed.
    """
    vms = cloud.vms_of(source)
    cloud.tasks.require_idle([(source.id, source.name), *((vm.id, vm.name) for vm in vms)])
    if source.transient is not None:
        raise errors.not_allowed(f"The vApp {source.name} could not be created; it can only be deleted.")
    if moves and (source.deployed or any(vm.deployed for vm in vms)):
        raise errors.not_allowed(f"The vApp {source.name} is deployed; undeploy it before you move it.")
    if moves and vdc.id == source.vdc_id:
        raise errors.not_allowed(f"The vApp {source.name} is in the VDC {vdc.name} already.")
    stays = moves and vdc.org_id == cloud.vdcs[source.vdc_id].org_id
    spec = VappSpec(
        name=name,
        description=source.description if description is None else description,
        networks=_networks(cloud, source, vdc),
        machines=[_machine(vm, connected=vdc.id == source.vdc_id, moves=moves) for vm in vms],
        template_id=source.id,
        then=(lambda: forget_vapp(cloud, source)) if moves else None,
        locks=[source],
        product_sections=source.product_sections,
        owner_id=source.owner_id if stays else None,
        access=source.access if stays else AccessControl(),
    )
    return create_vapp(cloud, user, vdc, spec, operation_name="vdcMoveVapp" if moves else "vdcCopyVapp")


def _networks(cloud: Cloud, source: Vapp, vdc: Vdc) -> list[NetworkConfigSpec]:
    """The networks of the source, as far as the VDC has them."""
    found = []
    for one in source.networks.values():
        parent = cloud.networks.get(one.parent_id)
        if parent is None or parent.vdc_id == vdc.id or (parent.shared and parent.org_id == vdc.org_id):
            found.append(
                NetworkConfigSpec(
                    name=one.name,
                    description=one.description,
                    fence_mode=one.fence_mode,
                    parent_id=one.parent_id,
                    pool=one.pool.empty_copy() if one.pool is not None else None,
                )
            )
    return found


def _machine(vm: Vm, *, connected: bool, moves: bool) -> MachineSpec:
    """The same machine again, with addresses of its own; one that moves is not customized again."""
    nics = [
        NicSpec(
            index=nic.index,
            network=nic.network,
            mode="POOL" if nic.mode == "MANUAL" else nic.mode,
            connected=nic.connected,
            adapter_type=nic.adapter_type,
        )
        for nic in vm.nics
    ]
    return MachineSpec(source=vm, nics=nics if connected else None, primary_nic=vm.primary_nic, identical=moves)
