"""The documents of the query service: the list of queries, and pages of records in three formats."""

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


def page(
    context: Context,
    kind: AnyRecordType,
    format_name: str,
    selection: Selection,
    found: Page,
    fields: tuple[str, ...],
    parameters: str,
) -> Element:
    """One page of records.

    `fields` are the attributes and metadata wanted; metadata alone comes beside all attributes. `parameters` are the
    raw query string without its page, for the links to other pages.
    """
    references = format_name == "references"
    last = max(1, -(-found.total // selection.page_size))
    around = {"firstPage": 1, "previousPage": selection.page - 1, "nextPage": selection.page + 1, "lastPage": last}
    if selection.page == 1:
        del around["firstPage"], around["previousPage"]
    if selection.page >= last:
        del around["nextPage"], around["lastPage"]
    media = media_type(format_name)
    return vcloud(
        f"{kind.stem}References" if references else "QueryResultRecords",
        [
            vcloud("Link", rel=rel, type=media, href=context.url(f"{PATH}?{parameters}&page={number}"))
            for rel, number in around.items()
        ],
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
        href=context.url(f"{PATH}?{parameters}&page={selection.page}"),
        type=media,
    )


def no_records(context: Context, name: str, path: str) -> Element:
    """An empty page of records of a kind that this cloud has none of."""
    media = media_type("records")
    return vcloud("QueryResultRecords", name=name, page=1, pageSize=25, total=0, href=context.url(path), type=media)


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


def without_page(query_string: str) -> str:
    """A raw query string without its page number, safe to stand in an href."""
    kept = [part for part in query_string.split("&") if part and part.partition("=")[0] != "page"]
    return quote("&".join(kept), safe="%&=+:;,/?@!$'()*~-._\\")
