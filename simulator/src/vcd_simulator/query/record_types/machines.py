"""Records of vApps and VMs."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Nic, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.kinds import ORG, RESOURCE_POOL, USER, VAPP, VAPP_TEMPLATE, VDC, VIM_SERVER
from vcd_simulator.operations.provider import pool_of
from vcd_simulator.operations.status import status_of
from vcd_simulator.query.columns import Computed, Related, Stored
from vcd_simulator.query.record_types.attributes import user_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer, Value


def _statuses(cloud: Cloud, vapps: Iterable[Vapp]) -> list[str]:
    names = {status.value: status.name for status in Status}
    return [names[status_of(cloud, vapp).value] for vapp in vapps]


def _sum(path: str) -> Computed[Vapp]:
    """The sum of a number over a vApp's VMs."""
    number: Callable[[Vm], int] = attrgetter(path)

    def many(cloud: Cloud, vapps: Iterable[Vapp]) -> list[int]:
        get = cloud.vms.get
        return [sum([number(vm) for vm in map(get, vapp.vm_ids) if vm is not None]) for vapp in vapps]

    return Computed(lambda cloud, vapp: many(cloud, [vapp])[0], many)


_VAPPS = RecordType[Vapp](
    name="vApp",
    tag="VAppRecord",
    table=lambda cloud: cloud.vapps,
    visible=Access.sees_vapp,
    attributes={
        "name": Stored("name"),
        "description": Stored("description"),
        "vdc": Related("vdc_id", read=lambda cloud, vdc_id: Pointer(VDC, vdc_id)),
        "vdcName": Related("vdc_id", read=lambda cloud, vdc_id: cloud.vdcs[vdc_id].name),
        "org": Related("vdc_id", read=lambda cloud, vdc_id: Pointer(ORG, cloud.vdcs[vdc_id].org_id)),
        "owner": Related("owner_id", read=lambda cloud, owner_id: Pointer(USER, owner_id)),
        "ownerName": Related("owner_id", read=user_name),
        "status": Computed(lambda cloud, vapp: status_of(cloud, vapp).name, _statuses),
        "isDeployed": Stored("deployed"),
        "isEnabled": lambda cloud, vapp: True,
        "isBusy": lambda cloud, vapp: cloud.tasks.is_busy(vapp.id),
        "isExpired": lambda cloud, vapp: False,
        "isInMaintenanceMode": lambda cloud, vapp: False,
        "creationDate": lambda cloud, vapp: float(vapp.created),
        "numberOfVMs": lambda cloud, vapp: len(vapp.vm_ids),
        "numberOfCpus": _sum("hardware.cpu_count"),
        "memoryAllocationMB": _sum("hardware.memory_mb"),
        "storageKB": _sum("hardware.storage_kb"),
    },
    indexes={"name": Index("name"), "vdc": Index("vdc", VDC), "owner": Index("owner", USER)},
    has_metadata=True,
    very_many=True,
)


_OF_VM = ("vapp_id", "template_id")
"""What tells where a VM belongs: to a vApp, or to a template."""
_Place = tuple[str | None, str | None]


def _container(_cloud: Cloud, place: _Place) -> Pointer:
    vapp_id, template_id = place
    return Pointer(VAPP, vapp_id) if vapp_id is not None else Pointer(VAPP_TEMPLATE, template_id or "")


def _owner(cloud: Cloud, place: _Place) -> Vapp | VappTemplate:
    vapp_id, template_id = place
    return cloud.vapps[vapp_id] if vapp_id is not None else cloud.templates[template_id or ""]


def _of_owner(read: Callable[[Cloud, Vapp | VappTemplate], Value]) -> Related:
    """What a VM's record says of its vApp or template."""
    return Related(*_OF_VM, read=lambda cloud, place: read(cloud, _owner(cloud, place)))


def _primary_nic(vm: Vm) -> Nic | None:
    nics, primary = vm.nics, vm.primary_nic
    if nics and nics[0].index == primary:
        return nics[0]
    return next((nic for nic in nics if nic.index == primary), None)


def _primary_address(_cloud: Cloud, vm: Vm) -> str | None:
    nic = _primary_nic(vm)
    return nic.ip_address if nic is not None else None


def _primary_network(_cloud: Cloud, vm: Vm) -> str | None:
    nic = _primary_nic(vm)
    return nic.network if nic is not None else None


_VMS = RecordType[Vm](
    name="vm",
    tag="VMRecord",
    table=lambda cloud: cloud.vms,
    visible=Access.sees_vm,
    attributes={
        "name": Stored("name"),
        "container": Related(*_OF_VM, read=_container),
        "containerName": _of_owner(lambda cloud, owner: owner.name),
        "vdc": _of_owner(lambda cloud, owner: Pointer(VDC, owner.vdc_id)),
        "org": _of_owner(lambda cloud, owner: Pointer(ORG, cloud.vdcs[owner.vdc_id].org_id)),
        "ownerName": _of_owner(lambda cloud, owner: user_name(cloud, owner.owner_id)),
        # The public `name` of an enum's member is a property, and slow.
        "status": Stored("status._name_"),
        "isDeployed": Stored("deployed"),
        "isDeleted": lambda cloud, vm: False,
        "isVAppTemplate": lambda cloud, vm: vm.template_id is not None,
        "isBusy": lambda cloud, vm: cloud.tasks.is_busy(vm.id),
        "guestOs": Stored("os_type"),
        "hardwareVersion": Stored("hardware_version"),
        "numberOfCpus": Stored("hardware.cpu_count"),
        "memoryMB": Stored("hardware.memory_mb"),
        "ipAddress": _primary_address,
        "networkName": _primary_network,
        "dateCreated": lambda cloud, vm: float(vm.created),
    },
    owner="vapp_id",
    very_many=True,
    indexes={"name": Index("name")},
    has_metadata=True,
)
_ADMIN_VMS = _VMS.for_administrators(
    "adminVM",
    "AdminVMRecord",
    attributes={
        "moref": Stored("moid"),
        "vc": Related("vim_server_id", read=lambda cloud, server_id: Pointer(VIM_SERVER, server_id)),
    },
)


def _pool_of(cloud: Cloud, vm: Vm) -> Pointer | None:
    pool = pool_of(cloud, vm)
    return Pointer(RESOURCE_POOL, pool.id) if pool is not None else None


_VMS_OF_POOLS = RecordType[Vm](
    name="resourcePoolVmList",
    tag="ResourcePoolVMRecord",
    table=lambda cloud: cloud.vms,
    visible=lambda access, vm: access.is_sysadmin and vm.vapp_id is not None,
    attributes={**_ADMIN_VMS.attributes, "resourcePool": _pool_of},
    admin=True,
    indexes={"name": Index("name")},
)

TYPES = (_VAPPS, _VAPPS.for_administrators("adminVApp", "AdminVAppRecord"), _VMS, _ADMIN_VMS, _VMS_OF_POOLS)
