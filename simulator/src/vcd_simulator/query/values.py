"""Values of records: what they are, how filters compare them, how they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from vcd_simulator import errors
from vcd_simulator.clock import timestamp
from vcd_simulator.model.kinds import Kind


@dataclass(frozen=True, slots=True)
class Pointer:
    """A reference to an entity; written as an href or as a URN, and equal to either, or to the bare id."""

    kind: Kind
    id: str
    admin: bool = False


_Ordered = TypeVar("_Ordered", float, str)

Value = str | int | bool | float | Pointer | None
"""A float is a moment, in seconds since the epoch; there are no other fractions in records."""


def written(value: Value, *, base: str, as_id: bool) -> str | None:
    """A value as an attribute of a record."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return timestamp(value)
        case Pointer(kind, entity_id, admin):
            return kind.urn + entity_id if as_id else base + kind.href_path(entity_id, admin)
        case _:
            return str(value)


def compare(value: Value, operator: str, wanted: str, *, fold_case: bool = False) -> bool:
    """Whether a filter's comparison holds. What is absent differs from everything, and is neither more nor less.

    Raises:
        VcdError: 400, a moment is asked for in a form that is none.
    """
    if value is None:
        return operator == "!="
    if operator in ("==", "!="):
        return _equal(value, wanted, fold_case) is (operator == "==")
    return _ordered(value, operator, wanted)


def matcher(operator: str, wanted: str, *, fold_case: bool = False) -> Callable[[Value], bool]:
    """The same as `compare`, for very many values."""
    if operator not in ("==", "!=") or fold_case:
        return lambda value: compare(value, operator, wanted, fold_case=fold_case)
    equal = operator == "=="
    fits = _pattern(wanted)

    def test(value: Value) -> bool:
        if isinstance(value, str):
            return fits(value) is equal
        return compare(value, operator, wanted)

    return test


@lru_cache(maxsize=256)
def entity_id(reference: str, kind: Kind) -> str:
    """The id in an href, an admin href, a URN or a bare id."""
    last = reference.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return last.removeprefix(kind.path.rpartition("/")[2])


def like(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for anything; takes time proportional to the text."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _pattern(pattern: str) -> Callable[[str], bool]:
    """What tells whether a text is `like` a pattern."""
    first, *others = pattern.split("*")
    if not others:
        return lambda text: text == pattern
    *middle, last = others
    if not middle and not last:
        return lambda text: text.startswith(first)
    if len(middle) == 1 and not first and not last:
        (part,) = middle
        return lambda text: part in text
    return lambda text: like(text, pattern)


def _equal(value: Value, wanted: str, fold_case: bool) -> bool:
    match value:
        case bool():
            return like("true" if value else "false", wanted.lower())
        case float():
            return value == _moment(wanted) if wanted != "*" else True
        case Pointer(kind, own_id, _):
            return like(own_id, entity_id(wanted, kind))
        case _:
            text = str(value)
            return like(text.lower(), wanted.lower()) if fold_case else like(text, wanted)


def _ordered(value: Value, operator: str, wanted: str) -> bool:
    match value:
        case float():
            return _holds(value, operator, _moment(wanted))
        case int() if not isinstance(value, bool):
            try:
                return _holds(value, operator, float(wanted))
            except ValueError:
                raise errors.bad_request(f"The filter compares a number with {wanted[:40]!r}.") from None
        case str():
            return _holds(value, operator, wanted)
        case _:
            raise errors.bad_request(f"The filter's operator {operator} does not fit its attribute.")


def _holds(value: _Ordered, operator: str, wanted: _Ordered) -> bool:
    match operator:
        case "=gt=":
            return value > wanted
        case "=ge=":
            return value >= wanted
        case "=lt=":
            return value < wanted
        case _:
            return value <= wanted


@lru_cache(maxsize=256)
def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise errors.bad_request(f"The filter compares a time with {text[:40]!r}.") from None
