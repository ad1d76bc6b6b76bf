"""Catalogs: the templates that machines are made from."""

from dataclasses import dataclass, field
from typing import Final

from cse_core.errors import FailedPreconditionError, NotFoundError
from cse_core.secret import Secret
from cse_vcd import hardware
from cse_vcd.documents import (
    Element,
    attribute,
    bare_id,
    every,
    first,
    text_at,
    user_view,
)
from cse_vcd.query import Condition, Query, run
from cse_vcd.session import VcdSession

_READY: Final = "8"


@dataclass(frozen=True, kw_only=True)
class CatalogRef:
    """A catalog as the query service shows it. `href` is the users' view."""

    id: str
    name: str
    href: str
    org: str
    is_shared: bool
    is_published: bool


@dataclass(frozen=True, kw_only=True)
class CatalogItem:
    """An entry of a catalog; `template_href` is the vApp template that it points to."""

    id: str
    name: str
    href: str
    template_href: str


@dataclass(frozen=True, kw_only=True)
class VmTemplate:
    """The machine inside a vApp template. CPU and memory are those it has if nothing else is asked for."""

    href: str
    name: str
    admin_password: Secret | None
    """What guest customization set when the template was made; it may still hold in machines made from it."""
    cpu_count: int
    memory_mb: int
    hardware: tuple[bytes, ...] = field(default=(), repr=False)
    """Its `ovf:Item` elements for CPU and memory."""


def find_catalogs(session: VcdSession, name: str, *, org: str | None = None) -> list[CatalogRef]:
    """Catalogs of this name: of the session's org, and those that others share or publish.

    With `org`, catalogs of that org come first, then the others.
    """
    kind = "adminCatalog" if session.is_sysadmin else "catalog"
    records = [
        found
        for found in run(session, Query(kind, (Condition.equal("name", name),), style="records"))
        if found.name == name
    ]
    found = [
        CatalogRef(
            id=record.id,
            name=record.name,
            href=user_view(record.href),
            org=record.get("orgName"),
            is_shared=record.flag("isShared"),
            is_published=record.flag("isPublished"),
        )
        for record in records
    ]
    return sorted(found, key=lambda catalog: org is not None and catalog.org.lower() != org.lower())


def find_item(session: VcdSession, catalog_href: str, name: str) -> CatalogItem | None:
    """The catalog's item of this name."""
    catalog = session.get(catalog_href, missing="the catalog")
    for entry in every(catalog, "v:CatalogItems/v:CatalogItem"):
        if attribute(entry, "name") == name:
            document = session.get(attribute(entry, "href"), missing=f"catalog item {name!r}")
            entity = first(document, "v:Entity")
            return CatalogItem(
                id=bare_id(attribute(entry, "href")),
                name=name,
                href=attribute(entry, "href"),
                template_href="" if entity is None else attribute(entity, "href"),
            )
    return None


def get_vm_template(session: VcdSession, catalog: str, item: str, *, org: str | None = None) -> VmTemplate:
    """The machine in a catalog item that the session may use; four requests.

    Args:
        session: whose eyes count.
        catalog: name of the catalog.
        item: name of the item in it.
        org: whose catalog is preferred where several orgs have one of this name.

    Raises:
        NotFoundError: no such catalog or item, or it holds no machine.
        FailedPreconditionError: the template is still being made, or broken.
    """
    catalogs = find_catalogs(session, catalog, org=org)
    if not catalogs:
        raise NotFoundError(f"there is no catalog {catalog!r}, or you have no access to it", catalog=catalog)
    for found in catalogs:
        entry = find_item(session, found.href, item)
        if entry is not None:
            return read_vm_template(session, entry)
    raise NotFoundError(f"catalog {catalog!r} has no item {item!r}", catalog=catalog, item=item)


def read_vm_template(session: VcdSession, item: CatalogItem) -> VmTemplate:
    """The first machine of the item's vApp template; raises as `get_vm_template`."""
    if not item.template_href:
        raise NotFoundError(f"catalog item {item.name!r} holds no vApp template", item=item.name)
    document = session.get(item.template_href, missing=f"the vApp template of catalog item {item.name!r}")
    if attribute(document, "status", _READY) != _READY:
        raise FailedPreconditionError(
            f"the vApp template of catalog item {item.name!r} is not ready; wait until vCD has made it", item=item.name
        )
    machine = first(document, "v:Children/v:Vm")
    if machine is None:
        raise NotFoundError(f"the vApp template of catalog item {item.name!r} holds no machine", item=item.name)
    return _vm_template(machine)


def _vm_template(machine: Element) -> VmTemplate:
    password = text_at(machine, "v:GuestCustomizationSection/v:AdminPassword")
    return VmTemplate(
        href=attribute(machine, "href"),
        name=attribute(machine, "name"),
        admin_password=Secret(password) if password else None,
        cpu_count=hardware.cpu_count(machine),
        memory_mb=hardware.memory_mb(machine),
        hardware=hardware.cpu_and_memory(machine),
    )
