"""Printing results: tables for people, JSON when vcd-cli is called with `--json`."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from pygments import formatters, highlight, lexers
from tabulate import tabulate

_JSON: Final = f"{__name__}.json"
_NO_WAIT: Final = f"{__name__}.no_wait"


def ask_for_json(context: click.Context, *, asked: bool) -> None:
    """An option of the command goes before that of `vcd`."""
    context.meta[_JSON] = asked


def ask_not_to_wait(context: click.Context) -> None:
    context.meta[_NO_WAIT] = True


def wants_json(context: click.Context) -> bool:
    return bool(context.meta.get(_JSON, context.find_root().params.get("json_output")))


def wants_no_wait(context: click.Context) -> bool:
    return bool(context.meta.get(_NO_WAIT) or context.find_root().params.get("no_wait"))


def print_json(context: click.Context, value: object) -> None:
    text = json.dumps(value, indent=4, sort_keys=True)
    if context.find_root().params.get("is_colorized") and sys.stdout.isatty():
        text = highlight(text, lexers.JsonLexer(), formatters.TerminalFormatter()).rstrip("\n")
    click.echo(text)


def print_json_line(value: object) -> None:
    """One line among others, for programs that read line by line."""
    click.echo(json.dumps(value, sort_keys=True))


def print_rows(
    context: click.Context, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, none: str
) -> None:
    """A table with a line for each of `rows`.

    Args:
        context: of the command.
        rows: what the server sent; printed whole as JSON.
        columns: heading by key, in order.
        none: what to say, on stderr, where there are no rows.
    """
    if wants_json(context):
        print_json(context, list(rows))
    elif rows:
        table = [[_cell(row.get(key)) for key in columns] for row in rows]
        click.echo(tabulate(table, list(columns.values()), disable_numparse=True))
    else:
        click.echo(none, err=True)


def print_properties(context: click.Context, properties: Mapping[str, Any]) -> None:
    """A table with a line for each property."""
    if wants_json(context):
        print_json(context, properties)
    else:
        table = [[key, _cell(value)] for key, value in sorted(properties.items())]
        click.echo(tabulate(table, ["property", "value"], disable_numparse=True))


def print_message(context: click.Context, message: str, **more: object) -> None:
    """A sentence; as JSON, an object with `message` and whatever else there is."""
    if wants_json(context):
        print_json(context, {"message": message, **more})
    else:
        click.echo(message)


def _cell(value: object) -> str:
    """A value as text that cannot move the cursor; lists get a line for each entry."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(_cell(part) for part in value.values())
    if isinstance(value, list | tuple):
        return "\n".join(_cell(part) for part in value)
    return "".join(char for char in str(value) if char.isprintable() or char == "\n")
