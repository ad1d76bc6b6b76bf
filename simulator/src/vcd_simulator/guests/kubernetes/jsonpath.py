"""The part of kubectl's JSONPath that scripts use: paths, indexes, `[*]`, equality filters, ranges and text."""

import json
import re
from typing import Any

from vcd_simulator.guests.channel import UsageError

_PIECE = re.compile(r"\{([^}]*)\}|([^{]+)")
_STEP = re.compile(
    r"""\.(?P<name>(?:[\w/-]|\\\.)+)|\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]|\.(?P<star>\*)
    |\[\?\(@\.(?P<key>[\w.-]+)\s*==\s*["'](?P<value>[^"']*)["']\)\]|\[["'](?P<quoted>[^"']+)["']\]""",
    re.VERBOSE,
)


def evaluate(template: str, document: Any) -> str:
    """Fill a template in. Raises UsageError: it is not understood."""
    pieces = [(match[1], match[2]) for match in _PIECE.finditer(template)]
    text, rest = _render(pieces, document)
    if rest:
        raise UsageError("error: error parsing jsonpath, not in range, nothing to end")
    return text


def _render(
    pieces: list[tuple[str | None, str | None]], document: Any
) -> tuple[str, list[tuple[str | None, str | None]]]:
    """Text for the pieces up to an `end`, and the pieces after it."""
    text = ""
    while pieces:
        expression, literal = pieces[0]
        pieces = pieces[1:]
        if expression is None:
            text += literal or ""
        elif expression.strip() == "end":
            return text, [("", ""), *pieces]
        elif expression.startswith("range "):
            after = pieces
            for item in select(expression.removeprefix("range ").strip(), document):
                inner, after = _render(pieces, item)
                text += inner
            if after is pieces:
                _skipped, after = _render(pieces, {})
            pieces = after[1:]
        elif expression[:1] in "\"'" and expression:
            text += expression[1:-1].replace("\\n", "\n").replace("\\t", "\t")
        else:
            text += " ".join(_show(value) for value in select(expression.strip(), document))
    return text, []


def select(path: str, document: Any) -> list[Any]:
    """All values that a path leads to. Raises UsageError: the path is not understood."""
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
        at = step.end()
    return values


def _take(step: "re.Match[str]", value: Any) -> list[Any]:
    name = step["name"] or step["quoted"]
    if name:
        name = name.replace("\\.", ".")
        return [value[name]] if isinstance(value, dict) and name in value else []
    if step["all"] or step["star"]:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if not isinstance(value, list):
        return []
    if step["index"]:
        return value[int(step["index"]) :][:1]
    return [item for item in value if step["value"] in map(_show, select(f".{step['key']}", item))]


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
