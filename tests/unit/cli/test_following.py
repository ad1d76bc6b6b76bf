"""Following an operation: every event once, to the end, whatever happens to the server meanwhile."""

import io
import os
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from cse_cli.vcd_plugin.errors import ServerError, SessionError, TaskError, UnreachableError
from cse_cli.vcd_plugin.events import Board, Event, Lines
from cse_cli.vcd_plugin.following import Operation, follow, outcome

OPERATION = {
    "id": "op-1",
    "kind": "CREATE_CLUSTER",
    "target": "orgs/ac%20me/vdcs/dev/clusters/demo",
    "state": "SUCCEEDED",
    "done": True,
    "message": "Created cluster demo",
    "error": None,
}


def an_event(sequence: int, message: str = "working", **fields: Any) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "time": "2026-11-22T14:00:00Z",
        "state": "RUNNING",
        "step": "join",
        "node": "",
        "message": message,
        "progress_percent": 10,
        **fields,
    }


def answer(*events: dict[str, Any], done: bool = False) -> dict[str, Any]:
    return {"events": list(events), "done": done}


class Script:
    """A server that answers in turn; time passes only while somebody sleeps, or as an answer takes."""

    def __init__(self, *answers: dict[str, Any] | Exception, takes_s: float = 0.0) -> None:
        self._answers = list(answers)
        self._takes_s = takes_s
        self.asked: list[str] = []
        self.now = 0.0
        self.pauses: list[float] = []

    def fields(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        self.now += self._takes_s
        if "/events" not in path:
            return OPERATION
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def follow(self) -> tuple[list[int], Operation]:
        seen = Seen()
        ended = follow(self, "op-1", seen, clock=lambda: self.now, sleep=self.sleep)
        return seen.sequences, ended


class Seen:
    def __init__(self) -> None:
        self.sequences: list[int] = []

    def show(self, event: Event) -> None:
        self.sequences.append(event.sequence)

    def end(self) -> None:
        self.sequences.append(0)


def test_every_event_is_shown_once_and_the_operation_is_read_at_the_end() -> None:
    script = Script(answer(an_event(1), an_event(2)), answer(an_event(3)), answer(an_event(4), done=True))
    sequences, ended = script.follow()
    assert sequences == [1, 2, 3, 4, 0]
    assert (ended.state, ended.org, ended.cluster, ended.title) == ("SUCCEEDED", "ac me", "demo", "create cluster demo")
    assert script.asked == [
        *(f"GET /cse/_operations/op-1/events?since={since}&wait=30" for since in (0, 2, 3)),
        "GET /cse/_operations/op-1",
    ]
    assert script.pauses == []


def test_a_server_that_keeps_questions_is_asked_again_at_once_and_one_that_does_not_after_a_pause() -> None:
    patient = Script(answer(), answer(), answer(an_event(1), done=True), takes_s=9.0)
    patient.follow()
    assert patient.pauses == []
    hasty = Script(answer(), answer(), answer(an_event(1), done=True))
    hasty.follow()
    assert hasty.pauses == [1.0, 1.0]


@pytest.mark.parametrize(
    "passing",
    [UnreachableError("no network"), *(ServerError("x", status=status) for status in (429, 500, 502, 503, 504))],
    ids=str,
)
def test_what_passes_is_waited_for_and_no_event_is_lost(passing: Exception) -> None:
    script = Script(answer(an_event(1)), passing, passing, answer(an_event(2), done=True))
    assert script.follow()[0] == [1, 2, 0]
    assert script.pauses == [1.0, 1.0]


def test_a_server_that_stays_away_is_not_waited_for_for_ever() -> None:
    script = Script(answer(an_event(1)), UnreachableError("no network"))
    with pytest.raises(UnreachableError):
        script.follow()
    assert 100 <= script.now < 150


@pytest.mark.parametrize("error", [ServerError("there is none", status=404), SessionError("log in")], ids=str)
def test_what_does_not_pass_ends_it(error: Exception) -> None:
    script = Script(error)
    with pytest.raises(type(error)):
        script.follow()
    assert script.pauses == []


@pytest.mark.parametrize(
    "strange", [{}, {"events": 1, "done": True}, answer({"no": "event"}), {"events": ["x"], "done": 1}]
)
def test_an_answer_that_is_no_list_of_events_is_not_believed(strange: dict[str, Any]) -> None:
    with pytest.raises(UnreachableError, match="is it CSE"):
        Script(strange).follow()


def test_an_operation_that_did_not_succeed_says_why() -> None:
    good = Operation.parse(OPERATION)
    assert outcome(good) is good
    failed = Operation.parse({**OPERATION, "state": "FAILED", "error": "no address is left"})
    with pytest.raises(TaskError, match="no address is left"):
        outcome(failed)


def test_lines_tell_when_how_far_where_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    stream = io.StringIO()
    lines = Lines(stream)
    lines.show(Event.parse(an_event(1, "joined\x1b[2J", node="node-7k2p", progress_percent=56, time="never")))
    assert stream.getvalue() == "never   56 %  [node-7k2p] joined[2J\n"


def screen(text: str) -> list[str]:
    """What a terminal shows after all that was written: lines, each cleared before it is written."""
    rows, cursor = [""], 0
    for line in text.replace("\r\x1b[2K", "").split("\n"):
        up = re.match(r"\x1b\[(\d+)A", line)
        cursor -= int(up[1]) if up else 0
        rows[cursor] = line[up.end() :] if up else line
        cursor += 1
        if cursor == len(rows):
            rows.append("")
    return [row for row in rows if row]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def resize(width: int, height: int) -> None:
        monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, height)))

    resize(60, 20)
    return resize


def test_a_terminal_shows_the_latest_of_every_node(terminal: object) -> None:
    stream = io.StringIO()
    board = Board("create cluster demo", stream)
    for number, (node, message) in enumerate(
        [("", "adding nodes"), ("node-b", "booting"), ("node-a", "booting"), ("node-b", "joined"), ("", "waiting")], 1
    ):
        board.show(Event.parse(an_event(number, message, node=node)))
    board.end()
    assert screen(stream.getvalue()) == [
        "create cluster demo  10 %: waiting",
        "  node-a     booting",
        "  node-b     joined",
    ]


def test_more_nodes_than_lines_are_counted_and_long_lines_cut(terminal: Callable[[int, int], None]) -> None:
    terminal(30, 6)
    stream = io.StringIO()
    board = Board("create cluster demo", stream)
    for number in range(10):
        board.show(Event.parse(an_event(number + 1, "a" * 50, node=f"node-{number}", state="ROLLING_BACK")))
    shown = screen(stream.getvalue())
    assert shown[0] == "create cluster demo (taking b"
    assert shown[-1] == "  … and 8 more nodes"
    assert len(shown) == 4
    assert max(map(len, shown)) == 29
