"""The documents of the query service: the list of queries, and pages of records in three formats."""

from dataclasses import dataclass
from urllib.parse import quote

from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.query.select import Page, Selection, visible_metadata
from vcd_simulator.query.types import AnyRecordType
from vcd_simulator.query.values import written
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.xml import Element, qualified, vcloud

FORMATS = ("records", "idrecords", "references")
PATH = "/api/query"
_LIST_MEDIA = f"{VCLOUD}query.queryList+xml"


def media_type(format_name: str) -> str:
    """The media type of a page of records."""
    return f"{VCLOUD}query.{format_name}+xml"


def query_list(context: Context, kinds: list[AnyRecordType]) -> Element:
    """Every query, in every format; the hrefs have parameters already, because clients append theirs."""
    links = [
        vcloud(
            "Link",
            rel="down",
            type=media_type(format_name),
            name=kind.name,
            href=context.url(f"{PATH}?type={kind.name}&format={format_name}"),
        )
        for kind in kinds
        for format_name in FORMATS
    ]
    return vcloud("QueryList", links, href=context.url(PATH), type=_LIST_MEDIA)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a query is asked, whatever the page and the format."""

    path: str
    type_name: str | None
    """Stated in the address at `/api/query`; other paths say themselves what they are about."""
    parameters: str
    """What else the caller said, as it came."""

    @classmethod
    def of(cls, path: str, query_string: str, type_name: str | None = None) -> "Address":
        """The address that a request came to."""
        replaced = ("type", "page", "pageSize", "format")
        kept = [part for part in query_string.split("&") if part and part.partition("=")[0] not in replaced]
        return cls(path, type_name, quote("".join(f"&{part}" for part in kept), safe="%&=+:;,/?@!$'()*~-._\\"))

    def page(self, number: int, size: int, format_name: str) -> str:
        """A page's href, with the parameters in vCloud Director's order."""
        asked = f"type={self.type_name}&" if self.type_name is not None else ""
        return f"{self.path}?{asked}page={number}&pageSize={size}&format={format_name}{self.parameters}"


def page(
    context: Context,
    kind: AnyRecordType,
    format_name: str,
    selection: Selection,
    found: Page,
    fields: tuple[str, ...],
    address: Address,
) -> Element:
    """One page of records, with links to the other formats and pages.

    `fields` are the attributes and metadata wanted; metadata alone comes beside all attributes.
    """
    references = format_name == "references"
    return vcloud(
        f"{kind.stem}References" if references else "QueryResultRecords",
        _page_links(context, format_name, selection, found.total, address),
        [
            _reference(context, kind, entity)
            if references
            else _record(context, kind, entity, fields, as_id=format_name == "idrecords")
            for entity in found.entities
        ],
        name=kind.name,
        page=selection.page,
        pageSize=selection.page_size,
        total=found.total,
        href=context.url(address.page(selection.page, selection.page_size, format_name)),
        type=media_type(format_name),
    )


def _page_links(
    context: Context, format_name: str, selection: Selection, total: int, address: Address
) -> list[Element]:
    current, size = selection.page, selection.page_size
    last = max(1, -(-total // size))
    around = [("alternate", current, other) for other in FORMATS if other != format_name]
    if current > 1:
        around += [("firstPage", 1, format_name), ("previousPage", current - 1, format_name)]
    if current < last:
        around += [("nextPage", current + 1, format_name), ("lastPage", last, format_name)]
    return [
        vcloud("Link", rel=rel, type=media_type(wanted), href=context.url(address.page(number, size, wanted)))
        for rel, number, wanted in around
    ]


def _record(context: Context, kind: AnyRecordType, entity: object, fields: tuple[str, ...], *, as_id: bool) -> Element:
    wanted = [name for name in fields if not name.startswith(("metadata:", "metadata@"))]
    cloud = context.cloud
    record = vcloud(kind.tag)
    own = written(kind.pointer(entity), base=context.base, as_id=as_id)
    record.set("id" if as_id else "href", own or "")
    for name in wanted or kind.attributes:
        if name in kind.attributes:
            text = written(kind.value(cloud, entity, name), base=context.base, as_id=as_id)
            if text is not None:
                record.set(name, xml.xml_text(text))
    metadata = [name for name in fields if name not in wanted]
    if metadata and kind.has_metadata:
        record.append(_metadata(context, kind.pointer(entity).id, metadata))
    return record


def _metadata(context: Context, entity_id: str, names: list[str]) -> Element:
    entries = [visible_metadata(context.cloud, context.access, entity_id, name) for name in names]
    return vcloud(
        "Metadata",
        [
            vcloud(
                "MetadataEntry",
                vcloud("Domain", entry.domain, visibility=entry.visibility),
                vcloud("Key", entry.key),
                vcloud("TypedValue", vcloud("Value", entry.value), qualified(xml.XSI_NS, type=entry.type)),
            )
            for entry in entries
            if entry is not None
        ],
        type=f"{VCLOUD}metadata+xml",
    )


def _reference(context: Context, kind: AnyRecordType, entity: object) -> Element:
    pointer = kind.pointer(entity)
    name = kind.value(context.cloud, entity, "name") if kind.knows("name") else None
    return vcloud(
        f"{kind.stem}Reference",
        name=written(name, base=context.base, as_id=False),
        id=written(pointer, base=context.base, as_id=True),
        type=pointer.kind.media(pointer.admin),
        href=written(pointer, base=context.base, as_id=False),
    )
