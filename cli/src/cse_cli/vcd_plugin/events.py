"""What happens in an operation: read from the server, and shown as it comes."""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, Self, TextIO

import click

ROLLING_BACK: Final = "ROLLING_BACK"
_UP: Final = "\x1b[{}A"
_CLEAR: Final = "\r\x1b[2K"
_LINES_LEFT: Final = 3
"""Of the terminal, for the command above and the cursor below."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that has happened."""

    sequence: int
    time: str
    state: str
    node: str
    message: str
    percent: int
    sent: Mapping[str, Any]
    """As the server sent it."""

    @classmethod
    def parse(cls, sent: Mapping[str, Any]) -> Self:
        """Raises AttributeError, KeyError, TypeError or ValueError if it is no event."""
        percent = sent.get("progress_percent")
        return cls(
            sequence=int(sent["sequence"]),
            time=str(sent.get("time") or ""),
            state=printable(sent.get("state")),
            node=printable(sent.get("node")),
            message=printable(sent.get("message")),
            percent=percent if isinstance(percent, int) else 0,
            sent=sent,
        )


class View(Protocol):
    """Shows events."""

    def show(self, event: Event) -> None: ...

    def end(self) -> None:
        """Nothing more will be shown."""


class Silence:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class JsonLines:
    """A line of JSON for each event, on stdout."""

    def show(self, event: Event) -> None:
        click.echo(json.dumps(event.sent, sort_keys=True))

    def end(self) -> None:
        """Every line is whole."""


class Lines:
    """A line for each event: when, how far, which node, what."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def show(self, event: Event) -> None:
        node = f"[{event.node}] " if event.node else ""
        self._stream.write(f"{clock_time(event.time)}  {event.percent:3} %  {node}{event.message}\n")
        self._stream.flush()

    def end(self) -> None:
        """Every line is whole."""


class Board:
    """On a terminal: one line for the whole, and one for each node, with the latest of each.

    Args:
        title: what is done, for example `CREATE_CLUSTER demo`.
        stream: the terminal.
    """

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._whole = ""
        self._nodes: dict[str, str] = {}
        self._drawn = 0

    def show(self, event: Event) -> None:
        if event.node:
            self._nodes[event.node] = event.message
            self._nodes = {event.node: self._nodes.pop(event.node), **self._nodes}  # the latest come first
            message = self._whole.partition(": ")[2]
        else:
            message = event.message
        taking_back = " (taking back)" if event.state == ROLLING_BACK else ""
        self._whole = f"{self._title}{taking_back} {event.percent:3} %: {message}"
        self._draw()

    def end(self) -> None:
        """What is shown stays."""

    def _draw(self) -> None:
        width, height = shutil.get_terminal_size()
        room = max(height - _LINES_LEFT, 1)
        shown = sorted(list(self._nodes)[:room])
        lines = [self._whole, *(f"  {name:<10} {self._nodes[name]}" for name in shown)]
        hidden = len(self._nodes) - len(shown)
        if hidden:
            lines[-1] = f"  … and {hidden + 1} more nodes"
        back = _UP.format(self._drawn) if self._drawn else ""
        empty = max(self._drawn - len(lines), 0)
        text = "".join(f"{_CLEAR}{line[: width - 1]}\n" for line in [*lines, *[""] * empty])
        self._stream.write(f"{back}{text}")
        self._stream.flush()
        self._drawn = len(lines) + empty


def view_for(title: str, *, as_json: bool) -> View:
    """How events are shown to whoever called the command."""
    if as_json:
        return JsonLines()
    return Board(title) if sys.stderr.isatty() else Lines()


def clock_time(moment: str) -> str:
    """The time of day here, of an RFC 3339 text; as it is if it is none."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return printable(moment)


def printable(value: object) -> str:
    """The text on one line, without what would move the cursor."""
    return "".join(" " if char.isspace() else char for char in str(value or "") if char.isprintable() or char.isspace())
