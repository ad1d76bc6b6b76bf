"""Records of vApps, VMs, catalogs, items and templates."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, CatalogItem, Nic, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.kinds import (
    CATALOG,
    CATALOG_ITEM,
    ORG,
    RESOURCE_POOL,
    USER,
    VAPP,
    VAPP_TEMPLATE,
    VDC,
    VIM_SERVER,
)
from vcd_simulator.operations.provider import pool_of
from vcd_simulator.operations.status import status_of
from vcd_simulator.query.columns import Attribute, Computed, Related, Stored
from vcd_simulator.query.types import RecordType
from vcd_simulator.query.values import Pointer, Value


def _user_name(cloud: Cloud, user_id: str) -> str | None:
    user = cloud.users.get(user_id)
    return user.name if user is not None else None


def _org_name(cloud: Cloud, org_id: str) -> str:
    return cloud.orgs[org_id].name


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


_VAPP: dict[str, Attribute[Vapp]] = {
    "name": Stored("name"),
    "description": Stored("description"),
    "vdc": Related("vdc_id", read=lambda cloud, vdc_id: Pointer(VDC, vdc_id)),
    "vdcName": Related("vdc_id", read=lambda cloud, vdc_id: cloud.vdcs[vdc_id].name),
    "org": Related("vdc_id", read=lambda cloud, vdc_id: Pointer(ORG, cloud.vdcs[vdc_id].org_id)),
    "owner": Related("owner_id", read=lambda cloud, owner_id: Pointer(USER, owner_id)),
    "ownerName": Related("owner_id", read=_user_name),
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
}


def _vapps(name: str, tag: str, *, admin: bool) -> RecordType[Vapp]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.vapps,
        visible=Access.sees_vapp,
        attributes=_VAPP,
        admin=admin,
        indexes={"name": "name", "vdc": "vdc", "owner": "owner"},
        references={"vdc": VDC, "owner": USER},
        has_metadata=True,
        very_many=True,
    )


OF_VM = ("vapp_id", "template_id")
"""What tells where a VM belongs: to a vApp, or to a template."""
Place = tuple[str | None, str | None]


def _container(_cloud: Cloud, place: Place) -> Pointer:
    vapp_id, template_id = place
    return Pointer(VAPP, vapp_id) if vapp_id is not None else Pointer(VAPP_TEMPLATE, template_id or "")


def _owner(cloud: Cloud, place: Place) -> Vapp | VappTemplate:
    vapp_id, template_id = place
    return cloud.vapps[vapp_id] if vapp_id is not None else cloud.templates[template_id or ""]


def _of_owner(read: Callable[[Cloud, Vapp | VappTemplate], Value]) -> Related:
    """What a VM's record says of its vApp or template."""
    return Related(*OF_VM, read=lambda cloud, place: read(cloud, _owner(cloud, place)))


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


_VM: dict[str, Attribute[Vm]] = {
    "name": Stored("name"),
    "container": Related(*OF_VM, read=_container),
    "containerName": _of_owner(lambda cloud, owner: owner.name),
    "vdc": _of_owner(lambda cloud, owner: Pointer(VDC, owner.vdc_id)),
    "org": _of_owner(lambda cloud, owner: Pointer(ORG, cloud.vdcs[owner.vdc_id].org_id)),
    "ownerName": _of_owner(lambda cloud, owner: _user_name(cloud, owner.owner_id)),
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
}
_ADMIN_VM: dict[str, Attribute[Vm]] = _VM | {
    "moref": Stored("moid"),
    "vc": Related("vim_server_id", read=lambda cloud, server_id: Pointer(VIM_SERVER, server_id)),
}


def _vms(name: str, tag: str, *, admin: bool) -> RecordType[Vm]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.vms,
        visible=Access.sees_vm,
        attributes=_ADMIN_VM if admin else _VM,
        admin=admin,
        owner="vapp_id",
        very_many=True,
        indexes={"name": "name"},
        has_metadata=True,
    )


def _pool_of(cloud: Cloud, vm: Vm) -> Pointer | None:
    pool = pool_of(cloud, vm)
    return Pointer(RESOURCE_POOL, pool.id) if pool is not None else None


_VMS_OF_POOLS = RecordType[Vm](
    name="resourcePoolVmList",
    tag="ResourcePoolVMRecord",
    table=lambda cloud: cloud.vms,
    visible=lambda access, vm: access.is_sysadmin and vm.vapp_id is not None,
    attributes=dict(_ADMIN_VM) | {"resourcePool": _pool_of},
    admin=True,
    indexes={"name": "name"},
)


_CATALOG: dict[str, Attribute[Catalog]] = {
    "name": lambda cloud, catalog: catalog.name,
    "description": lambda cloud, catalog: catalog.description,
    "org": lambda cloud, catalog: Pointer(ORG, catalog.org_id),
    "orgName": lambda cloud, catalog: _org_name(cloud, catalog.org_id),
    "owner": lambda cloud, catalog: Pointer(USER, catalog.owner_id),
    "ownerName": lambda cloud, catalog: _user_name(cloud, catalog.owner_id),
    "isShared": lambda cloud, catalog: (
        catalog.published or catalog.access.everyone is not None or bool(catalog.access.settings)
    ),
    "isPublished": lambda cloud, catalog: catalog.published,
    "isLocal": lambda cloud, catalog: True,
    "isExpired": lambda cloud, catalog: False,
    "status": lambda cloud, catalog: "READY",
    "version": lambda cloud, catalog: catalog.version,
    "creationDate": lambda cloud, catalog: float(catalog.created),
    "numberOfVAppTemplates": lambda cloud, catalog: cloud.items.count("catalog", catalog.id),
    "numberOfMedia": lambda cloud, catalog: 0,
}


