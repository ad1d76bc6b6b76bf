"""vCD's tasks: what they say, and waiting for them together.

All waits of a process share one poller. It asks for the states of all tasks that are due with one query, more and more
seldom the longer a task takes (50 ms after its start, 2 s in the long run), and wakes those whose task is over.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from cse_core.errors import AlreadyExistsError, CseError, DeadlineError, ExhaustedError, NotFoundError
from cse_vcd.documents import Element, attribute, bare_id, first, int_at
from cse_vcd.errors import BusyError, TaskAbortedError, TaskFailedError, tidy
from cse_vcd.query import AnyOf, Condition, Query, run
from cse_vcd.session import VcdSession
from cse_vcd.timing import SYSTEM_CLOCK, Backoff, Check, Clock, Deadline, no_check

log = structlog.get_logger()

SUCCESS: Final = "success"
FINAL: Final = frozenset({SUCCESS, "error", "canceled", "aborted"})

_FIRST_S: Final = 0.05
_MOST_S: Final = 2.0
_TOGETHER: Final = 0.25
"""Tasks due within this part of their interval are asked for together with those that are due now."""
_APART_S: Final = 0.02
"""The least time between two rounds: what is begun meanwhile shares the next."""
_PER_QUERY: Final = 60
"""Ids in one filter; more would make the URL longer than proxies like."""
_CHECK_S: Final = 0.5
_IDLE_S: Final = 30.0

_FINER: Final[dict[str, type[CseError]]] = {
    "BUSY_ENTITY": BusyError,
    "DUPLICATE_NAME": AlreadyExistsError,
    "QUOTA_EXCEEDED": ExhaustedError,
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What vCD says of a task. `status` is in lower case; `error` and `minor` are empty unless it failed."""

    id: str
    href: str
    status: str
    operation: str = ""
    operation_name: str = ""
    error: str = ""
    minor: str = ""
    progress: int | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @classmethod
    def of(cls, document: Element) -> "Task":
        """From a `Task` document. A failed task need not hold an `Error`."""
        error = first(document, "v:Error")
        return cls(
            id=bare_id(attribute(document, "href") or attribute(document, "id")),
            href=attribute(document, "href"),
            status=attribute(document, "status").lower(),
            operation=attribute(document, "operation"),
            operation_name=attribute(document, "operationName"),
            error="" if error is None else tidy(attribute(error, "message")),
            minor="" if error is None else attribute(error, "minorErrorCode"),
            progress=int_at(document, "v:Progress") if first(document, "v:Progress") is not None else None,
        )

    def raise_unless_successful(self) -> None:
        """Raises what a final task other than a successful one means.

        Raises:
            BusyError: it found its entity busy.
            AlreadyExistsError: the name was taken meanwhile.
            ExhaustedError: there is no room.
            TaskAbortedError: somebody cancelled or aborted it.
            TaskFailedError: anything else; the message is vCD's.
        """
        if self.status == SUCCESS:
            return
        what = self.operation or self.operation_name or "a task"
        says = self.error or "vCD gives no reason"
        details = {"task": self.id, "minor": self.minor or None}
        if self.status in ("canceled", "aborted"):
            reason = f" ({self.error})" if self.error else ""
            raise TaskAbortedError(f"the vCD task {what!r} was {self.status}{reason}", **details)
        raise _FINER.get(self.minor, TaskFailedError)(f"the vCD task {what!r} failed: {says}", **details)


def read_task(session: VcdSession, href: str) -> Task:
    """The task there.

    Raises:
        NotFoundError: it is not there (any more), or not visible to the session.
    """
    return Task.of(session.get(href, missing="the vCD task"))


def query_tasks(session: VcdSession, ids: Iterable[str]) -> dict[str, str]:
    """Statuses by bare id, of those of the tasks that the query service shows."""
    kind = "adminTask" if session.is_sysadmin else "task"
    terms = (AnyOf(tuple(Condition.equal("id", id_) for id_ in ids)),)
    return {record.id: record.get("status").lower() for record in run(session, Query(kind, terms, sort=None))}


