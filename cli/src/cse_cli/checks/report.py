"""Showing what the checks found."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cse_cli.checks.result import Outcome, Result

_COLOURS = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "red", Outcome.SKIPPED: "yellow"}


def print_table(results: Sequence[Result]) -> None:
    """A table on a terminal; elsewhere aligned lines, one for each result and one for what to do."""
    if sys.stdout.isatty():
        _print_for_people(results)
        return
    width = max((len(result.subject) for result in results), default=0)
    for result in results:
        click.echo(f"{result.outcome.upper():<8} {result.subject:<{width}}  {result.message}")
        if result.remedy:
            click.echo(f"{'':<8} {'':<{width}}  what to do: {result.remedy}")


def print_json(results: Sequence[Result], *, is_good: bool) -> None:
    """One object: `ok`, and `results` with subject, outcome, message and remedy."""
    click.echo(json.dumps({"ok": is_good, "results": [asdict(result) for result in results]}, indent=2))


def _print_for_people(results: Sequence[Result]) -> None:
    table = Table("", "where", "what", "what to do", expand=False)
    for result in results:
        table.add_row(
            Text(result.outcome, style=_COLOURS[result.outcome]),
            Text(result.subject),
            Text(result.message),
            Text(result.remedy),
        )
    Console(highlight=False).print(table)
