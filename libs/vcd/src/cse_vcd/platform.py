"""What `cse install` and `cse check` need of vCD: the extension service, its rights, the catalog.

Everything runs as a system administrator and looks before it acts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cse_core.errors import AlreadyExistsError, FailedPreconditionError
from cse_vcd.catalogs import CatalogRef, find_catalogs
from cse_vcd.documents import (
    Element,
    V,
    X,
    admin_type,
    admin_view,
    clean,
    link,
    text_at,
)
from cse_vcd.errors import VcdRefusedError, VcdUnavailableError
from cse_vcd.extension import extension_link
from cse_vcd.query import Condition, Query, Record, run
from cse_vcd.session import VcdSession
from cse_vcd.vdcs import OrgRef

_TENANT_CONTEXT: Final = "X-VMWARE-VCLOUD-TENANT-CONTEXT"
_SERVICE: Final = admin_type("service")


@dataclass(frozen=True, kw_only=True)
class ExtensionService:
    """An API extension: vCD forwards requests whose path matches a filter to this exchange and routing key."""

    name: str
    namespace: str
    routing_key: str
    exchange: str
    is_enabled: bool = True
    filters: tuple[str, ...] = ()
    """Regular expressions of whole paths."""
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Right:
    """A right that an extension service brings. In vCD its name is `{<namespace>}:<name>`."""

    name: str
    description: str
    category: str
    bundle_key: str


def find_extension(session: VcdSession, name: str, namespace: str) -> ExtensionService | None:
    """The extension service of this name and namespace with its filters."""
    record = _extension_record(session, name, namespace)
    return None if record is None else _extension(session, record)


def ensure_extension(
    session: VcdSession, wanted: ExtensionService
) -> tuple[ExtensionService, Literal["created", "updated", "unchanged"]]:
    """Registers the service, or changes it to what is wanted; filters that it has besides stay."""
    found = find_extension(session, wanted.name, wanted.namespace)
    if found is None:
        try:
            session.post(extension_link(session, "extensionServices"), _service_body(wanted, wanted.filters), _SERVICE)
        except AlreadyExistsError:
            found = find_extension(session, wanted.name, wanted.namespace)
    change: Literal["created", "updated", "unchanged"] = "created"
    if found is not None:
        same = (found.routing_key, found.exchange, found.is_enabled) == (
            wanted.routing_key,
            wanted.exchange,
            wanted.is_enabled,
        )
        missing = [pattern for pattern in wanted.filters if pattern not in found.filters]
        if not same:
            session.put(found.href, _service_body(wanted, ()), _SERVICE, missing="the extension service")
        _add_filters(session, found.href, missing)
        change = "unchanged" if same and not missing else "updated"
    registered = find_extension(session, wanted.name, wanted.namespace)
    if registered is None:
        raise VcdUnavailableError(f"vCD does not show the extension service {wanted.name!r} after registering it")
    return registered, change


def ensure_rights(session: VcdSession, service: ExtensionService, rights: Sequence[Right]) -> list[str]:
    """Adds rights to the service; returns the full names of those that were not there before."""
    present = {record.name for record in run(session, Query("right", style="records"))}
    document = session.get(service.href, missing="the extension service")
    rights_href = link(document, "rights", admin_type("rights"))
    if rights_href is None:
        raise FailedPreconditionError(f"vCD lets nobody add rights to the extension service {service.name!r}")
    added = []
    for right in rights:
        full_name = f"{{{service.namespace}}}:{right.name}"
        if full_name not in present and _add_right(session, rights_href, right):
            added.append(full_name)
    return added


def ensure_catalog(
    session: VcdSession, org: OrgRef, name: str, description: str
) -> tuple[CatalogRef, Literal["created", "unchanged"]]:
    """Creates the catalog in the org unless it is there."""
    change: Literal["created", "unchanged"] = "unchanged"
    found = _catalog_of(session, org, name)
    if found is None:
        body = V.AdminCatalog(V.Description(clean(description)), name=clean(name))
        session.post(f"{admin_view(org.href)}/catalogs", body, admin_type("catalog"), headers={_TENANT_CONTEXT: org.id})
        change = "created"
        found = _catalog_of(session, org, name)
    if found is None:
        raise VcdUnavailableError(f"vCD does not show the catalog {name!r} after making it")
    return found, change


def publish_catalog(session: VcdSession, catalog: CatalogRef) -> bool:
    """Makes the catalog readable by all orgs; returns whether it was not before."""
    document = session.get(admin_view(catalog.href), missing="the catalog")
    if text_at(document, "v:IsPublished") == "true":
        return False
    href = link(document, "publish", admin_type("publishCatalogParams"))
    if href is None:
        raise FailedPreconditionError(
            f"vCD does not allow publishing the catalog {catalog.name!r}; its org needs the setting that permits it"
        )
    session.post(href, V.PublishCatalogParams(V.IsPublished("true")), admin_type("publishCatalogParams"))
    return True


def _catalog_of(session: VcdSession, org: OrgRef, name: str) -> CatalogRef | None:
    found = find_catalogs(session, name, org=org.name)
    return next((catalog for catalog in found if catalog.org.lower() == org.name.lower()), None)


def _extension_record(session: VcdSession, name: str, namespace: str) -> Record | None:
    query = Query(
        "adminService", (Condition.equal("name", name), Condition.equal("namespace", namespace)), style="records"
    )
    return next(
        (found for found in run(session, query) if (found.name, found.get("namespace")) == (name, namespace)), None
    )


def _extension(session: VcdSession, record: Record) -> ExtensionService:
    filters = run(
        session, Query("apiFilter", (Condition.equal("service", record.id),), style="records", sort="urlPattern")
    )
    return ExtensionService(
        name=record.name,
        namespace=record.get("namespace"),
        routing_key=record.get("routingKey"),
        exchange=record.get("exchange"),
        is_enabled=record.flag("enabled"),
        filters=tuple(found.get("urlPattern") for found in filters),
        href=record.href,
    )


def _service_body(service: ExtensionService, filters: Sequence[str]) -> Element:
    body: Element = X.Service(
        X.Namespace(clean(service.namespace)),
        X.Enabled(str(service.is_enabled).lower()),
        X.RoutingKey(clean(service.routing_key)),
        X.Exchange(clean(service.exchange)),
        name=clean(service.name),
    )
    if filters:
        body.append(X.ApiFilters(*(X.ApiFilter(X.UrlPattern(pattern)) for pattern in filters)))
    return body


def _add_filters(session: VcdSession, service_href: str, patterns: Sequence[str]) -> None:
    if not patterns:
        return
    document = session.get(service_href, missing="the extension service")
    href = link(document, "add", admin_type("apiFilter")) or f"{service_href}/apifilters"
    for pattern in patterns:
        session.post(href, X.ApiFilter(X.UrlPattern(pattern)), admin_type("apiFilter"))


def _add_right(session: VcdSession, rights_href: str, right: Right) -> bool:
    href = link(session.get(rights_href), "add", admin_type("right")) or rights_href
    body = V.Right(
        V.Description(clean(right.description)),
        V.Category(clean(right.category)),
        V.BundleKey(clean(right.bundle_key)),
        name=clean(right.name),
    )
    try:
        session.post(href, body, admin_type("right"))
    except AlreadyExistsError:
        return False
    except VcdRefusedError as exc:
        if "already exists" in exc.message:
            return False
        raise
    return True
