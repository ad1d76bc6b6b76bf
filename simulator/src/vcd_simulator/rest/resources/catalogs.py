"""Catalogs and catalog items."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Catalog
from vcd_simulator.operations import catalogs
from vcd_simulator.operations.names import check_name
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import catalogs as documents
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import child, flag_of, text_of

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


def _catalog_to_change(context: Context, catalog_id: str, right: str) -> Catalog:
    return context.access.catalog_to_change(catalog_id, right)


@router.delete("/api/catalogItem/{item_id}")
def delete_item(context: Context, item_id: str) -> Reply:
    item = context.access.item_by_id(item_id)
    _catalog_to_change(context, item.catalog_id, "vApp Template / Media: Edit")
    catalogs.delete_item(context.cloud, item)
    return Reply(status=204)
