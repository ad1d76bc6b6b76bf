"""vCD's query service: typed queries, all pages, records with names for what they hold."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

from cse_vcd.documents import VCLOUD, Element, attribute, bare_id, media_type
from cse_vcd.fiql import AnyOf, Condition, Term, filter_parameters
from cse_vcd.session import VcdSession

__all__ = ["AnyOf", "Condition", "Query", "Record", "Term", "count", "run"]

PAGE_SIZE: Final = 128
"""The most that vCD gives at once."""
_PARALLEL_PAGES: Final = 8

# Lists are long, and lxml looks prefixes up anew at each search.
_ENTRIES: Final = f"{{{VCLOUD}}}Metadata/{{{VCLOUD}}}MetadataEntry"
_KEY: Final = f"{{{VCLOUD}}}Key"
_VALUE: Final = f"{{{VCLOUD}}}TypedValue/{{{VCLOUD}}}Value"

Style = Literal["records", "idrecords"]


@dataclass(frozen=True)
class Query:
    """What to ask for: a type of the query service, for example `adminVApp`, and what its records must match.

    `records` refer to other entities by href, `idrecords` by URN. `metadata` names entries that each record brings.
    """

    kind: str
    terms: tuple[Term, ...] = ()
    style: Style = "idrecords"
    metadata: tuple[str, ...] = ()
    sort: str | None = "name"
    """Attribute to order by, so that pages do not overlap."""


@dataclass(frozen=True)
class Record:
    """One line of an answer."""

    attributes: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.get("name")

    @property
    def href(self) -> str:
        return self.get("href")

    @property
    def id(self) -> str:
        """The bare UUID."""
        return bare_id(self.get("id") or self.href)

    def get(self, name: str) -> str:
        """The attribute's value, empty if it is absent."""
        return self.attributes.get(name, "")

    def flag(self, name: str) -> bool:
        return self.get(name).lower() == "true"

    def number(self, name: str) -> int:
        """The attribute as a whole number, 0 if it is none."""
        try:
            return int(float(self.get(name)))
        except ValueError:
            return 0


def run(session: VcdSession, query: Query) -> list[Record]:
    """All records, each once; beyond the first page, pages are fetched side by side.

    Raises:
        PermissionDeniedError: the user may not ask for this type.
    """
    url = _url(session, query)
    head = session.get(f"{url}&page=1&pageSize={PAGE_SIZE}")
    pages = -(-_total(head) // PAGE_SIZE)
    documents = [head]
    if pages > 1:
        with ThreadPoolExecutor(min(_PARALLEL_PAGES, pages - 1), "vcd-query") as pool:
            rest = [f"{url}&page={page}&pageSize={PAGE_SIZE}" for page in range(2, pages + 1)]
            documents.extend(page for page in pool.map(session.find, rest) if page is not None)
    return list(_unique(record for document in documents for record in _records(document)))


def count(session: VcdSession, query: Query) -> int:
    """How many records there are; costs one small request."""
    return _total(session.get(f"{_url(session, query)}&page=1&pageSize=1"))


def _url(session: VcdSession, query: Query) -> str:
    base = session.link("down", media_type("query.queryList"))
    url = f"{base}?type={query.kind}&format={query.style}{filter_parameters(query.terms, session.api_version)}"
    if query.metadata:
        url += "&fields=" + ",".join(f"metadata:{key}" for key in query.metadata)
    return f"{url}&sortAsc={query.sort}" if query.sort else url


def _total(document: Element) -> int:
    return int(attribute(document, "total", "0"))


def _records(document: Element) -> Iterator[Record]:
    for child in document.iterchildren("*"):
        if not str(child.tag).endswith("}Link"):
            entries = {
                (entry.findtext(_KEY) or "").strip(): (entry.findtext(_VALUE) or "").strip()
                for entry in child.iterfind(_ENTRIES)
            }
            yield Record({str(name): str(value) for name, value in child.attrib.items()}, entries)


def _unique(records: Iterator[Record]) -> Iterator[Record]:
    """Leaves out what a page repeats because something was created while the pages were read."""
    seen: set[str] = set()
    for record in records:
        key = record.get("id") or record.href
        if not key or key not in seen:
            seen.add(key)
            yield record
