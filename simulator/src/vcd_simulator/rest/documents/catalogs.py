"""Catalogs, catalog items and vApp templates."""

from urllib.parse import quote

from vcd_simulator.model.compute import Catalog, CatalogItem, VappTemplate
from vcd_simulator.model.kinds import ADMIN, VCLOUD
from vcd_simulator.model.task import Task
from vcd_simulator.model.transfer import Transfer
from vcd_simulator.operations.uploads import OPERATION
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import (
    CONTROL_ACCESS,
    METADATA,
    OWNER,
    created,
    link,
    owner_element,
    reference,
    running_tasks,
    tasks_element,
)
from vcd_simulator.rest.documents.vms import lease_section, vm
from vcd_simulator.rest.xml import OVF_NS, Element, document, ovf, qualified, vcloud


def catalog(context: Context, entity: Catalog, *, admin: bool = False, tasks: list[Task] | None = None) -> Element:
    cloud = context.cloud
    items = [
        vcloud(
            "CatalogItem",
            name=item.name,
            id=item.id,
            type=item.kind.media_type,
            href=context.href(item),
        )
        for item in cloud.items.find("catalog", entity.id)
    ]
    return vcloud(
        "AdminCatalog" if admin else "Catalog",
        _catalog_links(context, entity, admin),
        tasks_element(context, running_tasks(context, entity.id) if tasks is None else tasks),
        vcloud("Description", entity.description),
        owner_element(context, entity.owner_id),
        vcloud("CatalogItems", items),
        vcloud("IsPublished", entity.published),
        created(entity.created),
        vcloud("VersionNumber", entity.version),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity, admin=admin),
        type=entity.kind.media(admin),
    )


def _catalog_links(context: Context, entity: Catalog, admin: bool) -> list[Element | None]:
    access = context.access
    path, admin_path = entity.kind.href_path(entity.id), entity.kind.href_path(entity.id, True)
    acl = f"/api/org/{entity.org_id}/catalog/{entity.id}"
    org = context.cloud.orgs[entity.org_id]
    owns = access.may_change_catalog(entity, "FullControl")
    changes = access.may_change_catalog(entity)
    publishes = owns and access.has("Catalog: Publish") and (org.can_publish_catalogs or entity.published)
    return [
        link(context, "up", org.kind.href_path(org.id), org.kind.media_type),
        link(context, "up", org.kind.href_path(org.id, True), org.kind.admin_media_type)
        if admin and access.has("Organization: View")
        else None,
        link(context, "down", f"{admin_path if admin else path}/metadata", METADATA),
        link(context, "down", f"{path}/owner", OWNER),
        link(context, "down", f"{acl}/controlAccess/", CONTROL_ACCESS) if access.has("Catalog: View ACL") else None,
        link(context, "controlAccess", f"{acl}/action/controlAccess", CONTROL_ACCESS)
        if owns and access.has("Catalog: Sharing")
        else None,
        link(context, "publish", f"{admin_path}/action/publish", ADMIN + "publishCatalogParams+xml")
        if publishes
        else None,
        link(context, "remove", admin_path)
        if admin and owns and access.has("Catalog: Create / Delete a Catalog")
        else None,
        link(context, "edit", admin_path, entity.kind.admin_media_type)
        if admin and owns and access.has("Catalog: Edit Properties")
        else None,
        link(context, "add", f"{path}/action/upload", VCLOUD + "uploadVAppTemplateParams+xml")
        if changes and access.has("vApp Template / Media: Create / Upload")
        else None,
        link(context, "add", f"{path}/action/captureVApp", VCLOUD + "captureVAppParams+xml")
        if changes and access.has("Catalog: Add vApp from My Cloud")
        else None,
        link(context, "alternate", path, entity.kind.media_type) if admin else None,
        link(context, "alternate", admin_path, entity.kind.admin_media_type)
        if not admin and (access.is_sysadmin or entity.org_id == access.org.id)
        else None,
    ]


