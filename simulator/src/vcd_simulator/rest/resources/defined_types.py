"""Interfaces and entity types below `/cloudapi`."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vcd_simulator.defined_entities import definitions
from vcd_simulator.defined_entities.model import EntityType, Interface
from vcd_simulator.defined_entities.reach import EntityReach
from vcd_simulator.rest.cloudapi import json_reply, page_reply, read_body
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.versions import V36

router = Router()
_INTERFACES = "/cloudapi/1.0.0/interfaces"
_INTERFACE = f"{_INTERFACES}/{{interface_urn}}"
TYPES = "/cloudapi/1.0.0/entityTypes"
TYPE = f"{TYPES}/{{type_urn}}"
_CREATE = "Custom entity: Create custom entity definitions"
_EDIT = "Custom entity: Edit custom entity definitions"
_DELETE = "Custom entity: Delete custom entity definitions"


class _InterfaceBody(BaseModel):
    """An interface as clients write it; what they send besides is left alone, here and below."""

    name: str
    vendor: str = ""
    nss: str = ""
    version: str = ""


class _TypeBody(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    name: str
    description: str | None = None
    vendor: str = ""
    nss: str = ""
    version: str = ""
    content_schema: dict[str, Any] = Field(alias="schema")
    interfaces: list[str] | None = None
    external_id: str | None = Field(None, alias="externalId")
    inherited_version: str | None = Field(None, alias="inheritedVersion")
    hooks: dict[str, Any] | None = None
    max_implicit_right: str | None = Field(None, alias="maxImplicitRight")


@router.get(_INTERFACES)
def list_interfaces(context: Context) -> Reply:
    return page_reply(context, [_shown_interface(one) for one in context.cloud.interfaces])


@router.post(_INTERFACES)
def create_interface(context: Context) -> Reply:
    context.access.require_provider(_CREATE)
    body = read_body(context, _InterfaceBody)
    made = definitions.add_interface(context.cloud, body.name, body.vendor, body.nss, body.version)
    return json_reply(_shown_interface(made), 201)


@router.get(_INTERFACE)
def read_interface(context: Context, interface_urn: str) -> Reply:
    return json_reply(_shown_interface(definitions.interface(context.cloud, interface_urn)))


@router.put(_INTERFACE)
def update_interface(context: Context, interface_urn: str) -> Reply:
    context.access.require_provider(_EDIT)
    found = definitions.interface(context.cloud, interface_urn)
    definitions.rename_interface(found, read_body(context, _InterfaceBody).name)
    return json_reply(_shown_interface(found))


@router.delete(_INTERFACE)
def delete_interface(context: Context, interface_urn: str) -> Reply:
    context.access.require_provider(_DELETE)
    definitions.delete_interface(context.cloud, definitions.interface(context.cloud, interface_urn))
    return Reply(status=204)


@router.get(TYPES)
def list_types(context: Context) -> Reply:
    return page_reply(context, [_shown_type(context, one) for one in _reach(context).types()])


@router.post(TYPES)
def create_type(context: Context) -> Reply:
    context.access.require_provider(_CREATE)
    body = read_body(context, _TypeBody)
    made = EntityType(
        id=definitions.type_urn(body.vendor, body.nss, body.version),
        name=body.name,
        description=body.description or "",
        vendor=body.vendor,
        nss=body.nss,
        version=body.version,
        schema=body.content_schema,
        interface_ids=body.interfaces or [],
        external_id=body.external_id,
        inherited_version=body.inherited_version,
        hooks=body.hooks,
        max_implicit_right=body.max_implicit_right,
    )
    definitions.add_type(context.cloud, context.session.user, made)
    return json_reply(_shown_type(context, made), 201)


@router.get(TYPE)
def read_type(context: Context, type_urn: str) -> Reply:
    return json_reply(_shown_type(context, _reach(context).entity_type(type_urn)))


@router.put(TYPE)
def update_type(context: Context, type_urn: str) -> Reply:
    context.access.require_provider(_EDIT)
    found = _reach(context).entity_type(type_urn)
    body = read_body(context, _TypeBody)
    definitions.change_type(found, body.name, body.description, body.content_schema)
    return json_reply(_shown_type(context, found))


@router.delete(TYPE)
def delete_type(context: Context, type_urn: str) -> Reply:
    context.access.require_provider(_DELETE)
    definitions.delete_type(context.cloud, _reach(context).entity_type(type_urn))
    return Reply(status=204)


def _reach(context: Context) -> EntityReach:
    return EntityReach(context.cloud, context.access)


def _shown_interface(one: Interface) -> dict[str, Any]:
    return {
        "name": one.name,
        "id": one.id,
        "version": one.version,
        "vendor": one.vendor,
        "nss": one.nss,
        "readonly": one.readonly,
    }


def _shown_type(context: Context, one: EntityType) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "nss": one.nss,
        "version": one.version,
        "externalId": one.external_id,
        "schema": one.schema,
        "vendor": one.vendor,
        "interfaces": one.interface_ids,
        "readonly": one.readonly,
    }
    if context.version >= V36:
        shown |= {
            "inheritedVersion": one.inherited_version,
            "hooks": one.hooks,
            "maxImplicitRight": one.max_implicit_right,
        }
    return shown
