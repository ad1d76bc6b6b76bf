"""Settings of organisations: as a whole, and the general ones by themselves."""

from vcd_simulator.model.tenancy import Org
from vcd_simulator.operations import tenancy
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import orgs as documents
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.requests.org_settings import read_general
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import child

router = Router()
_SETTINGS = "/api/admin/org/{org_id}/settings"
_GENERAL = f"{_SETTINGS}/general"


@router.get(_SETTINGS)
def get_settings(context: Context, org_id: str) -> Reply:
    return Reply(content=documents.settings(context, _org(context, org_id)))


@router.get(_GENERAL)
def get_general(context: Context, org_id: str) -> Reply:
    return Reply(content=documents.general_settings(context, _org(context, org_id)))


def _org(context: Context, org_id: str) -> Org:
    org = context.access.org_by_id(org_id)
    context.access.require("Organization: View")
    return org


@router.put(_SETTINGS)
def set_settings(context: Context, org_id: str) -> Reply:
    org = _org_to_change(context, org_id)
    root = require_root(context.xml(), "OrgSettings", "Settings")
    tenancy.set_general(org, read_general(child(root, "OrgGeneralSettings")))
    return Reply(content=documents.settings(context, org))


@router.put(_GENERAL)
def set_general(context: Context, org_id: str) -> Reply:
    org = _org_to_change(context, org_id)
    tenancy.set_general(org, read_general(require_root(context.xml(), "OrgGeneralSettings", "GeneralOrgSettings")))
    return Reply(content=documents.general_settings(context, org))


def _org_to_change(context: Context, org_id: str) -> Org:
    context.access.require_provider("Organization: Edit")
    return context.access.org_by_id(org_id)
