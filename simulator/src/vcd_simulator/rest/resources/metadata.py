"""Metadata of every kind of entity that has some."""

from collections.abc import Callable
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.kinds import PROVIDER_VDC
from vcd_simulator.model.metadata import TYPES, VISIBILITIES, MetadataEntry
from vcd_simulator.operations import work
from vcd_simulator.operations.work import Named
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import metadata as documents
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import XSI_NS, Element, child, children, text_of, whole_number

router = Router()
MAX_KEY_LENGTH = 256
MAX_VALUE_LENGTH = 1000


@dataclass(frozen=True)
class _Target:
    """An entity with metadata, its organisation, and whether the caller may change it."""

    entity: Named
    org_id: str
    changes: bool
    noun: str


def _vapp(context: Context, entity_id: str) -> _Target:
    vapp = context.access.vapp_by_id(entity_id)
    changes = context.access.may_change_vapp(vapp) and context.access.has("vApp: Edit Properties")
    return _Target(vapp, context.cloud.vdcs[vapp.vdc_id].org_id, changes, "Virtual Application")


def _vm(context: Context, entity_id: str) -> _Target:
    vapp, vm = context.access.vm_by_id(entity_id)
    changes = context.access.may_change_vapp(vapp) and context.access.has("vApp: Edit VM Properties")
    return _Target(vm, context.cloud.vdcs[vapp.vdc_id].org_id, changes, "Virtual Machine")


def _vdc(context: Context, entity_id: str) -> _Target:
    vdc = context.access.vdc_by_id(entity_id)
    return _Target(vdc, vdc.org_id, context.access.has("Organization vDC: Edit"), "Virtual Datacenter")


def _org(context: Context, entity_id: str) -> _Target:
    org = context.access.org_by_id(entity_id)
    return _Target(org, org.id, context.access.has("Organization: Edit Properties"), "Organization")


def _catalog(context: Context, entity_id: str) -> _Target:
    catalog = context.access.catalog_by_id(entity_id)
    changes = context.access.may_change_catalog(catalog) and context.access.has("Catalog: Edit Properties")
    return _Target(catalog, catalog.org_id, changes, "Catalog")


def _item(context: Context, entity_id: str) -> _Target:
    item = context.access.item_by_id(entity_id)
    catalog = context.cloud.catalogs[item.catalog_id]
    changes = context.access.may_change_catalog(catalog) and context.access.has("vApp Template / Media: Edit")
    return _Target(item, catalog.org_id, changes, "Catalog Item")


def _template(context: Context, entity_id: str) -> _Target:
    template = context.access.template_by_id(entity_id)
    item = _item(context, template.catalog_item_id or "")
    return _Target(template, item.org_id, item.changes, "Virtual Application Template")


def _template_vm(context: Context, entity_id: str) -> _Target:
    template, vm = context.access.template_vm_by_id(entity_id)
    item = _item(context, template.catalog_item_id or "")
    return _Target(vm, item.org_id, item.changes, "Virtual Machine")


def _network(context: Context, entity_id: str) -> _Target:
    network = context.access.network_by_id(entity_id)
    changes = context.access.has("Organization vDC Network: Edit Properties")
    return _Target(network, network.org_id, changes, "Network")


def _profile(context: Context, entity_id: str) -> _Target:
    profile = context.access.profile_by_id(entity_id)
    access = context.access
    changes = access.is_sysadmin and access.has("Organization vDC: Edit")
    return _Target(profile, context.cloud.vdcs[profile.vdc_id].org_id, changes, "Storage Profile")


def _provider_vdc(context: Context, entity_id: str) -> _Target:
    pvdc = context.access.provided(PROVIDER_VDC, context.cloud.provider_vdcs, entity_id, "Provider vDC: View")
    changes = context.access.has("Provider vDC: Edit")
    return _Target(pvdc, context.cloud.system_org.id, changes, "Provider Virtual Datacenter")


Find = Callable[[Context, str], _Target]


def _serve(base: str, find: Find) -> None:
    """The five routes of one kind of entity."""

    def show(context: Context, entity_id: str) -> Reply:
        target = find(context, entity_id)
        path = context.raw_path.rstrip("/")
        entries = [entry for entry in context.cloud.metadata.of(entity_id) if _visible(context, entry)]
        return Reply(content=documents.metadata(context, path, entries, edits=target.changes))

    def merge(context: Context, entity_id: str) -> Reply:
        target = _changing(find(context, entity_id))
        root = require_root(context.xml(), "Metadata")
        return _put(context, target, [_entry(one) for one in children(root, "MetadataEntry")])

    def show_value(context: Context, entity_id: str, domain: str, key: str) -> Reply:
        target = find(context, entity_id)
        entry = _existing(context, entity_id, domain, key)
        path = context.raw_path.rstrip("/")
        return Reply(content=documents.metadata_value(context, path, entry, edits=_may_change(context, target, entry)))

    def put_value(context: Context, entity_id: str, domain: str, key: str) -> Reply:
        target = _changing(find(context, entity_id))
        root = require_root(context.xml(), "MetadataValue")
        return _put(context, target, [_entry(root, domain=domain, key=key)])

    def remove(context: Context, entity_id: str, domain: str, key: str) -> Reply:
        target = find(context, entity_id)
        entry = _existing(context, entity_id, domain, key)
        _require_change(context, target, entry)
        task = work.start(
            context.cloud, context.session.user, target.org_id, target.entity, "metadataDelete",
            "Deleting metadata for", "Deleted metadata for", noun=target.noun,
            effect=lambda: context.cloud.metadata.remove(entity_id, entry.domain, entry.key),
        )  # fmt: skip
        return accepted(context, task)

    value = f"{base}/metadata/{{domain}}/{{key}}"
    general = f"{base}/metadata/{{key}}"
    router.get(f"{base}/metadata")(show)
    router.post(f"{base}/metadata")(merge)
    router.get(value)(show_value)
    router.put(value)(put_value)
    router.delete(value)(remove)
    router.get(general)(_in_general(show_value))
    router.put(general)(_in_general(put_value))
    router.delete(general)(_in_general(remove))


