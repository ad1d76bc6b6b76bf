"""Metadata of an entity, and of one key."""

from collections.abc import Iterable

from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import METADATA, link
from vcd_simulator.rest.xml import XSI_NS, Element, document, qualified, vcloud


def metadata(context: Context, path: str, entries: Iterable[MetadataEntry], *, edits: bool) -> Element:
    return document(
        "Metadata",
        link(context, "add", path, METADATA) if edits else None,
        [
            vcloud(
                "MetadataEntry",
                domain_element(entry),
                vcloud("Key", entry.key),
                typed_value(entry),
                type=METADATA.replace("metadata+", "metadata.entry+"),
            )
            for entry in entries
        ],
        type=METADATA,
        href=context.url(path),
    )


def domain_element(entry: MetadataEntry) -> Element:
    return vcloud("Domain", entry.domain, visibility=entry.visibility)


def typed_value(entry: MetadataEntry) -> Element:
    return vcloud("TypedValue", vcloud("Value", entry.value), qualified(XSI_NS, type=entry.type))


def metadata_value(context: Context, path: str, entry: MetadataEntry, *, edits: bool) -> Element:
    return document(
        "MetadataValue",
        link(context, "edit", path, METADATA.replace("metadata+", "metadata.value+")) if edits else None,
        link(context, "remove", path) if edits else None,
        domain_element(entry),
        typed_value(entry),
        type=METADATA.replace("metadata+", "metadata.value+"),
        href=context.url(path),
    )
