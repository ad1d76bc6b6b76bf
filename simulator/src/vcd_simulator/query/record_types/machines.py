"""Records of vApps and VMs."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, Nic, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.kinds import ORG, RESOURCE_POOL, USER, VAPP, VAPP_TEMPLATE, VDC, VIM_SERVER
from vcd_simulator.operations.provider import pool_of
from vcd_simulator.operations.settings import datastore_at
from vcd_simulator.operations.status import status_of
from vcd_simulator.query.columns import Computed, Related, Stored
from vcd_simulator.query.record_types.attributes import user_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer, Value


def _statuses(cloud: Cloud, vapps: Iterable[Vapp]) -> list[str]:
    names = {status.value: status.name for status in Status}
    return [names[status_of(cloud, vapp).value] for vapp in vapps]


def _sum(path: str, divisor: int = 1) -> Computed[Vapp]:
    """The sum of a number over a vApp's VMs, in units of so many."""
    number: Callable[[Vm], int] = attrgetter(path)

    def many(cloud: Cloud, vapps: Iterable[Vapp]) -> list[int]:
        get = cloud.vms.get
        return [sum([number(vm) for vm in map(get, vapp.vm_ids) if vm is not None]) // divisor for vapp in vapps]

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
        "isInMaintenanceMode": Stored("in_maintenance"),
        "isAutoNature": lambda cloud, vapp: False,
        "isPublic": lambda cloud, vapp: False,
        "snapshot": lambda cloud, vapp: False,
        "creationDate": lambda cloud, vapp: float(vapp.created),
        "numberOfVMs": lambda cloud, vapp: len(vapp.vm_ids),
        "numberOfCpus": _sum("hardware.cpu_count"),
        "memoryAllocationMB": _sum("hardware.memory_mb"),
        "storageKB": _sum("hardware.storage_kb"),
        "totalStorageAllocatedMb": _sum("hardware.storage_kb", 1024),
    },
    indexes={"name": Index("name"), "vdc": Index("vdc", VDC), "owner": Index("owner", USER)},
    has_metadata=True,
    very_many=True,
)


def _allocated_mhz(cloud: Cloud, vapps: Iterable[Vapp]) -> list[int]:
    """What the processors of vApps' VMs take when all of them run."""
    every = list(vapps)
    cpus = _sum("hardware.cpu_count").keys(cloud, every)
    return [count * cloud.vdcs[vapp.vdc_id].vcpu_mhz for count, vapp in zip(cpus, every, strict=True)]


_ADMIN_VAPPS = _VAPPS.for_administrators(
    "adminVApp",
    "AdminVAppRecord",
    attributes={
        "isVdcEnabled": Related("vdc_id", read=lambda cloud, vdc_id: cloud.vdcs[vdc_id].enabled),
        "cpuAllocationMhz": Computed(lambda cloud, vapp: _allocated_mhz(cloud, [vapp])[0], _allocated_mhz),
    },
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


def _catalog_of(cloud: Cloud, template_id: str | None) -> Catalog | None:
    template = cloud.templates.get(template_id)
    item = cloud.items.get(template.catalog_item_id) if template is not None else None
    return cloud.catalogs.get(item.catalog_id) if item is not None else None


def _catalog_name(cloud: Cloud, template_id: str | None) -> str | None:
    catalog = _catalog_of(cloud, template_id)
    return catalog.name if catalog is not None else None


def _is_published(cloud: Cloud, template_id: str | None) -> bool:
    catalog = _catalog_of(cloud, template_id)
    return catalog is not None and catalog.published


def _in_maintenance(cloud: Cloud, vapp_id: str | None) -> bool:
    vapp = cloud.vapps.get(vapp_id)
    return vapp is not None and vapp.in_maintenance


def _profile_name(cloud: Cloud, profile_id: str | None) -> str | None:
    profile = cloud.profiles.get(profile_id)
    return profile.name if profile is not None else None


def _datastore_name(cloud: Cloud, place: tuple[str | None, str]) -> str | None:
    datastore = datastore_at(cloud, *place)
    return datastore.name if datastore is not None else None


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
        "owner": _of_owner(lambda cloud, owner: Pointer(USER, owner.owner_id)),
        "catalogName": Related("template_id", read=_catalog_name),
        "description": Stored("description"),
        "isDeployed": Stored("deployed"),
        "isDeleted": lambda cloud, vm: False,
        "isExpired": lambda cloud, vm: False,
        "isAutoNature": lambda cloud, vm: False,
        "isInMaintenanceMode": Related("vapp_id", read=_in_maintenance),
        "isPublished": Related("template_id", read=_is_published),
        "snapshot": lambda cloud, vm: False,
        "storageProfileName": Related("storage_profile_id", read=_profile_name),
        "totalStorageAllocatedMb": lambda cloud, vm: vm.hardware.storage_kb // 1024,
        "vappScopedLocalId": Stored("id"),
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
        "isVdcEnabled": _of_owner(lambda cloud, owner: cloud.vdcs[owner.vdc_id].enabled),
        "datastoreName": Related("datastore_id", "vim_server_id", read=_datastore_name),
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

TYPES = (_VAPPS, _ADMIN_VAPPS, _VMS, _ADMIN_VMS, _VMS_OF_POOLS)
