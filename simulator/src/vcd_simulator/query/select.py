"""Selecting entities: filter, order, page."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.query import fiql
from vcd_simulator.query.fiql import And, Comparison, Expression, Or
from vcd_simulator.query.types import AnyRecordType
from vcd_simulator.query.values import Pointer, Value, compare

_METADATA_TYPES = {
    "STRING": "MetadataStringValue",
    "NUMBER": "MetadataNumberValue",
    "BOOLEAN": "MetadataBooleanValue",
    "DATETIME": "MetadataDateTimeValue",
}
Test = Callable[[Any], bool]
_FOLDED = ("status",)
"""Attributes that are compared without regard to case."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a type is wanted, and which part of it."""

    expression: Expression | None = None
    sort_by: str | None = None
    descending: bool = False
    page: int = 1
    page_size: int = 25


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of entities, and how many there are on all pages."""

    entities: list[Any] = field(default_factory=list)
    total: int = 0


def select(cloud: Cloud, access: Access, kind: AnyRecordType, selection: Selection) -> Page:
    """Run a query.

    Raises:
        VcdError: 400, it names an attribute that these records do not have, or compares it with nonsense.
    """
    expression = selection.expression
    access = access.at_this_moment()
    found: Iterable[Any] = _candidates(cloud, kind, expression)
    if expression is not None:
        _check_names(kind, expression)
        found = filter(_test(cloud, access, kind, expression), found)
    visible = kind.visible
    entities = [one for one in found if visible(access, one)]
    total = len(entities)
    start = (selection.page - 1) * selection.page_size
    end = start + selection.page_size
    if selection.sort_by is not None:
        entities = _first(cloud, kind, entities, end, sort_by=selection.sort_by, descending=selection.descending)
    return Page(entities=entities[start:end], total=total)


def visible_metadata(cloud: Cloud, access: Access, entity_id: str, name: str) -> MetadataEntry | None:
    """The entry that `metadata:key` or `metadata@SYSTEM:key` names, if the caller may see it."""
    prefix, _, key = name.partition(":")
    entry = cloud.metadata.get(entity_id, _domain(prefix), key)
    if entry is None or (entry.visibility == "PRIVATE" and not access.is_sysadmin):
        return None
    return entry


def _domain(prefix: str) -> str:
    return "SYSTEM" if prefix.endswith("@SYSTEM") else "GENERAL"


def _check_names(kind: AnyRecordType, expression: Expression) -> None:
    for one in fiql.comparisons(expression):
        if not (kind.has_metadata if _is_metadata(one.name) else kind.knows(one.name)):
            raise errors.bad_request(f"The type {kind.name} cannot be filtered by {one.name[:80]!r}.")


def _is_metadata(name: str) -> bool:
    return name.startswith(("metadata:", "metadata@"))


def _candidates(cloud: Cloud, kind: AnyRecordType, expression: Expression | None) -> Iterable[Any]:
    """Entities among which everything wanted is; few, if an index or metadata can tell."""
    parts: Iterable[Expression] = ()
    if expression is not None:
        parts = expression.parts if isinstance(expression, And) else (expression,)
    fewest: list[Any] | None = None
    for part in parts:
        found = _indexed(cloud, kind, part) if isinstance(part, Comparison) else None
        if found is not None and (fewest is None or len(found) < len(fewest)):
            fewest = found
    return kind.table(cloud) if fewest is None else fewest


def _indexed(cloud: Cloud, kind: AnyRecordType, one: Comparison) -> list[Any] | None:
    """What an index has for a comparison; `None` when there is no index for it."""
    if _is_metadata(one.name):
        prefix, _, key = one.name.partition(":")
        table = kind.table(cloud)
        holders = cloud.metadata.holders(_domain(prefix), key)
        return [entity for entity in map(table.get, holders) if entity is not None]
    found = kind.find(cloud, one.name, one.value) if one.operator == "==" else None
    return None if found is None else list(found)


def _test(cloud: Cloud, access: Access, kind: AnyRecordType, expression: Expression) -> Test:
    """What tells whether an entity fits an expression; made once, since there may be very many entities."""
    match expression:
        case Comparison():
            return _comparison(cloud, access, kind, expression)
        case And(parts):
            tests = [_test(cloud, access, kind, part) for part in parts]
            return lambda entity: all(test(entity) for test in tests)
        case Or(parts):
            tests = [_test(cloud, access, kind, part) for part in parts]
            return lambda entity: any(test(entity) for test in tests)


def _comparison(cloud: Cloud, access: Access, kind: AnyRecordType, one: Comparison) -> Test:
    if _is_metadata(one.name):
        return lambda entity: _metadata_fits(visible_metadata(cloud, access, entity.id, one.name), one)
    read = kind.reader(one.name)
    fold_case = one.name in _FOLDED

    # Many entities have the same few values of most attributes.
    @lru_cache(maxsize=1024, typed=True)
    def fits(value: Value) -> bool:
        return compare(value, one.operator, one.value, fold_case=fold_case)

    return lambda entity: fits(read(cloud, entity))


def _metadata_fits(entry: MetadataEntry | None, one: Comparison) -> bool:
    """Entities without the key fit no comparison, not even that it differs."""
    if entry is None:
        return False
    kind, colon, wanted = one.value.partition(":")
    if not colon or kind not in _METADATA_TYPES:
        kind, wanted = "STRING", one.value
    if entry.type != _METADATA_TYPES[kind]:
        return False
    return compare(_typed(entry), one.operator, wanted)


def _typed(entry: MetadataEntry) -> Value:
    if entry.type == "MetadataNumberValue" and entry.value.lstrip("+-").isdigit():
        return int(entry.value)
    if entry.type == "MetadataBooleanValue":
        return entry.value.lower() == "true"
    return entry.value


def _first(
    cloud: Cloud, kind: AnyRecordType, entities: list[Any], count: int, *, sort_by: str, descending: bool
) -> list[Any]:
    """The first so many in an order; entities without a value come last. A page needs no more, and sorting is slow."""
    if not kind.knows(sort_by):
        raise errors.bad_request(f"The type {kind.name} cannot be sorted by {sort_by[:80]!r}.")
    read = kind.reader(sort_by)
    values: list[Any] = [read(cloud, one) for one in entities]
    if any(isinstance(one, Pointer) for one in values):
        values = [one.id if isinstance(one, Pointer) else one for one in values]
    valued = (number for number, value in enumerate(values) if value is not None)
    pick = heapq.nlargest if descending else heapq.nsmallest
    found = pick(count, valued, key=values.__getitem__)
    if len(found) < count:
        found += [number for number, value in enumerate(values) if value is None]
    return [entities[number] for number in found[:count]]
