"""Interfaces and types: making, changing and forgetting them."""

import re
from typing import Any

from vcd_simulator import errors
from vcd_simulator.defined_entities import bundles, grants
from vcd_simulator.defined_entities.model import INTERFACE_URN, TYPE_URN, EntityType, Interface, Level
from vcd_simulator.defined_entities.schema import InvalidSchemaError, check_schema
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import USER
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations.names import check_name

_SEGMENT = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}(-[0-9A-Za-z.-]{1,64})?")
_KUBERNETES = ("Kubernetes", "vmware", "k8s", "1.0.0")
"""The interface that every vCloud Director has."""


def identifier(vendor: str, nss: str, version: str) -> str:
    """What ends the URN of an interface or a type.

    Raises:
        VcdError: 400, a part of it is not valid.
    """
    for name, text in (("vendor", vendor), ("nss", nss)):
        if not _SEGMENT.fullmatch(text):
            raise errors.bad_request(
                f"Bad request: validation error, {name}: {text[:80]!r} is not made of letters, digits, '_', '.', '-'."
            )
    if not _VERSION.fullmatch(version):
        raise errors.bad_request(f"Bad request: validation error, version: {version[:80]!r} is not like 1.0.0.")
    return f"{vendor}:{nss}:{version}"


def add_predefined(cloud: Cloud) -> None:
    """Enter what every vCloud Director has, unless it is there."""
    name, vendor, nss, version = _KUBERNETES
    urn = INTERFACE_URN + identifier(vendor, nss, version)
    if urn not in cloud.interfaces:
        cloud.interfaces.add(Interface(id=urn, name=name, vendor=vendor, nss=nss, version=version, readonly=True))


def interface(cloud: Cloud, urn: str) -> Interface:
    """Raises VcdError: 403, there is none."""
    found = cloud.interfaces.get(urn)
    if found is None:
        raise errors.no_access("definedInterface", urn[:200])
    return found


def add_interface(cloud: Cloud, name: str, vendor: str, nss: str, version: str) -> Interface:
    """Raises VcdError: 400, there is one already, or what it is called is not valid."""
    urn = INTERFACE_URN + identifier(vendor, nss, version)
    if urn in cloud.interfaces:
        raise errors.bad_request(f"The interface {urn} already exists.", "RDE_INTERFACE_ALREADY_EXISTS")
    name = check_name("interface", name)
    return cloud.interfaces.add(Interface(id=urn, name=name, vendor=vendor, nss=nss, version=version))


def rename_interface(found: Interface, name: str) -> None:
    """Only the name of an interface ever changes."""
    if found.readonly:
        raise errors.not_allowed(f"The interface {found.name} is read-only.")
    found.name = check_name("interface", name)


def delete_interface(cloud: Cloud, found: Interface) -> None:
    """Raises VcdError: 400, it is read-only, or a type has it."""
    if found.readonly:
        raise errors.not_allowed(f"The interface {found.name} is read-only.")
    user = next((one for one in cloud.entity_types if found.id in one.interface_ids), None)
    if user is not None:
        raise errors.not_allowed(f"The interface {found.name} is in use by the type {user.id}.")
    cloud.interfaces.remove(found)


def add_type(cloud: Cloud, creator: User, entity_type: EntityType) -> EntityType:
    """Enter a type with its rights and their bundle; whoever makes it has full control of it.

    Raises:
        VcdError: 400, there is one already, its schema is none, or it has an interface that is not there.
    """
    if entity_type.id in cloud.entity_types:
        raise errors.bad_request(f"The entity type {entity_type.id} already exists.", "RDE_TYPE_ALREADY_EXISTS")
    entity_type.name = check_name("entity type", entity_type.name)
    _check_schema(entity_type.schema)
    for urn in entity_type.interface_ids:
        if urn not in cloud.interfaces:
            raise errors.bad_request(f"There is no interface {urn[:200]!r}.")
    _check_implications(entity_type)
    bundles.add_for(cloud, entity_type)
    cloud.entity_types.add(entity_type)
    grants.add(cloud, entity_type.id, cloud.orgs[creator.org_id], USER.urn + creator.id, Level.FULL_CONTROL)
    return entity_type


def _check_implications(entity_type: EntityType) -> None:
    """Refuse a level that is none, and hooks: those are behaviors of interfaces, and there are no behaviors."""
    if entity_type.hooks:
        raise errors.bad_request(f"There is no behavior {str(next(iter(entity_type.hooks.values())))[:200]!r}.")
    if entity_type.max_implicit_right is not None:
        try:
            Level.of_urn(entity_type.max_implicit_right)
        except ValueError as exc:
            raise errors.bad_request(f"Bad request: validation error, maxImplicitRight: {exc}.") from exc


def type_urn(vendor: str, nss: str, version: str) -> str:
    return TYPE_URN + identifier(vendor, nss, version)


def change_type(entity_type: EntityType, name: str, description: str | None, schema: dict[str, Any]) -> None:
    """Replace what may change in a type; entities that are there stay as they are."""
    name = check_name("entity type", name)
    _check_schema(schema)
    entity_type.name, entity_type.schema = name, schema
    entity_type.description = entity_type.description if description is None else description


def delete_type(cloud: Cloud, entity_type: EntityType) -> None:
    """Forget a type, and its rights with the last version of it.

    Raises:
        VcdError: 400, there are entities of it.
    """
    if cloud.defined_entities.count("type", entity_type.id):
        raise errors.not_allowed(f"There are entities of the type {entity_type.id}; delete them first.")
    cloud.entity_types.remove(entity_type)
    grants.forget_all(cloud, entity_type.id)
    if all(one.family != entity_type.family for one in cloud.entity_types):
        bundles.remove_for(cloud, entity_type.family)


def _check_schema(schema: dict[str, Any]) -> None:
    try:
        check_schema(schema)
    except InvalidSchemaError as exc:
        raise errors.bad_request(f"The schema is not valid: {exc}.", "RDE_INVALID_SCHEMA") from exc