def _catalogs(name: str, tag: str, *, admin: bool) -> RecordType[Catalog]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.catalogs,
        visible=Access.sees_catalog,
        attributes=_CATALOG,
        admin=admin,
        indexes={"org": "org"},
        references={"org": ORG},
        has_metadata=True,
    )


_ITEM: dict[str, Attribute[CatalogItem]] = {
    "name": lambda cloud, item: item.name,
    "description": lambda cloud, item: item.description,
    "catalog": lambda cloud, item: Pointer(CATALOG, item.catalog_id),
    "catalogName": lambda cloud, item: cloud.catalogs[item.catalog_id].name,
    "org": lambda cloud, item: Pointer(ORG, cloud.catalogs[item.catalog_id].org_id),
    "entity": lambda cloud, item: Pointer(VAPP_TEMPLATE, item.template_id),
    "entityName": lambda cloud, item: cloud.templates[item.template_id].name,
    "entityType": lambda cloud, item: "vapptemplate",
    "owner": lambda cloud, item: Pointer(USER, cloud.templates[item.template_id].owner_id),
    "ownerName": lambda cloud, item: _user_name(cloud, cloud.templates[item.template_id].owner_id),
    "vdc": lambda cloud, item: Pointer(VDC, cloud.templates[item.template_id].vdc_id),
    "vdcName": lambda cloud, item: cloud.vdcs[cloud.templates[item.template_id].vdc_id].name,
    "isPublished": lambda cloud, item: cloud.catalogs[item.catalog_id].published,
    "isExpired": lambda cloud, item: False,
    "isVdcEnabled": lambda cloud, item: cloud.vdcs[cloud.templates[item.template_id].vdc_id].enabled,
    "status": lambda cloud, item: cloud.templates[item.template_id].status.name,
    "creationDate": lambda cloud, item: float(item.created),
}


def _items(name: str, tag: str, *, admin: bool) -> RecordType[CatalogItem]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.items,
        visible=Access.sees_item,
        attributes=_ITEM,
        admin=admin,
        indexes={"catalog": "catalog"},
        references={"catalog": CATALOG},
        has_metadata=True,
    )


def _catalog_of(cloud: Cloud, template: VappTemplate) -> Catalog | None:
    item = cloud.items.get(template.catalog_item_id)
    return cloud.catalogs[item.catalog_id] if item is not None else None


def _catalog_name(cloud: Cloud, template: VappTemplate) -> str | None:
    catalog = _catalog_of(cloud, template)
    return catalog.name if catalog is not None else None


_TEMPLATE: dict[str, Attribute[VappTemplate]] = {
    "name": lambda cloud, template: template.name,
    "description": lambda cloud, template: template.description,
    "catalogItem": lambda cloud, template: (
        Pointer(CATALOG_ITEM, template.catalog_item_id) if template.catalog_item_id else None
    ),
    "catalogName": _catalog_name,
    "vdc": lambda cloud, template: Pointer(VDC, template.vdc_id),
    "vdcName": lambda cloud, template: cloud.vdcs[template.vdc_id].name,
    "org": lambda cloud, template: Pointer(ORG, cloud.vdcs[template.vdc_id].org_id),
    "owner": lambda cloud, template: Pointer(USER, template.owner_id),
    "ownerName": lambda cloud, template: _user_name(cloud, template.owner_id),
    "status": lambda cloud, template: template.status.name,
    "isBusy": lambda cloud, template: cloud.tasks.is_busy(template.id),
    "isDeployed": lambda cloud, template: False,
    "isEnabled": lambda cloud, template: True,
    "isExpired": lambda cloud, template: False,
    "isGoldMaster": lambda cloud, template: template.gold_master,
    "isInCatalog": lambda cloud, template: template.catalog_item_id is not None,
    "version": lambda cloud, template: template.version,
    "creationDate": lambda cloud, template: float(template.created),
    "numberOfVMs": lambda cloud, template: len(template.vm_ids),
    "numberOfCpus": lambda cloud, template: sum(vm.hardware.cpu_count for vm in cloud.vms_of(template)),
    "memoryAllocationMB": lambda cloud, template: sum(vm.hardware.memory_mb for vm in cloud.vms_of(template)),
    "storageKB": lambda cloud, template: sum(vm.hardware.storage_kb for vm in cloud.vms_of(template)),
}


def _templates(name: str, tag: str, *, admin: bool) -> RecordType[VappTemplate]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.templates,
        visible=Access.sees_template,
        attributes=_TEMPLATE,
        admin=admin,
        indexes={"vdc": "vdc", "owner": "owner"},
        references={"vdc": VDC, "owner": USER},
        has_metadata=True,
    )


TYPES = (
    _vapps("vApp", "VAppRecord", admin=False),
    _vapps("adminVApp", "AdminVAppRecord", admin=True),
    _vms("vm", "VMRecord", admin=False),
    _vms("adminVM", "AdminVMRecord", admin=True),
    _VMS_OF_POOLS,
    _catalogs("catalog", "CatalogRecord", admin=False),
    _catalogs("adminCatalog", "AdminCatalogRecord", admin=True),
    _items("catalogItem", "CatalogItemRecord", admin=False),
    _items("adminCatalogItem", "AdminCatalogItemRecord", admin=True),
    _templates("vAppTemplate", "VAppTemplateRecord", admin=False),
    _templates("adminVAppTemplate", "AdminVAppTemplateRecord", admin=True),
)
