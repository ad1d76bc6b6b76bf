"""Organisations."""

from vcd_simulator.model.tenancy import Org
from vcd_simulator.operations import catalogs, removal, tenancy
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import catalogs as catalog_documents
from vcd_simulator.rest.documents import orgs as documents
from vcd_simulator.rest.documents.common import task_element
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.requests.org_settings import read_general
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, children, flag_of, text_of

router = Router()


@router.get("/api/org")
def list_orgs(context: Context) -> Reply:
    return Reply(content=documents.org_list(context))


@router.get("/api/org/{org_id}")
def get_org(context: Context, org_id: str) -> Reply:
    return Reply(content=documents.org(context, context.access.org_by_id(org_id)))


@router.get("/api/admin")
def get_cloud(context: Context) -> Reply:
    return Reply(content=documents.vcloud_document(context))


@router.get("/api/admin/org/{org_id}")
def get_admin_org(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    context.access.require("Organization: View")
    return Reply(content=documents.admin_org(context, org))


@router.post("/api/admin/orgs")
def create_org(context: Context) -> Reply:
    context.access.require_provider("Organization: Create / Delete")
    root = require_root(context.xml(), "AdminOrg", "Org")
    enabled = flag_of(root, "IsEnabled", False)
    general = read_general(child(root, "Settings/OrgGeneralSettings"))
    tenancy.check_general(general)
    org = tenancy.create_org(
        context.cloud,
        root.get("name") or "",
        full_name=text_of(root, "FullName"),
        description=text_of(root, "Description"),
        enabled=enabled,
    )
    tenancy.set_general(org, general)
    return _org_reply(context, org, 201)


def _org_reply(context: Context, org: Org, status: int = 200) -> Reply:
    headers = {"location": context.href(org, admin=True)} if status == 201 else {}
    return Reply(status=status, content=documents.admin_org(context, org), headers=headers)


@router.put("/api/admin/org/{org_id}")
def update_org(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    context.access.require("Organization: Edit Properties")
    root = require_root(context.xml(), "AdminOrg", "Org")
    if context.access.is_sysadmin:
        general = read_general(child(root, "Settings/OrgGeneralSettings"))
        tenancy.check_general(general)
        _set_enabled(context, org, enabled=flag_of(root, "IsEnabled", org.enabled))
        tenancy.set_general(org, general)
    _describe(org, root)
    return _org_reply(context, org)


def _set_enabled(context: Context, org: Org, *, enabled: bool) -> None:
    tenancy.set_enabled(org, enabled=enabled)
    if not enabled:
        context.sessions.end_of_org(org.id)


def _describe(org: Org, root: Element) -> None:
    if child(root, "Description") is not None:
        org.description = text_of(root, "Description")
    if child(root, "FullName") is not None:
        org.full_name = text_of(root, "FullName")


@router.post("/api/admin/org/{org_id}/action/enable")
def enable_org(context: Context, org_id: str) -> Reply:
    context.access.require_provider("Organization: Edit")
    _set_enabled(context, context.access.org_by_id(org_id), enabled=True)
    return Reply(status=204)


@router.post("/api/admin/org/{org_id}/action/disable")
def disable_org(context: Context, org_id: str) -> Reply:
    context.access.require_provider("Organization: Edit")
    _set_enabled(context, context.access.org_by_id(org_id), enabled=False)
    return Reply(status=204)


@router.delete("/api/admin/org/{org_id}")
def delete_org(context: Context, org_id: str) -> Reply:
    context.access.require_provider("Organization: Create / Delete")
    org = context.access.org_by_id(org_id)
    task = removal.delete_org(
        context.cloud, context.session.user, org, recursive=context.flag("recursive"), force=context.flag("force")
    )
    return Reply(status=202, content=task_element(context, task))


@router.get("/api/admin/org/{org_id}/rights")
def get_rights(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    context.access.require("Right: View")
    return Reply(content=documents.rights_of_org(context, org))


@router.post("/api/admin/org/{org_id}/rights")
def add_rights(context: Context, org_id: str) -> Reply:
    return _set_rights(context, org_id, replace=False)


@router.put("/api/admin/org/{org_id}/rights")
def replace_rights(context: Context, org_id: str) -> Reply:
    return _set_rights(context, org_id, replace=True)


def _set_rights(context: Context, org_id: str, *, replace: bool) -> Reply:
    context.access.require_provider("Organization: Edit")
    org = context.access.org_by_id(org_id)
    root = require_root(context.xml(), "OrgRights", "RightReferences")
    rights = [referenced_id(one, "RightReference") for one in children(root, "RightReference")]
    tenancy.add_rights_to_org(context.cloud, org, rights, replace=replace)
    return Reply(content=documents.rights_of_org(context, org))


@router.post("/api/admin/org/{org_id}/catalogs")
def create_catalog(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    context.access.require("Catalog: Create / Delete a Catalog")
    root = require_root(context.xml(), "AdminCatalog", "Catalog")
    catalog, task = catalogs.create_catalog(
        context.cloud, context.session.user, org, root.get("name") or "", text_of(root, "Description")
    )
    document = catalog_documents.catalog(context, catalog, admin=True, tasks=[task])
    return Reply(status=201, content=document, headers={"location": context.href(catalog, admin=True)})