def _in_general(handler: Callable[[Context, str, str, str], Reply]) -> Callable[..., Reply]:
    """The short form of a value's path, which leaves the domain GENERAL out."""

    def in_general(context: Context, entity_id: str, key: str) -> Reply:
        return handler(context, entity_id, "GENERAL", key)

    return in_general


def _visible(context: Context, entry: MetadataEntry) -> bool:
    return entry.visibility != "PRIVATE" or context.access.is_sysadmin


def _existing(context: Context, entity_id: str, domain: str, key: str) -> MetadataEntry:
    entry = context.cloud.metadata.get(entity_id, domain.upper(), key)
    if entry is None or not _visible(context, entry):
        raise errors.no_access("metadata", key)
    return entry


def _changing(target: _Target) -> _Target:
    """What the caller may change; said before anybody looks at what he wants. Raises VcdError: 403, nothing."""
    if not target.changes:
        raise errors.forbidden(f"You may not change the metadata of {target.entity.name}.")
    return target


def _may_change(context: Context, target: _Target, entry: MetadataEntry) -> bool:
    return target.changes and (entry.domain == "GENERAL" or context.access.is_sysadmin)


def _require_change(context: Context, target: _Target, entry: MetadataEntry) -> None:
    if not _may_change(context, target, entry):
        raise errors.forbidden(f"You may not change the {entry.domain} metadata of {target.entity.name}.")


def _put(context: Context, target: _Target, entries: list[MetadataEntry]) -> Reply:
    for entry in entries:
        _require_change(context, target, entry)
    task = work.start(
        context.cloud, context.session.user, target.org_id, target.entity, "metadataUpdate", "Updating metadata for",
        "Updated metadata for", noun=target.noun,
        effect=lambda: context.cloud.metadata.put(target.entity.id, entries),
    )  # fmt: skip
    return accepted(context, task)


def _entry(element: Element, *, domain: str | None = None, key: str | None = None) -> MetadataEntry:
    """An entry as a request writes it, checked."""
    stated = child(element, "Domain")
    if domain is None:
        domain = ((stated.text or "") if stated is not None else "").strip() or "GENERAL"
    domain = domain.upper()
    if domain not in VISIBILITIES:
        raise errors.bad_request("Bad request: validation error, a metadata Domain is GENERAL or SYSTEM.")
    visibility = (stated.get("visibility") if stated is not None else None) or VISIBILITIES[domain][0]
    if visibility not in VISIBILITIES[domain]:
        allowed = " or ".join(VISIBILITIES[domain])
        raise errors.bad_request(f"Bad request: validation error, metadata in {domain} has visibility {allowed}.")
    key = text_of(element, "Key") if key is None else key
    if not key or len(key) > MAX_KEY_LENGTH:
        raise errors.bad_request(f"Bad request: validation error, a metadata key has 1 to {MAX_KEY_LENGTH} characters.")
    typed = child(element, "TypedValue")
    return MetadataEntry(key=key, value=_value(typed), type=_type(typed), domain=domain, visibility=visibility)


def _value(typed: Element | None) -> str:
    value = child(typed, "Value")
    text = (value.text or "") if value is not None else ""
    if len(text) > MAX_VALUE_LENGTH:
        raise errors.bad_request(
            f"Bad request: validation error, a metadata value has at most {MAX_VALUE_LENGTH} characters."
        )
    return text


def _type(typed: Element | None) -> str:
    stated = typed.get(f"{{{XSI_NS}}}type") if typed is not None else None
    name = (stated or TYPES[0]).rpartition(":")[2]
    if name not in TYPES:
        raise errors.bad_request(f"Bad request: validation error, a TypedValue is one of {', '.join(TYPES)}.")
    text = _value(typed)
    if name == "MetadataNumberValue" and whole_number(text) is None:
        raise errors.bad_request(
            "Bad request: validation error, the value of a MetadataNumberValue is no whole number."
        )
    if name == "MetadataBooleanValue" and text not in ("true", "false"):
        raise errors.bad_request("Bad request: validation error, the value of a MetadataBooleanValue is true or false.")
    return name


_KINDS: tuple[tuple[str, Find], ...] = (
    ("/api/vApp/vapp-", _vapp),
    ("/api/vApp/vm-", _vm),
    ("/api/vdc/", _vdc),
    ("/api/admin/vdc/", _vdc),
    ("/api/org/", _org),
    ("/api/admin/org/", _org),
    ("/api/catalog/", _catalog),
    ("/api/admin/catalog/", _catalog),
    ("/api/catalogItem/", _item),
    ("/api/vAppTemplate/vappTemplate-", _template),
    ("/api/vAppTemplate/vm-", _template_vm),
    ("/api/network/", _network),
    ("/api/admin/network/", _network),
    ("/api/vdcStorageProfile/", _profile),
    ("/api/admin/vdcStorageProfile/", _profile),
    ("/api/admin/providervdc/", _provider_vdc),
)
for _base, _find in _KINDS:
    _serve(f"{_base}{{entity_id}}", _find)
