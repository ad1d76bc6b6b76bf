"""kubectl's JSONPath as far as scripts use it: paths, indexes, slices, `[*]`, `..`, filters, ranges and text."""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vcd_simulator.guests.channel import UsageError

_MOST_STEPS = 100_000
"""Nested ranges multiply, and all guests wait."""
_PIECE = re.compile(r"\{([^}]*)\}|([^{]+)")
_STEP = re.compile(
    r"""\.\.(?P<deep>[\w/-]+)|\.(?P<name>(?:[\w/-]|\\\.)+)|\[(?P<index>-?\d{1,9})\]
    |\[(?P<from>-?\d{0,9}):(?P<to>-?\d{0,9})\]|\[(?P<all>\*)\]|\.(?P<star>\*)|\[["'](?P<quoted>[^"']+)["']\]
    |\[\?\(\s*@(?P<key>[^\s=!<>()]*)\s*(?:(?P<operator>[=!]=|[<>]=?)\s*(?P<value>"[^"]*"|'[^']*'|[\w.+-]+)\s*)?\)\]""",
    re.VERBOSE,
)
_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(template: str, document: Any) -> str:
    """Fill a template in. Raises UsageError: it is not understood, or does not end."""
    return _Template(template).fill(document)


def select(path: str, document: Any) -> list[Any]:
    """All values that a path leads to. Raises UsageError: the path is not understood, or counts beyond a list."""
    path = path.removeprefix("$").removeprefix("@")
    values = [document]
    at = 0
    if path and path[0] not in ".[":
        path = f".{path}"
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise UsageError(f"error: error parsing jsonpath {{{path}}}")
        values = [found for value in values for found in _take(step, value)]
        if len(values) > _MOST_STEPS:
            raise UsageError("error: error executing jsonpath: there are too many values")
        at = step.end()
    return values


class _Template:
    """A template in its pieces: expressions, and the text between them."""

    def __init__(self, template: str) -> None:
        self._pieces: list[tuple[str | None, str | None]] = [(one[1], one[2]) for one in _PIECE.finditer(template)]
        self._steps = 0

    def fill(self, document: Any) -> str:
        out: list[str] = []
        end = self._render(0, document, out)
        if end < len(self._pieces):
            raise UsageError("error: error parsing jsonpath, not in range, nothing to end")
        return "".join(out)

    def _render(self, at: int, document: Any, out: list[str] | None) -> int:
        """Write from a piece up to an `end`, and return where that is; without `out` only look for it."""
        while at < len(self._pieces):
            self._count()
            expression, literal = self._pieces[at]
            at += 1
            if expression is None:
                _write(out, literal or "")
            elif expression.strip() == "end":
                return at - 1
            elif expression.startswith("range "):
                at = self._repeat(expression.removeprefix("range ").strip(), at, document, out)
            elif expression[:1] in ('"', "'"):
                _write(out, expression[1:-1].replace("\\n", "\n").replace("\\t", "\t"))
            elif out is not None:
                _write(out, " ".join(_show(value) for value in select(expression.strip(), document)))
        return at

    def _repeat(self, path: str, at: int, document: Any, out: list[str] | None) -> int:
        """Write a range's pieces for everything that its path leads to; returns where to go on behind its end."""
        end = self._render(at, None, None)
        for item in select(path, document) if out is not None else ():
            self._render(at, item, out)
        return end + 1

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise UsageError("error: error executing jsonpath: the template does not end")


def _write(out: list[str] | None, text: str) -> None:
    if out is not None:
        out.append(text)


def _take(step: "re.Match[str]", value: Any) -> list[Any]:
    name = step["name"] or step["quoted"]
    if name:
        name = name.replace("\\.", ".")
        return [value[name]] if isinstance(value, dict) and name in value else []
    if step["deep"]:
        return list(_below(value, step["deep"]))
    if step["all"] or step["star"]:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if not isinstance(value, list):
        return []
    if step["index"]:
        return [_at(value, int(step["index"]))]
    if step["key"] is None:
        first, last = (int(text) if text.lstrip("-") else None for text in (step["from"], step["to"]))
        return value[first:last]
    return [item for item in value if _holds(step, item)]


def _at(values: list[Any], index: int) -> Any:
    if not -len(values) <= index < len(values):
        raise UsageError(
            f"error: error executing jsonpath: array index out of bounds: index {index}, length {len(values)}"
        )
    return values[index]


def _below(value: Any, name: str) -> Iterator[Any]:
    """What has a name, however deep."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and name in value:
        yield value[name]
    for one in inner:
        yield from _below(one, name)


def _holds(step: "re.Match[str]", item: Any) -> bool:
    """Whether a filter lets an item through."""
    found = select(step["key"], item)
    if step["operator"] is None:
        return bool(found)
    wanted = step["value"].strip("\"'")
    if step["operator"] in _NUMBERS:
        return any(_compares(_NUMBERS[step["operator"]], one, wanted) for one in found)
    return any((_show(one) == wanted) is (step["operator"] == "==") for one in found)


def _compares(compare: Callable[[float, float], bool], one: Any, other: str) -> bool:
    try:
        return compare(float(_show(one)), float(other))
    except ValueError:
        return False


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
