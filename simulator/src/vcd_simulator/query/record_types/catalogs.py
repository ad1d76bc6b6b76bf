"""Records of catalogs, their items and the templates behind them."""

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, CatalogItem, Status, VappTemplate
from vcd_simulator.model.kinds import CATALOG, CATALOG_ITEM, ORG, USER, VAPP_TEMPLATE, VDC
from vcd_simulator.query.record_types.attributes import org_name, pointer, user_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_CATALOGS = RecordType[Catalog](
    name="catalog",
    tag="CatalogRecord",
    table=lambda cloud: cloud.catalogs,
    visible=Access.sees_catalog,
    attributes={
        "name": lambda cloud, catalog: catalog.name,
        "description": lambda cloud, catalog: catalog.description,
        "org": lambda cloud, catalog: Pointer(ORG, catalog.org_id),
        "orgName": lambda cloud, catalog: org_name(cloud, catalog.org_id),
        "owner": lambda cloud, catalog: Pointer(USER, catalog.owner_id),
        "ownerName": lambda cloud, catalog: user_name(cloud, catalog.owner_id),
        "isShared": lambda cloud, catalog: (
            catalog.published or catalog.access.everyone is not None or bool(catalog.access.settings)
        ),
        "isPublished": lambda cloud, catalog: catalog.published,
        "isLocal": lambda cloud, catalog: True,
        "publishSubscriptionType": lambda cloud, catalog: "UNPUBLISHED",
        "isExpired": lambda cloud, catalog: False,
        "status": lambda cloud, catalog: "READY",
        "version": lambda cloud, catalog: catalog.version,
        "creationDate": lambda cloud, catalog: float(catalog.created),
        "numberOfVAppTemplates": lambda cloud, catalog: cloud.items.count("catalog", catalog.id),
        "numberOfMedia": lambda cloud, catalog: 0,
    },
    indexes={"org": Index("org", ORG)},
    has_metadata=True,
)


def _status(template: VappTemplate) -> str:
    """The status of what can be used is 8 in documents and RESOLVED in records; CSE 1.2.0 waits for that."""
    return Status.RESOLVED.name if template.status is Status.POWERED_OFF else template.status.name


_ITEMS = RecordType[CatalogItem](
    name="catalogItem",
    tag="CatalogItemRecord",
    table=lambda cloud: cloud.items,
    visible=Access.sees_item,
    attributes={
        "name": lambda cloud, item: item.name,
        "description": lambda cloud, item: item.description,
        "catalog": lambda cloud, item: Pointer(CATALOG, item.catalog_id),
        "catalogName": lambda cloud, item: cloud.catalogs[item.catalog_id].name,
        "org": lambda cloud, item: Pointer(ORG, cloud.catalogs[item.catalog_id].org_id),
        "entity": lambda cloud, item: Pointer(VAPP_TEMPLATE, item.template_id),
        "entityName": lambda cloud, item: cloud.templates[item.template_id].name,
        "entityType": lambda cloud, item: "vapptemplate",
        "owner": lambda cloud, item: Pointer(USER, cloud.templates[item.template_id].owner_id),
        "ownerName": lambda cloud, item: user_name(cloud, cloud.templates[item.template_id].owner_id),
        "vdc": lambda cloud, item: Pointer(VDC, cloud.templates[item.template_id].vdc_id),
        "vdcName": lambda cloud, item: cloud.vdcs[cloud.templates[item.template_id].vdc_id].name,
        "isPublished": lambda cloud, item: cloud.catalogs[item.catalog_id].published,
        "isExpired": lambda cloud, item: False,
        "isVdcEnabled": lambda cloud, item: cloud.vdcs[cloud.templates[item.template_id].vdc_id].enabled,
        "status": lambda cloud, item: _status(cloud.templates[item.template_id]),
        "creationDate": lambda cloud, item: float(item.created),
    },
    indexes={"catalog": Index("catalog", CATALOG)},
    has_metadata=True,
)


def _catalog_name(cloud: Cloud, template: VappTemplate) -> str | None:
    item = cloud.items.get(template.catalog_item_id)
    return cloud.catalogs[item.catalog_id].name if item is not None else None


def _is_published(cloud: Cloud, template: VappTemplate) -> bool:
    item = cloud.items.get(template.catalog_item_id)
    return item is not None and cloud.catalogs[item.catalog_id].published


_TEMPLATES = RecordType[VappTemplate](
    name="vAppTemplate",
    tag="VAppTemplateRecord",
    table=lambda cloud: cloud.templates,
    visible=Access.sees_template,
    attributes={
        "name": lambda cloud, template: template.name,
        "description": lambda cloud, template: template.description,
        "catalogItem": lambda cloud, template: pointer(CATALOG_ITEM, template.catalog_item_id),
        "catalogName": _catalog_name,
        "vdc": lambda cloud, template: Pointer(VDC, template.vdc_id),
        "vdcName": lambda cloud, template: cloud.vdcs[template.vdc_id].name,
        "org": lambda cloud, template: Pointer(ORG, cloud.vdcs[template.vdc_id].org_id),
        "owner": lambda cloud, template: Pointer(USER, template.owner_id),
        "ownerName": lambda cloud, template: user_name(cloud, template.owner_id),
        "status": lambda cloud, template: _status(template),
        "isBusy": lambda cloud, template: cloud.tasks.is_busy(template.id),
        "isDeployed": lambda cloud, template: False,
        "isEnabled": lambda cloud, template: True,
        "isExpired": lambda cloud, template: False,
        "isGoldMaster": lambda cloud, template: template.gold_master,
        "isInCatalog": lambda cloud, template: template.catalog_item_id is not None,
        "isPublished": _is_published,
        "version": lambda cloud, template: template.version,
        "creationDate": lambda cloud, template: float(template.created),
        "numberOfVMs": lambda cloud, template: len(template.vm_ids),
        "numberOfCpus": lambda cloud, template: sum(vm.hardware.cpu_count for vm in cloud.vms_of(template)),
        "memoryAllocationMB": lambda cloud, template: sum(vm.hardware.memory_mb for vm in cloud.vms_of(template)),
        "storageKB": lambda cloud, template: sum(vm.hardware.storage_kb for vm in cloud.vms_of(template)),
    },
    indexes={"vdc": Index("vdc", VDC), "owner": Index("owner", USER)},
    has_metadata=True,
)

TYPES = (
    _CATALOGS,
    _CATALOGS.for_administrators(
        "adminCatalog",
        "AdminCatalogRecord",
        attributes={"numberOfTemplates": lambda cloud, catalog: cloud.items.count("catalog", catalog.id)},
    ),
    _ITEMS,
    _ITEMS.for_administrators("adminCatalogItem", "AdminCatalogItemRecord"),
    _TEMPLATES,
    _TEMPLATES.for_administrators("adminVAppTemplate", "AdminVAppTemplateRecord"),
)
