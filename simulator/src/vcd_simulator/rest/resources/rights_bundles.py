"""Rights bundles: what of the provider's rights organisations get."""

from typing import Any

from pydantic import BaseModel

from vcd_simulator import errors
from vcd_simulator.defined_entities import bundles
from vcd_simulator.defined_entities.model import RightsBundle
from vcd_simulator.model.tenancy import Right
from vcd_simulator.rest.cloudapi import json_reply, page_reply, read_body
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import id_in
from vcd_simulator.rest.routing import Router

router = Router()
_ROOT = "/cloudapi/1.0.0/rightsBundles"
_BUNDLE = f"{_ROOT}/{{bundle_id}}"
_VIEW = "Rights Bundle: View"
_EDIT = "Rights Bundle: Edit"


class _Named(BaseModel):
    id: str


class _Tenants(BaseModel):
    """A list of organisations, in the page that collections come in."""

    values: list[_Named]


@router.get(_ROOT)
def list_bundles(context: Context) -> Reply:
    context.access.require_provider(_VIEW)
    return page_reply(context, [_shown(one) for one in context.cloud.rights_bundles])


@router.get(_BUNDLE)
def read(context: Context, bundle_id: str) -> Reply:
    return json_reply(_shown(_bundle(context, bundle_id, _VIEW)))


@router.get(f"{_BUNDLE}/rights")
def list_rights(context: Context, bundle_id: str) -> Reply:
    bundle = _bundle(context, bundle_id, _VIEW)
    found = (context.cloud.rights.get(one) for one in bundle.right_ids)
    return page_reply(context, [_shown_right(context, one) for one in found if one is not None])


@router.get(f"{_BUNDLE}/tenants")
def list_tenants(context: Context, bundle_id: str) -> Reply:
    return _tenants_reply(context, _bundle(context, bundle_id, _VIEW))


@router.post(f"{_BUNDLE}/tenants/publish")
def publish(context: Context, bundle_id: str) -> Reply:
    bundle = _bundle(context, bundle_id, _EDIT)
    bundles.publish(context.cloud, bundle, _tenant_ids(context))
    return _tenants_reply(context, bundle)


@router.post(f"{_BUNDLE}/tenants/unpublish")
def unpublish(context: Context, bundle_id: str) -> Reply:
    bundle = _bundle(context, bundle_id, _EDIT)
    bundles.unpublish(context.cloud, bundle, _tenant_ids(context))
    return _tenants_reply(context, bundle)


@router.post(f"{_BUNDLE}/tenants/publishAll")
def publish_to_all(context: Context, bundle_id: str) -> Reply:
    bundles.publish_to_all(context.cloud, _bundle(context, bundle_id, _EDIT), published=True)
    return Reply(status=204)


@router.post(f"{_BUNDLE}/tenants/unpublishAll")
def unpublish_from_all(context: Context, bundle_id: str) -> Reply:
    bundles.publish_to_all(context.cloud, _bundle(context, bundle_id, _EDIT), published=False)
    return Reply(status=204)


def _bundle(context: Context, bundle_id: str, right: str) -> RightsBundle:
    context.access.require_provider(right)
    found = context.cloud.rights_bundles.get(id_in(bundle_id))
    if found is None:
        raise errors.no_access("rightsBundle", id_in(bundle_id)[:80])
    return found


def _tenants_reply(context: Context, bundle: RightsBundle) -> Reply:
    found = (context.cloud.orgs.get(one) for one in bundle.org_ids)
    return page_reply(context, [{"name": org.name, "id": context.urn(org)} for org in found if org is not None])


def _tenant_ids(context: Context) -> list[str]:
    return [id_in(one.id) for one in read_body(context, _Tenants).values]


def _shown(bundle: RightsBundle) -> dict[str, Any]:
    return {
        "id": bundle.urn,
        "name": bundle.name,
        "description": bundle.description,
        "bundleKey": bundle.name,
        "readOnly": False,
        "publishAll": bundle.to_all,
    }


def _shown_right(context: Context, right: Right) -> dict[str, Any]:
    return {
        "name": right.name,
        "id": context.urn(right),
        "description": right.description,
        "bundleKey": right.bundle_key or right.name,
        "category": right.category,
        "serviceNamespace": right.service_namespace,
        "rightType": "VIEW" if right.name.endswith("View") else "MODIFY",
    }
