"""Telling on stderr what is being done: one changing line on a terminal, otherwise a line for each step."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

_CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Called with what comes next, from any thread. On a terminal the line is cleared before anything else is shown."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        with self._lock:
            if self._live:
                click.echo(f"{_CLEAR_LINE}{text} …", err=True, nl=False)
            else:
                click.echo(text, err=True)

    def clear(self) -> None:
        """Makes room for a result or a question."""
        with self._lock:
            if self._live:
                click.echo(_CLEAR_LINE, err=True, nl=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Shows progress until the block ends."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.clear()
