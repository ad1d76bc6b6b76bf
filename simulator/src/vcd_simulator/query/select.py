"""Selecting entities: filter, order, page."""

import heapq
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import compress
from typing import Any

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.model.table import Table
from vcd_simulator.query import fiql
from vcd_simulator.query.fiql import And, Comparison, Expression, Or
from vcd_simulator.query.records import Entry, Records
from vcd_simulator.query.types import AnyRecordType
from vcd_simulator.query.values import Value, compare, matcher
from vcd_simulator.rest.xml import whole_number

_METADATA_TYPES = {
    "STRING": "MetadataStringValue",
    "NUMBER": "MetadataNumberValue",
    "BOOLEAN": "MetadataBooleanValue",
    "DATETIME": "MetadataDateTimeValue",
}
_FOLDED = ("status",)
"""Attributes that are compared without regard to case."""
_FEW = 16
"""This part of something is little: a heap then finds the first sooner than sorting does, and an index pays."""


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
    if expression is not None:
        _check_names(kind, expression)
    records = _candidates(cloud, kind, expression)
    every = range(len(records.entities))
    places: Sequence[int] | None = None
    for condition in _conditions(expression):
        fits = _fits(records, access, condition, places)
        places = list(compress(every if places is None else places, fits))
    visible = records.visible(access)
    places = list(compress(every, visible)) if places is None else [place for place in places if visible[place]]
    start = (selection.page - 1) * selection.page_size
    end = start + selection.page_size
    found: Sequence[int] = places
    if selection.sort_by is not None:
        if not kind.knows(selection.sort_by):
            raise errors.bad_request(f"The type {kind.name} cannot be sorted by {selection.sort_by[:80]!r}.")
        found = _first(records.column(selection.sort_by).values, places, end, descending=selection.descending)
    return Page(entities=[records.entities[place] for place in found[start:end]], total=len(places))


def visible_metadata(cloud: Cloud, access: Access, entity_id: str, name: str) -> MetadataEntry | None:
    """The entry that `metadata:key` or `metadata@SYSTEM:key` names, if the caller may see it."""
    domain, key = _metadata_key(name)
    entry = cloud.metadata.get(entity_id, domain, key)
    return entry if entry is not None and _sees(access, entry.visibility) else None


def _sees(access: Access, visibility: str) -> bool:
    return visibility != "PRIVATE" or access.is_sysadmin


def _metadata_key(name: str) -> tuple[str, str]:
    prefix, _, key = name.partition(":")
    return "SYSTEM" if prefix.endswith("@SYSTEM") else "GENERAL", key


def _check_names(kind: AnyRecordType, expression: Expression) -> None:
    for one in fiql.comparisons(expression):
        if not (kind.has_metadata if _is_metadata(one.name) else kind.knows(one.name)):
            raise errors.bad_request(f"The type {kind.name} cannot be filtered by {one.name[:80]!r}.")


def _is_metadata(name: str) -> bool:
    return name.startswith(("metadata:", "metadata@"))


def _conditions(expression: Expression | None) -> tuple[Expression, ...]:
    """What must be true, each of which leaves fewer entities for the next."""
    if expression is None:
        return ()
    return expression.parts if isinstance(expression, And) else (expression,)


def _candidates(cloud: Cloud, kind: AnyRecordType, expression: Expression | None) -> Records:
    """Records among which everything wanted is; few, if an index or metadata can tell."""
    most = len(kind.table(cloud)) // _FEW
    indexed = (_indexed(cloud, kind, part, most) for part in _conditions(expression))
    fewest = min((found for found in indexed if found is not None), key=len, default=None)
    return Records.all(cloud, kind) if fewest is None else Records(cloud, kind, fewest)


def _indexed(cloud: Cloud, kind: AnyRecordType, expression: Expression, most: int) -> list[Any] | None:
    """What an index has for an expression; `None` when there is no index for it, or it has more than so many."""
    match expression:
        case Comparison(name) if _is_metadata(name):
            holders = cloud.metadata.holders(*_metadata_key(name))
            if len(holders) > most:
                return None
            return [entity for entity in map(kind.table(cloud).get, holders) if entity is not None]
        case Comparison(name, "==", wanted) if name in ("id", "href") and "*" not in wanted:
            return _identified(kind.table(cloud), wanted)
        case Comparison(name, "==", wanted):
            found = kind.find(cloud, name, wanted)
            return list(found) if found is not None and len(found) <= most else None
        case Or(parts):
            each = [_indexed(cloud, kind, part, most) for part in parts]
            known = [found for found in each if found is not None]
            together = {entity.id: entity for found in known for entity in found}
            return list(together.values()) if len(known) == len(each) else None
        case _:
            return None


def _identified(table: Table[Any], reference: str) -> list[Any]:
    """What a bare id, a URN or an href may mean; hrefs have the kind in front of the id, as in `vapp-1f…`."""
    last = reference.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    found = table.get(last) or table.get(last.partition("-")[2])
    return [] if found is None else [found]


def _fits(records: Records, access: Access, expression: Expression, places: Sequence[int] | None) -> Iterable[bool]:
    """Whether the record at each of these places fits an expression."""
    match expression:
        case Comparison() if _is_metadata(expression.name):
            test = _metadata_test(access, expression)
            return records.metadata_verdicts(*_metadata_key(expression.name), test, places)
        case Comparison(name, sign, wanted):
            return records.column(name).verdicts(matcher(sign, wanted, fold_case=name in _FOLDED), places)
        case And(parts):
            each = (_fits(records, access, part, places) for part in parts)
            return reduce(lambda some, more: map(operator.and_, some, more), each)
        case Or(parts):
            each = (_fits(records, access, part, places) for part in parts)
            return reduce(lambda some, more: map(operator.or_, some, more), each)


def _metadata_test(access: Access, one: Comparison) -> Callable[[Entry], bool]:
    kind, colon, wanted = one.value.partition(":")
    if not colon or kind not in _METADATA_TYPES:
        kind, wanted = "STRING", one.value

    def test(entry: Entry) -> bool:
        type_name, value, visibility = entry
        if type_name != _METADATA_TYPES[kind] or not _sees(access, visibility):
            return False
        return compare(_typed(type_name, value), one.operator, wanted)

    return test


def _typed(type_name: str, value: str) -> Value:
    if type_name == "MetadataNumberValue":
        return whole_number(value)
    if type_name == "MetadataBooleanValue":
        return value.lower() == "true"
    return value


def _first(values: Sequence[Any], places: Sequence[int], count: int, *, descending: bool) -> list[int]:
    """The first so many places in an order; those without a value come last."""
    valued = [place for place in places if values[place] is not None]
    if count * _FEW < len(valued):
        pick = heapq.nlargest if descending else heapq.nsmallest
        return pick(count, valued, key=values.__getitem__)
    found = sorted(valued, key=values.__getitem__, reverse=descending)[:count]
    if len(found) < count:
        found += [place for place in places if values[place] is None][: count - len(found)]
    return found
