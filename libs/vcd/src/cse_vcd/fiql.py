"""Filters of the query service, from which no value can break out.

How a value is escaped depends on the API: below 35.0 each value is percent-encoded and the whole expression once more
(`filterEncoded=true`); from 35.0 on, values are encoded once and `( ) , ;` carry a backslash. `*` has no escape in
either, and a backslash has none below 35.0: such characters become the wildcard, so a filter may match more than was
asked for, never less. Whoever looks for one name compares names in the answer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

_ESCAPED: Final = "(),;"
_WILD = re.compile(r"[*\\\x00-\x1f\x7f]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_METADATA_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_ANY: Final = "*"

Operator = Literal["==", "!=", "=gt=", "=lt=", "=ge=", "=le="]


@dataclass(frozen=True)
class Condition:
    """One comparison. `value` is any text; it is escaped when the filter is written."""

    attribute: str
    operator: Operator
    value: str
    is_pattern: bool = False
    """Whether a `*` in the value is meant as the wildcard."""
    prefix: str = ""

    @classmethod
    def equal(cls, attribute: str, value: str) -> "Condition":
        """An attribute that equals a value; see the module for what may match besides."""
        if not _NAME.fullmatch(attribute):
            raise ValueError(f"{attribute!r} is no attribute of a record")
        return cls(attribute, "==", value)

    @classmethod
    def metadata(cls, key: str, value: str | None = None) -> "Condition":
        """A text entry of the domain GENERAL that equals `value`, or is there at all."""
        if not _METADATA_KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of ours")
        text = _ANY if value is None else value
        return cls(f"metadata:{key}", "==", text, is_pattern=value is None, prefix="STRING:")

    def write(self, *, escape: bool) -> str:
        value = self.value if self.is_pattern else _WILD.sub(_ANY, self.value)
        text = quote(value, safe="*", errors="replace")
        if escape:
            for char in _ESCAPED:
                text = text.replace(quote(char), quote("\\" + char))
        return f"{self.attribute}{self.operator}{self.prefix}{text}"


@dataclass(frozen=True)
class AnyOf:
    """Matches if one of the conditions does."""

    conditions: tuple[Condition, ...]

    def write(self, *, escape: bool) -> str:
        text = ",".join(condition.write(escape=escape) for condition in self.conditions)
        return f"({text})" if len(self.conditions) > 1 else text


Term = Condition | AnyOf


def filter_parameters(terms: Iterable[Term], api_version: str) -> str:
    """The parameters of the URL for a filter that all terms must match; empty for no terms, else begins with `&`."""
    plain = float(api_version) >= 35.0
    written = [term.write(escape=plain) for term in terms]
    if not written:
        return ""
    expression = ";".join(written)
    return f"&filter={expression}" if plain else f"&filterEncoded=true&filter={quote(expression, safe='')}"
