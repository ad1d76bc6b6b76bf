"""Entities of defined types below `/cloudapi`."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vcd_simulator import errors
from vcd_simulator.defined_entities import definitions, lifecycle
from vcd_simulator.defined_entities.model import INTERFACE_URN, DefinedEntity, Level
from vcd_simulator.defined_entities.reach import EntityReach
from vcd_simulator.query.values import Value
from vcd_simulator.rest.cloudapi import json_reply, member, page_reply, read_body
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import id_in
from vcd_simulator.rest.resources.defined_types import TYPE
from vcd_simulator.rest.routing import Router

router = Router()
_ENTITIES = "/cloudapi/1.0.0/entities"
_ENTITY = f"{_ENTITIES}/{{entity_urn}}"
TENANT_CONTEXT = "x-vmware-vcloud-tenant-context"
"""The organisation that somebody of the provider's acts in: a bare id or a URN."""


class _Named(BaseModel):
    id: str | None = None


class _EntityBody(BaseModel):
    """An entity as clients write it; they send back what they got, most of which does not change."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    entity: dict[str, Any]
    external_id: str | None = Field(None, alias="externalId")
    owner: _Named | None = None


@router.post(TYPE)
def create(context: Context, type_urn: str) -> Reply:
    reach = _reach(context)
    entity_type = reach.entity_type(type_urn, Level.READ_WRITE)
    reach.require_creation(entity_type)
    org = reach.org_for(id_in(context.headers.get(TENANT_CONTEXT)))
    task = lifecycle.create(context.cloud, context.session.user, org, entity_type, _draft(context))
    return Reply(status=202, headers={"location": context.href(task)})


@router.get(f"{_ENTITIES}/types/{{vendor}}/{{nss}}/{{version}}")
def list_of_type(context: Context, vendor: str, nss: str, version: str) -> Reply:
    return _listed(context, {definitions.type_urn(vendor, nss, version)})


@router.get(f"{_ENTITIES}/types/{{vendor}}/{{nss}}")
def list_of_all_versions(context: Context, vendor: str, nss: str) -> Reply:
    family = f"{vendor}:{nss}"
    return _listed(context, (one.id for one in context.cloud.entity_types if one.family == family))


@router.get(f"{_ENTITIES}/types/{{type_urn}}")
def list_of_type_urn(context: Context, type_urn: str) -> Reply:
    return _listed(context, {type_urn})


@router.get(f"{_ENTITIES}/interfaces/{{vendor}}/{{nss}}/{{version}}")
def list_of_interface(context: Context, vendor: str, nss: str, version: str) -> Reply:
    return list_of_interface_urn(context, INTERFACE_URN + definitions.identifier(vendor, nss, version))


@router.get(f"{_ENTITIES}/interfaces/{{interface_urn}}")
def list_of_interface_urn(context: Context, interface_urn: str) -> Reply:
    return _listed(context, (one.id for one in context.cloud.entity_types if interface_urn in one.interface_ids))


@router.get(_ENTITY)
def read(context: Context, entity_urn: str) -> Reply:
    return _entity_reply(context, _reach(context).entity(entity_urn))


@router.post(f"{_ENTITY}/resolve")
def resolve(context: Context, entity_urn: str) -> Reply:
    """Says in the answer itself why an entity could not be resolved."""
    entity = _reach(context).entity(entity_urn, Level.READ_WRITE)
    lifecycle.resolve(context.cloud, entity)
    return _entity_reply(context, entity, {"message": entity.message})


@router.put(_ENTITY)
def update(context: Context, entity_urn: str) -> Reply:
    reach = _reach(context)
    entity = reach.entity(entity_urn, Level.READ_WRITE)
    expected = context.headers.get("if-match")
    if expected not in (None, "*", _etag(entity)):
        raise errors.VcdError(412, "PRECONDITION_FAILED", f"The entity {entity.urn} has been changed meanwhile.")
    draft = _draft(context)
    owns = entity.owner_id == context.session.user.id or reach.administers(entity)
    if draft.owner_id not in (None, entity.owner_id) and not owns:
        raise errors.forbidden(f"Only its owner can give the entity {entity.urn} to somebody else.")
    lifecycle.change(context.cloud, entity, draft)
    return _entity_reply(context, entity)


@router.delete(_ENTITY)
def delete(context: Context, entity_urn: str) -> Reply:
    lifecycle.delete(context.cloud, _reach(context).entity(entity_urn, Level.FULL_CONTROL))
    return Reply(status=204)


def _reach(context: Context) -> EntityReach:
    return EntityReach(context.cloud, context.access)


def _draft(context: Context) -> lifecycle.Draft:
    body = read_body(context, _EntityBody)
    owner = body.owner.id if body.owner is not None else None
    return lifecycle.Draft(
        name=body.name,
        content=body.entity,
        external_id=body.external_id,
        owner_id=id_in(owner) if owner else None,
        size=len(context.body),
    )


def _listed(context: Context, type_urns: Iterable[str]) -> Reply:
    """A page of the entities of some types, filtered by whatever is in them."""
    reach = EntityReach(context.cloud, context.access.at_this_moment())
    found = reach.entities(set(type_urns))
    return page_reply(context, [_shown(context, one) for one in found], read=_attribute)


def _attribute(shown: dict[str, Any], name: str) -> Value:
    """What a filter or an order means by a name such as `entity.metadata.name`.

    Raises:
        VcdError: 400, entities have nothing that is called like the name's first part.
    """
    if name.partition(".")[0] not in shown:
        raise errors.bad_request(f"Entities cannot be filtered by {name[:80]!r}.")
    return member(shown, name)


def _entity_reply(context: Context, entity: DefinedEntity, more: dict[str, Any] | None = None) -> Reply:
    return json_reply(_shown(context, entity) | (more or {}), headers={"etag": _etag(entity)})


def _etag(entity: DefinedEntity) -> str:
    return f'"{entity.id}-{entity.revision}"'


def _shown(context: Context, entity: DefinedEntity) -> dict[str, Any]:
    owner, org = context.cloud.users.get(entity.owner_id), context.cloud.orgs.get(entity.org_id)
    return {
        "id": entity.urn,
        "entityType": entity.type_id,
        "name": entity.name,
        "externalId": entity.external_id,
        "entity": entity.content,
        "state": entity.state.value,
        "owner": {"name": owner.name, "id": context.urn(owner)} if owner is not None else None,
        "org": {"name": org.name, "id": context.urn(org)} if org is not None else None,
    }
