"""Access control lists of defined entities and of their types.

Clients use `/entities/{urn}/accessControls` for types as well.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vcd_simulator import errors
from vcd_simulator.defined_entities import grants
from vcd_simulator.defined_entities.model import TYPE_URN, Grant, Level
from vcd_simulator.defined_entities.reach import EntityReach
from vcd_simulator.model.tenancy import Org
from vcd_simulator.rest.cloudapi import json_reply, page_reply, read_body
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import id_in
from vcd_simulator.rest.resources.defined_entities import TENANT_CONTEXT
from vcd_simulator.rest.routing import Router

router = Router()
_LISTS = [f"/cloudapi/1.0.0/{collection}/{{object_urn}}/accessControls" for collection in ("entities", "entityTypes")]
_GRANTS = [f"{root}/{{grant_id}}" for root in _LISTS]
_MEMBERSHIP = "MembershipAccessControlGrant"


class _Named(BaseModel):
    id: str | None = None


class _GrantBody(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    grant_type: str = Field(alias="grantType")
    level_urn: str = Field(alias="accessLevelId")
    member_urn: str | None = Field(None, alias="memberId")
    tenant: _Named | None = None


@dataclass(frozen=True, kw_only=True)
class _Object:
    """What a list is about, and how much the caller may do with it."""

    id: str
    urn: str
    level: Level
    org: Org
    """Nobody of another organisation can be granted anything, unless it is the provider's."""


@router.get(*_LISTS)
def list_grants(context: Context, object_urn: str) -> Reply:
    found = _object(context, object_urn, Level.READ_ONLY)
    listed = context.cloud.access_grants.find("object", found.id)
    return page_reply(context, [_shown(context, found, one) for one in listed])


@router.post(*_LISTS)
def create(context: Context, object_urn: str) -> Reply:
    found = _object(context, object_urn, Level.READ_WRITE)
    body, level = _read(context, found)
    tenant = _tenant(context, found, body)
    made = grants.add(context.cloud, found.id, tenant, body.member_urn or "", level)
    return json_reply(_shown(context, found, made), 201)


@router.get(*_GRANTS)
def read(context: Context, object_urn: str, grant_id: str) -> Reply:
    found = _object(context, object_urn, Level.READ_ONLY)
    return json_reply(_shown(context, found, _grant(context, found, grant_id)))


@router.put(*_GRANTS)
def update(context: Context, object_urn: str, grant_id: str) -> Reply:
    """Only the level of a grant ever changes."""
    found = _object(context, object_urn, Level.READ_WRITE)
    one = _grant(context, found, grant_id)
    _require(found, one.level)
    _, one.level = _read(context, found)
    return json_reply(_shown(context, found, one))


@router.delete(*_GRANTS)
def delete(context: Context, object_urn: str, grant_id: str) -> Reply:
    found = _object(context, object_urn, Level.READ_WRITE)
    one = _grant(context, found, grant_id)
    _require(found, one.level)
    context.cloud.access_grants.remove(one)
    return Reply(status=204)


def _object(context: Context, urn: str, level: Level) -> _Object:
    """An entity that the caller may do this with, or a type that he controls.

    The list of a type shows and changes who may define things, not who may use them.
    """
    reach = EntityReach(context.cloud, context.access)
    if urn.startswith(TYPE_URN):
        entity_type = reach.entity_type(urn, Level.FULL_CONTROL)
        return _Object(id=entity_type.id, urn=urn, level=Level.FULL_CONTROL, org=context.cloud.system_org)
    entity = reach.entity(urn, level)
    return _Object(id=entity.id, urn=urn, level=reach.entity_level(entity), org=context.cloud.orgs[entity.org_id])


def _grant(context: Context, found: _Object, grant_id: str) -> Grant:
    one = context.cloud.access_grants.get(id_in(grant_id))
    if one is None or one.object_id != found.id:
        raise errors.no_access("accessControlGrant", id_in(grant_id)[:80])
    return one


def _read(context: Context, found: _Object) -> tuple[_GrantBody, Level]:
    """What the caller wants to grant, which is no more than he has himself.

    Raises:
        VcdError: 400, it is no level, or not granted to a member; 403, it is more than the caller has.
    """
    body = read_body(context, _GrantBody)
    if body.grant_type != _MEMBERSHIP:
        raise errors.bad_request(f"Bad request: validation error, grantType: only {_MEMBERSHIP} can be created.")
    try:
        level = Level.of_urn(body.level_urn)
    except ValueError as exc:
        raise errors.bad_request(f"Bad request: validation error, accessLevelId: {exc}.") from exc
    _require(found, level)
    return body, level


def _require(found: _Object, level: Level) -> None:
    if level > found.level:
        raise errors.forbidden(f"This needs {level.urn} to {found.urn}.")


def _tenant(context: Context, found: _Object, body: _GrantBody) -> Org:
    """The organisation of whom something is granted to."""
    stated = context.headers.get(TENANT_CONTEXT) or (body.tenant.id if body.tenant is not None else None)
    tenant = EntityReach(context.cloud, context.access).org_for(id_in(stated))
    if not found.org.is_system and tenant is not found.org and not tenant.is_system:
        raise errors.bad_request(f"{found.urn} is of the organization {found.org.name} and cannot be shared outside.")
    return tenant


def _shown(context: Context, found: _Object, one: Grant) -> dict[str, Any]:
    tenant = context.cloud.orgs.get(one.tenant_id)
    return {
        "id": one.urn,
        "tenant": {"name": tenant.name, "id": context.urn(tenant)} if tenant is not None else None,
        "grantType": _MEMBERSHIP,
        "objectId": found.urn,
        "accessLevelId": one.level.urn,
        "memberId": one.member_urn,
    }
