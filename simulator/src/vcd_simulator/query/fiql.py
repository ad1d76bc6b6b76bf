"""Filters of the query service: FIQL as vCloud Director reads it and as its clients write it.

`name==web*;(status==POWERED_ON,metadata:owner==STRING:bob)`: a semicolon means and, a comma means or, and and binds
tighter. Clients do not always encode what they filter for, so a comma or a semicolon separates only where another
comparison, or a group, follows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from vcd_simulator import errors

_OPERATORS = ("==", "!=", "=gt=", "=ge=", "=lt=", "=le=")
_NAME = r"(?:metadata(?:@SYSTEM)?:[^=!;,()]+|[A-Za-z][A-Za-z0-9_.]*)"
_COMPARISON = re.compile(rf"({_NAME})({'|'.join(map(re.escape, _OPERATORS))})")
_SEPARATOR = re.compile(rf"([;,])(?=\(*{_COMPARISON.pattern})")
_ESCAPED = re.compile(r"\\([(),;])")
_DEEPEST = 20
"""Groups within groups; more is an attack, not a filter."""
_MOST_COMPARISONS = 500
"""In one filter. Each may have to look at every entity there is, while everybody else waits."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One `name operator value`; the value is decoded, and its wildcards are still in it."""

    name: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    """True when all parts are."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any part is."""

    parts: tuple["Expression", ...]


Expression = Comparison | And | Or


def parse(text: str, *, encoded_values: bool = False) -> Expression:
    """Read a filter, as it stands in the query string after the usual decoding.

    Args:
        text: the filter; a plus sign in it is a plus sign.
        encoded_values: the request said `filterEncoded=true`, so values may be percent-encoded once more; otherwise
            backslashes protect parentheses, commas and semicolons in them.

    Raises:
        VcdError: 400, it is no filter.
    """
    parser = _Parser(text, encoded_values)
    expression = parser.alternatives(0)
    if parser.position != len(text):
        raise parser.fault()
    return expression


def holds(expression: Expression, test: Callable[[Comparison], bool]) -> bool:
    """Whether an expression is true, given what decides its comparisons."""
    match expression:
        case Comparison():
            return test(expression)
        case And(parts):
            return all(holds(part, test) for part in parts)
        case Or(parts):
            return any(holds(part, test) for part in parts)


def comparisons(expression: Expression) -> list[Comparison]:
    """Every comparison in an expression."""
    if isinstance(expression, Comparison):
        return [expression]
    return [one for part in expression.parts for one in comparisons(part)]


class _Parser:
    """Recursive descent; `position` is where the unread text begins."""

    def __init__(self, text: str, encoded_values: bool) -> None:
        self.text = text
        self.position = 0
        self._encoded_values = encoded_values
        self._comparisons = 0

    def alternatives(self, depth: int) -> Expression:
        parts = [self._conjunction(depth)]
        while self._separator(","):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def fault(self) -> errors.VcdError:
        shown = self.text[self.position : self.position + 40]
        return errors.bad_request(f"The filter cannot be read at position {self.position}: {shown!r}.")

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._term(depth)]
        while self._separator(";"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _separator(self, wanted: str) -> bool:
        found = self.text[self.position : self.position + 1] == wanted
        self.position += found
        return found

    def _term(self, depth: int) -> Expression:
        if self.text[self.position : self.position + 1] != "(":
            return self._comparison(depth)
        if depth == _DEEPEST:
            raise self.fault()
        self.position += 1
        inside = self.alternatives(depth + 1)
        if not self._separator(")"):
            raise self.fault()
        return inside

    def _comparison(self, depth: int) -> Comparison:
        head = _COMPARISON.match(self.text, self.position)
        if head is None:
            raise self.fault()
        self._comparisons += 1
        if self._comparisons > _MOST_COMPARISONS:
            raise errors.bad_request(
                f"The filter has more than {_MOST_COMPARISONS} comparisons; ask for its parts one after the other."
            )
        end = self._end_of_value(head.end(), depth)
        self.position = end
        value = self.text[head.end() : end]
        value = unquote(value) if self._encoded_values else _ESCAPED.sub(r"\1", value)
        return Comparison(head[1], head[2], value)

    def _end_of_value(self, start: int, depth: int) -> int:
        """Where a separator follows, or the parenthesis that closes the group which the value is in."""
        opened = 0
        position = start
        while position < len(self.text):
            char = self.text[position]
            if char == "\\":
                position += 1
            elif char in ";," and _SEPARATOR.match(self.text, position):
                break
            elif char == "(":
                opened += 1
            elif char == ")" and opened:
                opened -= 1
            elif char == ")" and depth:
                break
            position += 1
        return min(position, len(self.text))
