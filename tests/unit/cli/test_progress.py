"""Progress on a terminal is one changing line, elsewhere a line for each change."""

import io
import sys

import pytest
from lxml import etree

from cse_cli.progress import progress
from cse_cli.vcd_plugin.errors import ServerError, TaskError, UnreachableError
from cse_cli.vcd_plugin.tasks import Progress, Task, wait_for_task


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_task(status: str = "running", operation: str = "working", progress: str = "") -> etree._Element:
    more = f"<Progress>{progress}</Progress>" if progress else ""
    return etree.fromstring(
        f'<Task xmlns="http://www.vmware.com/vcloud/v1.5" id="urn:vcloud:task:t1" status="{status}"'
        f' operation="{operation}" operationName="create_cluster">{more}</Task>'
    )


class Tasks:
    """Answers in turn, the last one for ever; time passes only while somebody sleeps."""

    def __init__(self, *answers: etree._Element | Exception) -> None:
        self._answers = list(answers)
        self.now = 0.0
        self.pauses: list[float] = []

    def xml(self, href: str) -> etree._Element:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def wait(self, stream: io.StringIO | None = None) -> Task:
        return wait_for_task(
            self, "https://vcd.example.com/api/task/t1", Progress(stream or io.StringIO()),
            clock=lambda: self.now, sleep=self.sleep,
        )  # fmt: skip


def test_a_terminal_shows_one_changing_line() -> None:
    terminal = Terminal()
    Tasks(a_task(progress="10"), a_task(progress="50"), a_task("success", "made")).wait(terminal)
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().endswith("\r\x1b[2Kcreate_cluster: made\n")
    assert "create_cluster: working, 50%" in terminal.getvalue()


def test_elsewhere_only_changes_are_told() -> None:
    stream = io.StringIO()
    Tasks(a_task(), a_task(), a_task(progress="50"), a_task("success", "made")).wait(stream)
    assert stream.getvalue().splitlines() == [
        "create_cluster: working",
        "create_cluster: working, 50%",
        "create_cluster: made",
    ]


def test_polls_become_rarer_but_never_rare() -> None:
    tasks = Tasks(*[a_task()] * 30, a_task("success"))
    tasks.wait()
    assert tasks.pauses[0] < 0.5
    assert max(tasks.pauses) == 2.0


def test_vcd_may_be_away_for_a_while_but_not_for_ever() -> None:
    away = UnreachableError("no network")
    assert Tasks(away, ServerError("oops", status=502), a_task("success")).wait().status == "success"
    tasks = Tasks(a_task(), away)
    with pytest.raises(UnreachableError):
        tasks.wait()
    assert 60 <= tasks.now < 70


def test_an_absence_is_forgiven_anew_after_every_answer() -> None:
    away = [UnreachableError("no network")] * 25  # about 45 s
    tasks = Tasks(*away, a_task(), *away, a_task("success"))
    assert tasks.wait().status == "success"


def test_a_task_that_may_not_be_seen_ends_the_wait_at_once() -> None:
    tasks = Tasks(ServerError("forbidden", status=403))
    with pytest.raises(ServerError):
        tasks.wait()
    assert tasks.pauses == []


def test_a_task_that_never_ends_does_not_hang_us() -> None:
    tasks = Tasks(a_task())
    with pytest.raises(TaskError, match="vcd task wait t1"):
        tasks.wait()
    assert tasks.now >= 7200


def test_control_characters_of_a_task_are_not_shown() -> None:
    assert Task.parse(a_task(operation="a&#x9;b&#xA0;c&#x202E;d&#x2028;e")).operation == "a b cd e"


def test_steps_of_cse_change_one_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress() as say:
        say("first")
        say("second")
    assert terminal.getvalue() == "\r\x1b[2Kfirst …\r\x1b[2Ksecond …\r\x1b[2K"


def test_steps_of_cse_are_lines_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as say:
        say("first")
        say.clear()
        say("second")
    assert capsys.readouterr().err == "first\nsecond\n"