@dataclass(eq=False)
class _Watch:
    """One task that somebody waits for."""

    href: str
    id: str
    due: float
    interval_s: float = _FIRST_S
    backoff: Backoff = field(default_factory=lambda: Backoff(_FIRST_S, _MOST_S))
    waiters: int = 0
    outcome: Task | CseError | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class TaskPoller:
    """Waits for vCD's tasks. `session` should see all of them: the service account's."""

    def __init__(self, session: VcdSession, clock: Clock = SYSTEM_CLOCK) -> None:
        self._session = session
        self._clock = clock
        self._changed = threading.Condition()
        self._watches: dict[str, _Watch] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._next_round = clock.monotonic()

    def wait(self, href: str, *, timeout_s: float, check: Check = no_check) -> Task:
        """Returns when the task has ended well.

        Args:
            href: of the task.
            timeout_s: how long to wait. The task itself goes on when this is over.
            check: called at least once a second; what it raises ends the wait.

        Raises:
            DeadlineError: the task did not end in time.
            NotFoundError: vCD does not know the task.
            CseError: as `Task.raise_unless_successful`.
        """
        task = self.wait_until_final(href, timeout_s=timeout_s, check=check)
        task.raise_unless_successful()
        return task

    def wait_until_final(self, href: str, *, timeout_s: float, check: Check = no_check) -> Task:
        """As `wait`, but returns however the task has ended."""
        deadline = Deadline(timeout_s, self._clock)
        watch = self._join(href)
        try:
            while True:
                check()
                watch.ended.wait(min(_CHECK_S, deadline.left_s))
                if isinstance(watch.outcome, CseError):
                    raise watch.outcome
                if watch.outcome is not None:
                    return watch.outcome
                if deadline.passed:
                    raise DeadlineError(
                        f"a vCD task did not end within {timeout_s:.0f} s; it may still do so", task=watch.id
                    )
        finally:
            self._leave(watch)

    def close(self) -> None:
        """Ends the polling thread. Waits that go on raise DeadlineError when their time is over."""
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _join(self, href: str) -> _Watch:
        with self._changed:
            watch = self._watches.get(href)
            if watch is None:
                watch = _Watch(href, bare_id(href), due=self._clock.monotonic())
                self._watches[href] = watch
            watch.waiters += 1
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="vcd-tasks", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return watch

    def _leave(self, watch: _Watch) -> None:
        with self._changed:
            watch.waiters -= 1
            if watch.waiters == 0 and self._watches.get(watch.href) is watch:
                del self._watches[watch.href]

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                due = self._due()
                while not due:
                    if self._thread is not me:
                        return
                    self._changed.wait(self._time_to_next())
                    due = self._due()
                if self._thread is not me:
                    return
            outcomes = self._ask(due)
            with self._changed:
                self._note(due, outcomes)

    def _due(self) -> list[_Watch]:
        now = self._clock.monotonic()
        open_ = [watch for watch in self._watches.values() if watch.outcome is None]
        if now < self._next_round or not any(watch.due <= now for watch in open_):
            return []
        return [watch for watch in open_ if watch.due - _TOGETHER * watch.interval_s <= now]

    def _time_to_next(self) -> float:
        now = self._clock.monotonic()
        first = min((watch.due for watch in self._watches.values() if watch.outcome is None), default=now + _IDLE_S)
        return max(0.0, max(first, self._next_round) - now)

    def _note(self, due: Sequence[_Watch], outcomes: dict[str, Task | CseError]) -> None:
        now = self._clock.monotonic()
        self._next_round = now + _APART_S
        for watch in due:
            watch.outcome = outcomes.get(watch.id)
            if watch.outcome is not None:
                watch.ended.set()
            watch.interval_s = watch.backoff.next_s()
            watch.due = now + watch.interval_s

    def _ask(self, due: Sequence[_Watch]) -> dict[str, Task | CseError]:
        """Outcomes of those tasks that have ended. What is unclear because vCD is away is asked for again."""
        outcomes: dict[str, Task | CseError] = {}
        for start in range(0, len(due), _PER_QUERY):
            part = due[start : start + _PER_QUERY]
            try:
                statuses = query_tasks(self._session, [watch.id for watch in part]) if len(part) > 1 else {}
            except CseError as exc:
                log.info("vcd_tasks_not_read", error=str(exc), tasks=len(part))
                continue
            for watch in part:
                status = statuses.get(watch.id)
                if status == SUCCESS:
                    outcomes[watch.id] = Task(id=watch.id, href=watch.href, status=SUCCESS)
                elif status is None or status in FINAL:  # the query shows no errors, and not what is too new for it
                    self._read(watch, outcomes)
        return outcomes

    def _read(self, watch: _Watch, outcomes: dict[str, Task | CseError]) -> None:
        try:
            task = read_task(self._session, watch.href)
        except NotFoundError as exc:
            outcomes[watch.id] = exc
        except CseError as exc:
            log.info("vcd_task_not_read", error=str(exc), task=watch.id)
        else:
            if task.is_final:
                outcomes[watch.id] = task
