"""Telling on stderr what is being done: one changing line on a terminal, otherwise a line for each step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from cse_cli.checks.result import Announce


@contextmanager
def progress() -> Iterator[Announce]:
    """Gives a function that says what comes next; it may be called from any thread."""
    console = Console(stderr=True, highlight=False)
    lock = threading.Lock()

    def say(text: str) -> None:
        with lock:
            click.echo(text, err=True)

    if not console.is_terminal:
        yield say
        return
    with console.status("…") as status:
        yield lambda text: status.update(text.replace("[", r"\["))
