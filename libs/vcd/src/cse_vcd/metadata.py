"""Metadata of entities: text entries that everybody with access to the entity may read and write."""

from collections.abc import Mapping
from urllib.parse import quote

from cse_vcd.documents import XSI, Element, V, clean, every, media_type, qualified, text_at
from cse_vcd.session import VcdSession


def read_metadata(session: VcdSession, href: str) -> dict[str, str]:
    """The entries of the domain GENERAL of the entity at `href`.

    Raises:
        NotFoundError: the entity is not there, or not visible to the session.
    """
    document = session.get(f"{href}/metadata", missing="the entity or its metadata")
    return {
        text_at(entry, "v:Key"): text_at(entry, "v:TypedValue/v:Value")
        for entry in every(document, "v:MetadataEntry")
        if text_at(entry, "v:Domain", "GENERAL") == "GENERAL"
    }


def set_metadata(session: VcdSession, href: str, values: Mapping[str, str]) -> Element | None:
    """Adds or replaces entries, all with one request; returns vCD's task.

    Raises:
        NotFoundError: the entity is not there, or not visible to the session.
        BusyError: another task works on the entity.
    """
    body = V.Metadata(*(_entry(key, value) for key, value in values.items()))
    return session.post(f"{href}/metadata", body, media_type("metadata"), missing="the entity")


def remove_metadata(session: VcdSession, href: str, key: str) -> Element | None:
    """Removes an entry of the domain GENERAL; returns vCD's task.

    Raises:
        NotFoundError: the entity or its entry is not there, or not visible to the session.
        BusyError: another task works on the entity.
    """
    return session.delete(f"{href}/metadata/{quote(key, safe='')}", missing="the entity or its metadata")


def _entry(key: str, value: str) -> Element:
    typed = V.TypedValue(V.Value(clean(value)))
    typed.set(qualified(XSI, "type"), "MetadataStringValue")
    domain = V.Domain("GENERAL", visibility="READWRITE")
    entry: Element = V.MetadataEntry(domain, V.Key(clean(key)), typed)
    return entry
