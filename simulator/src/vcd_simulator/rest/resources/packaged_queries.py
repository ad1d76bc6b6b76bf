"""Packaged queries: what `/api/query` answers about a type, at a path of its own and with the same parameters."""

from vcd_simulator.query.fiql import Comparison
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.resources import query
from vcd_simulator.rest.routing import Router

router = Router()
PACKAGED = {
    # for every user
    "catalogs": "catalog",
    "disks": "disk",
    "mediaList": "media",
    "vAppTemplates": "vAppTemplate",
    "vApps": "vApp",
    "vms": "vm",
    # for administrators of organisations
    "admin/groups": "group",
    "admin/orgs": "organization",
    "admin/rights": "right",
    "admin/roles": "role",
    "admin/strandedUsers": "strandedUser",
    "admin/users": "user",
    "admin/vdcs": "orgVdc",
    # for the provider
    "admin/extension/datastores": "datastore",
    "admin/extension/externalNetworkReferences": "externalNetwork",
    "admin/extension/hostReferences": "host",
    "admin/extension/networkPoolReferences": "networkPool",
    "admin/extension/orgNetworks": "adminOrgNetwork",
    "admin/extension/orgVdcs": "adminOrgVdc",
    "admin/extension/providerVdcReferences": "providerVdc",
    "admin/extension/service": "adminService",
    "admin/extension/strandedItems": "strandedItem",
    "admin/extension/vapps": "adminVApp",
    "admin/extension/vimServerReferences": "virtualCenter",
}
"""What stands before `/query`, and the type of query that this means."""


def _serve(path: str, type_name: str) -> None:
    @router.get(f"/api/{path}/query")
    def packaged(context: Context) -> Reply:
        if path.startswith("admin/"):
            context.access.require("General: Administrator View")
        return query.run(context, type_name, query.parameters(context.query_string))


for _path, _type_name in PACKAGED.items():
    _serve(_path, _type_name)


@router.get("/api/admin/org/{org_id}/roles/query")
def roles_of_org(context: Context, org_id: str) -> Reply:
    context.access.require("General: Administrator View")
    org = context.access.org_by_id(org_id)
    return query.run(context, "role", query.parameters(context.query_string), only=Comparison("org", "==", org.id))


@router.get("/api/admin/vdc/{vdc_id}/networks")
def networks_of_vdc(context: Context, vdc_id: str) -> Reply:
    return _of_vdc(context, "orgVdcNetwork", vdc_id)


@router.get("/api/admin/vdc/{vdc_id}/edgeGateways")
def edge_gateways_of_vdc(context: Context, vdc_id: str) -> Reply:
    return _of_vdc(context, "edgeGateway", vdc_id)


def _of_vdc(context: Context, type_name: str, vdc_id: str) -> Reply:
    only = Comparison("vdc", "==", context.access.vdc_by_id(vdc_id).id)
    return query.run(context, type_name, query.parameters(context.query_string), only=only)
