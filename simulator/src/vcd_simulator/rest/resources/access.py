"""Owners and access control lists."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Catalog
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import catalogs, vapps
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents.common import control_access, owner_element
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.requests.sharing import access_control
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import child

router = Router()
_CATALOG_ACL = "/api/org/{org_id}/catalog/{catalog_id}"
_VDC_ACL = "/api/org/{org_id}/vdc/{vdc_id}"


def _owner(context: Context, user_id: str) -> Reply:
    document = owner_element(context, user_id)
    if document is None:
        raise errors.no_access("user", user_id)
    return Reply(content=document)


def _new_owner(context: Context, org_id: str) -> User:
    """The user that an `Owner` document names, who must be of the entity's organisation."""
    root = require_root(context.xml(), "Owner")
    user_id = referenced_id(child(root, "User"), "User")
    user = context.access.user_by_id(user_id)
    if user.org_id != org_id:
        raise errors.no_access("user", user_id)
    return user


@router.get("/api/vApp/vapp-{vapp_id}/owner")
def get_vapp_owner(context: Context, vapp_id: str) -> Reply:
    return _owner(context, context.access.vapp_by_id(vapp_id).owner_id)


@router.put("/api/vApp/vapp-{vapp_id}/owner")
def change_vapp_owner(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, "vApp: Change Owner")
    owner = _new_owner(context, context.cloud.vdcs[vapp.vdc_id].org_id)
    vapps.change_owner(context.cloud, vapp, owner)
    return Reply(status=204)


@router.get("/api/vApp/vapp-{vapp_id}/controlAccess")
def get_vapp_access(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    context.access.require("vApp: View ACL")
    return Reply(content=control_access(context, vapp.access))


@router.post("/api/vApp/vapp-{vapp_id}/action/controlAccess")
def set_vapp_access(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    context.access.require("vApp: Sharing")
    if not context.access.controls_vapp(vapp):
        raise errors.no_access("vApp", vapp_id)
    vapp.access = access_control(context, context.xml())
    return Reply(content=control_access(context, vapp.access))


@router.get("/api/vAppTemplate/vappTemplate-{template_id}/owner")
def get_template_owner(context: Context, template_id: str) -> Reply:
    return _owner(context, context.access.template_by_id(template_id).owner_id)


@router.get("/api/catalog/{catalog_id}/owner", "/api/admin/catalog/{catalog_id}/owner")
def get_catalog_owner(context: Context, catalog_id: str) -> Reply:
    return _owner(context, context.access.catalog_by_id(catalog_id).owner_id)


@router.put("/api/catalog/{catalog_id}/owner", "/api/admin/catalog/{catalog_id}/owner")
def change_catalog_owner(context: Context, catalog_id: str) -> Reply:
    catalog = context.access.catalog_to_change(catalog_id, "Catalog: Change Owner", "FullControl")
    catalog.owner_id = _new_owner(context, catalog.org_id).id
    return Reply(status=204)


@router.get(
    f"{_CATALOG_ACL}/controlAccess",
    "/api/catalog/{catalog_id}/controlAccess",
    "/api/admin/catalog/{catalog_id}/controlAccess",
)
def get_catalog_access(context: Context, catalog_id: str, org_id: str | None = None) -> Reply:
    catalog = _catalog(context, catalog_id, org_id)
    context.access.require("Catalog: View ACL")
    if not context.access.is_sysadmin and catalog.org_id != context.access.org.id:
        raise errors.no_access("catalog", catalog_id)
    return Reply(content=control_access(context, catalog.access))


@router.post(
    f"{_CATALOG_ACL}/action/controlAccess",
    "/api/catalog/{catalog_id}/action/controlAccess",
    "/api/admin/catalog/{catalog_id}/action/controlAccess",
)
def set_catalog_access(context: Context, catalog_id: str, org_id: str | None = None) -> Reply:
    _catalog(context, catalog_id, org_id)
    catalog = context.access.catalog_to_change(catalog_id, "Catalog: Sharing", "FullControl")
    catalogs.set_catalog_access(catalog, access_control(context, context.xml()))
    return Reply(content=control_access(context, catalog.access))


def _catalog(context: Context, catalog_id: str, org_id: str | None) -> Catalog:
    catalog = context.access.catalog_by_id(catalog_id)
    if org_id is not None and catalog.org_id != org_id:
        raise errors.no_access("catalog", catalog_id)
    return catalog


@router.get(f"{_VDC_ACL}/controlAccess", "/api/vdc/{vdc_id}/controlAccess", "/api/admin/vdc/{vdc_id}/controlAccess")
def get_vdc_access(context: Context, vdc_id: str, org_id: str | None = None) -> Reply:
    vdc = _vdc(context, vdc_id, org_id)
    context.access.require("Organization vDC: View ACL")
    return Reply(content=control_access(context, vdc.access))


@router.post(
    f"{_VDC_ACL}/action/controlAccess",
    "/api/vdc/{vdc_id}/action/controlAccess",
    "/api/admin/vdc/{vdc_id}/action/controlAccess",
)
@router.put(f"{_VDC_ACL}/action/controlAccess")
def set_vdc_access(context: Context, vdc_id: str, org_id: str | None = None) -> Reply:
    vdc = _vdc(context, vdc_id, org_id)
    context.access.require("Organization vDC: Edit ACL")
    vdc.access = access_control(context, context.xml())
    return Reply(content=control_access(context, vdc.access))


def _vdc(context: Context, vdc_id: str, org_id: str | None) -> Vdc:
    vdc = context.access.vdc_by_id(vdc_id)
    if org_id is not None and vdc.org_id != org_id:
        raise errors.no_access("vdc", vdc_id)
    return vdc
