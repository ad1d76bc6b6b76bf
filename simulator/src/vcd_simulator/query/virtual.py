"""Records of vApps, VMs, catalogs, items and templates."""

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, CatalogItem, Vapp, VappTemplate, Vm
from vcd_simulator.model.kinds import CATALOG, CATALOG_ITEM, ORG, USER, VAPP, VAPP_TEMPLATE, VDC, VIM_SERVER
from vcd_simulator.operations.status import status_of
from vcd_simulator.query.types import Attribute, RecordType
from vcd_simulator.query.values import Pointer


def _user_name(cloud: Cloud, user_id: str) -> str | None:
    user = cloud.users.get(user_id)
    return user.name if user is not None else None


def _org_name(cloud: Cloud, org_id: str) -> str:
    return cloud.orgs[org_id].name


_VAPP: dict[str, Attribute[Vapp]] = {
    "name": lambda cloud, vapp: vapp.name,
    "description": lambda cloud, vapp: vapp.description,
    "vdc": lambda cloud, vapp: Pointer(VDC, vapp.vdc_id),
    "vdcName": lambda cloud, vapp: cloud.vdcs[vapp.vdc_id].name,
    "org": lambda cloud, vapp: Pointer(ORG, cloud.vdcs[vapp.vdc_id].org_id),
    "owner": lambda cloud, vapp: Pointer(USER, vapp.owner_id),
    "ownerName": lambda cloud, vapp: _user_name(cloud, vapp.owner_id),
    "status": lambda cloud, vapp: status_of(cloud, vapp).name,
    "isDeployed": lambda cloud, vapp: vapp.deployed,
    "isEnabled": lambda cloud, vapp: True,
    "isBusy": lambda cloud, vapp: cloud.tasks.is_busy(vapp.id),
    "isExpired": lambda cloud, vapp: False,
    "isInMaintenanceMode": lambda cloud, vapp: False,
    "creationDate": lambda cloud, vapp: float(vapp.created),
    "numberOfVMs": lambda cloud, vapp: len(vapp.vm_ids),
    "numberOfCpus": lambda cloud, vapp: sum(vm.hardware.cpu_count for vm in cloud.vms_of(vapp)),
    "memoryAllocationMB": lambda cloud, vapp: sum(vm.hardware.memory_mb for vm in cloud.vms_of(vapp)),
    "storageKB": lambda cloud, vapp: sum(_disk_mb(vm) for vm in cloud.vms_of(vapp)) * 1024,
}


def _disk_mb(vm: Vm) -> int:
    return sum(disk.capacity_mb for disk in vm.hardware.disks)


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
    )


def _container(vm: Vm) -> Pointer:
    if vm.vapp_id is not None:
        return Pointer(VAPP, vm.vapp_id)
    return Pointer(VAPP_TEMPLATE, vm.template_id or "")


def _owner(cloud: Cloud, vm: Vm) -> Vapp | VappTemplate:
    return cloud.vapps[vm.vapp_id] if vm.vapp_id is not None else cloud.templates[vm.template_id or ""]


def _primary_address(vm: Vm) -> str | None:
    for nic in vm.nics:
        if nic.index == vm.primary_nic:
            return nic.ip_address
    return None


def _primary_network(vm: Vm) -> str | None:
    return next((nic.network for nic in vm.nics if nic.index == vm.primary_nic), None)


_VM: dict[str, Attribute[Vm]] = {
    "name": lambda cloud, vm: vm.name,
    "container": lambda cloud, vm: _container(vm),
    "containerName": lambda cloud, vm: _owner(cloud, vm).name,
    "vdc": lambda cloud, vm: Pointer(VDC, _owner(cloud, vm).vdc_id),
    "org": lambda cloud, vm: Pointer(ORG, cloud.vdcs[_owner(cloud, vm).vdc_id].org_id),
    "ownerName": lambda cloud, vm: _user_name(cloud, _owner(cloud, vm).owner_id),
    "status": lambda cloud, vm: vm.status.name,
    "isDeployed": lambda cloud, vm: vm.deployed,
    "isDeleted": lambda cloud, vm: False,
    "isVAppTemplate": lambda cloud, vm: vm.template_id is not None,
    "isBusy": lambda cloud, vm: cloud.tasks.is_busy(vm.id),
    "guestOs": lambda cloud, vm: vm.os_type,
    "hardwareVersion": lambda cloud, vm: vm.hardware_version,
    "numberOfCpus": lambda cloud, vm: vm.hardware.cpu_count,
    "memoryMB": lambda cloud, vm: vm.hardware.memory_mb,
    "ipAddress": lambda cloud, vm: _primary_address(vm),
    "networkName": lambda cloud, vm: _primary_network(vm),
    "dateCreated": lambda cloud, vm: float(vm.created),
}
_ADMIN_VM: dict[str, Attribute[Vm]] = _VM | {
    "moref": lambda cloud, vm: vm.moid,
    "vc": lambda cloud, vm: Pointer(VIM_SERVER, vm.vim_server_id),
}


def _vms(name: str, tag: str, *, admin: bool) -> RecordType[Vm]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.vms,
        visible=Access.sees_vm,
        attributes=_ADMIN_VM if admin else _VM,
        admin=admin,
        indexes={"name": "name"},
        has_metadata=True,
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
    "storageKB": lambda cloud, template: sum(_disk_mb(vm) for vm in cloud.vms_of(template)) * 1024,
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
    _catalogs("catalog", "CatalogRecord", admin=False),
    _catalogs("adminCatalog", "AdminCatalogRecord", admin=True),
    _items("catalogItem", "CatalogItemRecord", admin=False),
    _items("adminCatalogItem", "AdminCatalogItemRecord", admin=True),
    _templates("vAppTemplate", "VAppTemplateRecord", admin=False),
    _templates("adminVAppTemplate", "AdminVAppTemplateRecord", admin=True),
)