def catalog_item(context: Context, entity: CatalogItem, *, tasks: list[Task] | None = None) -> Element:
    cloud = context.cloud
    owner = cloud.catalogs[entity.catalog_id]
    path = entity.kind.href_path(entity.id)
    changes = context.access.may_change_catalog(owner) and context.access.has("vApp Template / Media: Edit")
    return vcloud(
        "CatalogItem",
        link(context, "up", owner.kind.href_path(owner.id), owner.kind.media_type),
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "edit", path, entity.kind.media_type) if changes else None,
        link(context, "remove", path) if changes else None,
        tasks_element(context, tasks or []),
        vcloud("Description", entity.description),
        reference(context, "Entity", cloud.templates[entity.template_id]),
        created(entity.created),
        vcloud("VersionNumber", entity.version),
        name=entity.name,
        id=context.urn(entity),
        size=sum(
            disk.capacity_mb for one in cloud.vms_of(cloud.templates[entity.template_id]) for disk in one.hardware.disks
        )
        * 1024**2,
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def _tasks_of_template(context: Context, entity: VappTemplate) -> list[Task]:
    """What runs, or else the upload that made the template: clients look for it after the last byte."""
    found = context.cloud.tasks.tasks.find("owner", entity.id)
    running = [task for task in found if not task.status.is_final]
    return running or [task for task in found if task.operation_name == OPERATION][-1:]


def _files(context: Context, transfer: Transfer) -> Element:
    """The files of an upload, the descriptor first, with where to send each of them."""
    return vcloud(
        "Files",
        [
            vcloud(
                "File",
                link(context, "upload:default", f"/transfer/{transfer.id}/{quote(one.name, safe='')}"),
                name=one.name,
                size=-1 if one.size is None else one.size,
                bytesTransferred=one.bytes_transferred,
            )
            for one in transfer.files.values()
        ],
    )


def template(context: Context, entity: VappTemplate) -> Element:
    """A vApp template. While it is being uploaded it has files and no children."""
    cloud = context.cloud
    path = entity.kind.href_path(entity.id)
    item = cloud.items.get(entity.catalog_item_id)
    owner = cloud.catalogs.get(item.catalog_id) if item is not None else None
    access = context.access
    changes = owner is not None and access.may_change_catalog(owner) and access.has("vApp Template / Media: Edit")
    vdc = cloud.vdcs[entity.vdc_id]
    children = [vm(context, one) for one in cloud.vms_of(entity)]
    transfer = cloud.transfers.first("template", entity.id)
    return document(
        "VAppTemplate",
        link(context, "up", vdc.kind.href_path(vdc.id), vdc.kind.media_type),
        link(context, "catalogItem", item.kind.href_path(item.id), item.kind.media_type) if item is not None else None,
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "down", f"{path}/owner", OWNER),
        link(context, "edit", path, entity.kind.media_type) if changes else None,
        link(context, "remove", path) if changes else None,
        vcloud("Description", entity.description),
        tasks_element(context, _tasks_of_template(context, entity)),
        _files(context, transfer) if transfer is not None else None,
        owner_element(context, entity.owner_id),
        vcloud("Children", children) if children else None,
        ovf(
            "NetworkSection",
            ovf("Info", "The list of logical networks"),
            [
                ovf("Network", ovf("Description", text), qualified(OVF_NS, name=name))
                for name, text in entity.networks.items()
            ],
        ),
        lease_section(context, path, None, edits=False),
        vcloud(
            "CustomizationSection",
            ovf("Info", "VApp template customization section"),
            vcloud("CustomizeOnInstantiate", entity.customize_on_instantiate),
            qualified(OVF_NS, required=False),
            goldMaster=entity.gold_master,
            type=VCLOUD + "customizationSection+xml",
            href=context.url(f"{path}/customizationSection/"),
        ),
        created(entity.created),
        goldMaster=entity.gold_master,
        ovfDescriptorUploaded=entity.ovf_descriptor_uploaded,
        status=entity.status.value,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )
