"""Results for people or, with `--output json`, for programs."""

import json
from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def output_option(for_people: str = "table") -> Callable[[F], F]:
    """Adds `--output`, which is `for_people` unless somebody asks for JSON."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([for_people, "json"]),
        default=for_people,
        show_default=True,
        help="How results are printed.",
    )


def print_json(value: object) -> None:
    """On stdout, indented."""
    click.echo(json.dumps(value, indent=4, sort_keys=True))


def failure(message: str, output: str) -> click.ClickException | click.exceptions.Exit:
    """What a command raises to end with exit code 1: the message goes to stderr or, as JSON, to stdout."""
    if output != "json":
        return click.ClickException(message)
    print_json({"error": message})
    return click.exceptions.Exit(1)
