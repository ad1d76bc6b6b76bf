"""Waiting for a task of vCD, with its progress."""

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

from lxml import etree

from cse_cli.vcd_plugin.errors import ServerError, TaskError, UnreachableError
from cse_cli.vcd_plugin.events import printable

_VCLOUD: Final = "{http://www.vmware.com/vcloud/v1.5}"
_UNFINISHED: Final = frozenset({"queued", "prerunning", "running"})
_POLL_FIRST_S: Final = 0.3
_POLL_MOST_S: Final = 2.0
_FORGIVE_S: Final = 60.0
"""How long vCD may be away while we wait; the work itself goes on without us."""
_PATIENCE_S: Final = 2 * 3600.0
"""CSE ends every operation long before."""


class Documents(Protocol):
    """Where tasks are read."""

    def xml(self, href: str) -> etree._Element: ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as vCD shows it at one moment."""

    id: str
    name: str
    status: str
    """Lower case: queued, prerunning, running, success, error, canceled, aborted."""
    operation: str
    """What it is doing, or did."""
    progress: int | None
    error: str

    @property
    def is_final(self) -> bool:
        return self.status not in _UNFINISHED

    @classmethod
    def parse(cls, document: etree._Element) -> "Task":
        progress = (document.findtext(f"{_VCLOUD}Progress") or "").strip()
        error = document.find(f"{_VCLOUD}Error")
        return cls(
            id=(document.get("id") or document.get("href") or "").rpartition(":")[2].rpartition("/")[2],
            name=document.get("operationName") or "task",
            status=(document.get("status") or "").lower(),
            operation=printable(document.get("operation")),
            progress=int(progress) if progress.isdecimal() else None,
            error=printable(error.get("message") if error is not None else ""),
        )


class Progress:
    """Shows how a task goes: one changing line on a terminal, otherwise a line for each change."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._spinner = itertools.cycle("|/-\\")
        self._shown = ""

    def show(self, task: Task) -> None:
        percent = f", {task.progress}%" if task.progress is not None else ""
        line = f"{task.name}: {task.operation or task.status}{percent}"
        if self._live:
            self._stream.write(f"\r\x1b[2K{line} {next(self._spinner)}")
        elif line != self._shown:
            self._stream.write(f"{line}\n")
        self._shown = line
        self._stream.flush()

    def end(self) -> None:
        """Leaves the last line and goes to the next."""
        if self._live and self._shown:
            self._stream.write(f"\r\x1b[2K{self._shown}\n")
            self._stream.flush()


def wait_for_task(
    documents: Documents,
    href: str,
    progress: Progress,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Task:
    """Waits until the task has succeeded.

    Raises:
        TaskError: it failed or was cancelled, with the reason that vCD gives.
        PluginError: the session expired meanwhile, or vCD stays away; the task goes on.
    """
    end = clock() + _PATIENCE_S
    forgiven = clock() + _FORGIVE_S
    pause = _POLL_FIRST_S
    try:
        while True:
            try:
                task = Task.parse(documents.xml(href))
            except (UnreachableError, ServerError) as exc:
                if clock() >= forgiven or (isinstance(exc, ServerError) and exc.status < 500):
                    raise
            else:
                forgiven = clock() + _FORGIVE_S
                progress.show(task)
                if task.is_final:
                    return _succeeded(task)
                if clock() >= end:
                    raise TaskError(f"task {task.id} has not ended; follow it with `vcd task wait {task.id}`")
            sleep(pause)
            pause = min(pause * 1.3, _POLL_MOST_S)
    finally:
        progress.end()


def _succeeded(task: Task) -> Task:
    if task.status == "success":
        return task
    reason = task.error or task.operation or "vCD gives no reason"
    outcome = "failed" if task.status == "error" else f"was {task.status}"
    raise TaskError(f"task {task.id} {outcome}: {reason}")
