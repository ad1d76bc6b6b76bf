"""Catalogs and catalog items."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Catalog, CatalogItem
from vcd_simulator.operations import captures, catalogs, uploads
from vcd_simulator.operations.names import check_name
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import catalogs as documents
from vcd_simulator.rest.jsonbody import TYPE
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, attribute_flag, child, flag_of, local_name, text_of

router = Router()


@router.get("/api/catalog/{catalog_id}")
def get_catalog(context: Context, catalog_id: str) -> Reply:
    return Reply(content=documents.catalog(context, context.access.catalog_by_id(catalog_id)))


@router.get("/api/admin/catalog/{catalog_id}")
def get_admin_catalog(context: Context, catalog_id: str) -> Reply:
    catalog = context.access.catalog_by_id(catalog_id)
    if not context.access.is_sysadmin and catalog.org_id != context.access.org.id:
        raise errors.no_access("catalog", catalog_id)
    return Reply(content=documents.catalog(context, catalog, admin=True))


@router.put("/api/admin/catalog/{catalog_id}")
def update_catalog(context: Context, catalog_id: str) -> Reply:
    catalog = context.access.catalog_to_change(catalog_id, "Catalog: Edit Properties", "FullControl")
    root = require_root(context.xml(), "AdminCatalog", "Catalog")
    name = root.get("name") or catalog.name
    catalogs.update_catalog(context.cloud, catalog, name, text_of(root, "Description", catalog.description))
    return Reply(content=documents.catalog(context, catalog, admin=True))


@router.delete("/api/admin/catalog/{catalog_id}", "/api/catalog/{catalog_id}")
def delete_catalog(context: Context, catalog_id: str) -> Reply:
    catalog = context.access.catalog_to_change(catalog_id, "Catalog: Create / Delete a Catalog", "FullControl")
    catalogs.delete_catalog(context.cloud, catalog, recursive=context.flag("recursive"))
    return Reply(status=204)


@router.post("/api/admin/catalog/{catalog_id}/action/publish", "/api/catalog/{catalog_id}/action/publish")
def publish(context: Context, catalog_id: str) -> Reply:
    catalog = context.access.catalog_to_change(catalog_id, "Catalog: Publish", "FullControl")
    root = require_root(context.xml(), "PublishCatalogParams")
    catalogs.publish_catalog(context.cloud, catalog, flag_of(root, "IsPublished"))
    return Reply(status=204)


@router.get("/api/catalog/{catalog_id}/catalogItems")
def list_items(context: Context, catalog_id: str) -> Reply:
    return get_catalog(context, catalog_id)


@router.get("/api/catalogItem/{item_id}")
def get_item(context: Context, item_id: str) -> Reply:
    return Reply(content=documents.catalog_item(context, context.access.item_by_id(item_id)))


@router.put("/api/catalogItem/{item_id}")
def update_item(context: Context, item_id: str) -> Reply:
    item = context.access.item_by_id(item_id)
    catalog = _catalog_to_change(context, item.catalog_id, "vApp Template / Media: Edit")
    root = require_root(context.xml(), "CatalogItem")
    name = check_name("catalog item", root.get("name") or item.name)
    other = context.cloud.items.first("name", (catalog.id, name))
    if other is not None and other is not item:
        raise errors.duplicate_name("catalogItem", name)
    entity = child(root, "Entity")
    if entity is not None and referenced_id(entity, "Entity") != item.template_id:
        raise errors.bad_request("Bad request: validation error, the entity of a catalog item cannot be changed.")
    item.name, item.description = name, text_of(root, "Description", item.description)
    item.version += 1
    context.cloud.items.reindex(item)
    return Reply(content=documents.catalog_item(context, item))


@router.post("/api/catalog/{catalog_id}/action/upload")
def upload(context: Context, catalog_id: str) -> Reply:
    """Begin to upload a vApp template; the answer's entity says where its descriptor goes."""
    catalog = _catalog_to_change(context, catalog_id, "vApp Template / Media: Create / Upload")
    root = context.xml()
    if local_name(root) == "Media" or root.get(TYPE) == "MediaType":
        raise errors.not_allowed("Media are not available in this cloud.")
    require_root(root, "UploadVAppTemplateParams")
    storage = child(root, "VdcStorageProfile")
    profile = context.access.profile_by_id(referenced_id(storage, "VdcStorageProfile")) if storage is not None else None
    if profile is not None and context.cloud.vdcs[profile.vdc_id].org_id != catalog.org_id:
        raise errors.no_access("vdcStorageProfile", profile.id)
    item = uploads.begin_upload(
        context.cloud,
        context.session.user,
        catalog,
        root.get("name") or "",
        text_of(root, "Description"),
        profile=profile,
        manifest=attribute_flag(root, "manifestRequired"),
    )
    document = documents.catalog_item(context, item)
    return Reply(status=201, content=document, headers={"location": context.href(item)})


@router.post("/api/catalog/{catalog_id}/action/captureVApp")
def capture(context: Context, catalog_id: str) -> Reply:
    """Make a template of a vApp. The answer is the task alone; its owner is the new template."""
    catalog = _catalog_to_change(context, catalog_id, "Catalog: Add vApp from My Cloud")
    root = require_root(context.xml(), "CaptureVAppParams")
    vapp = context.access.vapp_to_change(referenced_id(child(root, "Source"), "Source"), "vApp: Copy")
    spec = captures.CaptureSpec(
        name=root.get("name") or vapp.name,
        description=text_of(root, "Description"),
        customize_on_instantiate=flag_of(root, "CustomizationSection/CustomizeOnInstantiate", True),
        target=_overwritten(context, catalog, child(root, "TargetCatalogItem")),
    )
    return accepted(context, captures.capture(context.cloud, context.session.user, catalog, vapp, spec))


def _overwritten(context: Context, catalog: Catalog, target: Element | None) -> CatalogItem | None:
    if target is None:
        return None
    item = context.access.item_by_id(referenced_id(target, "TargetCatalogItem"))
    if item.catalog_id != catalog.id:
        raise errors.no_access("catalogItem", item.id)
    context.access.require("vApp Template / Media: Edit")
    return item


def _catalog_to_change(context: Context, catalog_id: str, right: str) -> Catalog:
    return context.access.catalog_to_change(catalog_id, right)


@router.delete("/api/catalogItem/{item_id}")
def delete_item(context: Context, item_id: str) -> Reply:
    item = context.access.item_by_id(item_id)
    _catalog_to_change(context, item.catalog_id, "vApp Template / Media: Edit")
    uploads.abort(context.cloud, context.cloud.templates[item.template_id])
    catalogs.delete_item(context.cloud, item)
    return Reply(status=204)
