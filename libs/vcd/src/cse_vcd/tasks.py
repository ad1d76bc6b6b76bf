"""vCD's tasks: what they say, and waiting for them together.

All waits of a process share one poller (`cse_vcd.polling`), which asks with one query for all tasks that are due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from cse_core.errors import AlreadyExistsError, CseError, DeadlineError, ExhaustedError, NotFoundError
from cse_vcd.documents import Element, attribute, bare_id, first, int_at
from cse_vcd.errors import BusyError, TaskAbortedError, TaskFailedError, VcdUnavailableError, means_exhausted, tidy
from cse_vcd.polling import Poller
from cse_vcd.query import AnyOf, Condition, Query, run
from cse_vcd.session import VcdSession
from cse_vcd.timing import SYSTEM_CLOCK, Check, Clock, Deadline, no_check

log = structlog.get_logger()

SUCCESS: Final = "success"
FINAL: Final = frozenset({SUCCESS, "error", "canceled", "aborted"})

_MOST_S: Final = 2.0
_PER_QUERY: Final = 60
"""Ids in one filter; more would make the URL longer than proxies like."""

_FINER: Final[dict[str, type[CseError]]] = {
    "BUSY_ENTITY": BusyError,
    "DUPLICATE_NAME": AlreadyExistsError,
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
            TaskAbortedError: somebody cancelled it.
            VcdUnavailableError: vCD has aborted it, as it does with all of them when it is restarted.
            TaskFailedError: anything else; the message is vCD's.
        """
        if self.status == SUCCESS:
            return
        what = self.operation or self.operation_name or "a task"
        says = self.error or "vCD gives no reason"
        details = {"task": self.id, "minor": self.minor or None}
        reason = f" ({self.error})" if self.error else ""
        if self.status == "aborted":
            raise VcdUnavailableError(f"vCD has aborted its task {what!r}{reason}", **details)
        if self.status == "canceled":
            raise TaskAbortedError(f"the vCD task {what!r} was canceled{reason}", **details)
        kind = ExhaustedError if means_exhausted(self.minor) else _FINER.get(self.minor, TaskFailedError)
        raise kind(f"the vCD task {what!r} failed: {says}", **details)


def read_task(session: VcdSession, href: str) -> Task:
    """The task there.

    Raises:
        NotFoundError: it is not there (any more), or not visible to the session.
    """
    return Task.of(session.get(href, missing="the vCD task"))


def cancel_task(session: VcdSession, href: str) -> None:
    """Asks vCD to end a task, which it does a little later.

    Raises:
        NotFoundError: it is not there (any more), or not visible to the session.
        VcdRefusedError: it is over.
    """
    session.post(f"{href}/action/cancel", missing="the vCD task")


def query_tasks(session: VcdSession, ids: Iterable[str]) -> dict[str, str]:
    """Statuses by bare id, of those of the tasks that the query service shows."""
    kind = "adminTask" if session.is_sysadmin else "task"
    terms = (AnyOf(tuple(Condition.equal("id", id_) for id_ in ids)),)
    return {record.id: record.get("status").lower() for record in run(session, Query(kind, terms, sort=None))}


class TaskPoller:
    """Waits for vCD's tasks. `session` should see all of them: the service account's."""

    def __init__(self, session: VcdSession, clock: Clock = SYSTEM_CLOCK) -> None:
        self._session = session
        self._clock = clock
        self._poller = Poller("vcd-tasks", self._ask, most_s=_MOST_S, clock=clock)

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
        task = self._poller.wait(href, deadline=Deadline(timeout_s, self._clock), check=check)
        if task is None:
            raise DeadlineError(
                f"a vCD task did not end within {timeout_s:.0f} s; it may still do so", task=bare_id(href)
            )
        return task

    def close(self) -> None:
        """Ends the polling thread. Waits that go on raise DeadlineError when their time is over."""
        self._poller.close()

    def _ask(self, hrefs: Sequence[str]) -> dict[str, Task | CseError]:
        """Outcomes of those tasks that have ended. What is unclear because vCD is away is asked for again."""
        outcomes: dict[str, Task | CseError] = {}
        for start in range(0, len(hrefs), _PER_QUERY):
            part = hrefs[start : start + _PER_QUERY]
            try:
                statuses = query_tasks(self._session, map(bare_id, part)) if len(part) > 1 else {}
            except CseError as exc:
                log.info("vcd_tasks_not_read", error=str(exc), tasks=len(part))
                continue
            for href in part:
                status = statuses.get(bare_id(href))
                if status == SUCCESS:
                    outcomes[href] = Task(id=bare_id(href), href=href, status=SUCCESS)
                elif status is None or status in FINAL:  # the query shows no errors, and not what is too new for it
                    self._read(href, outcomes)
        return outcomes

    def _read(self, href: str, outcomes: dict[str, Task | CseError]) -> None:
        try:
            task = read_task(self._session, href)
        except NotFoundError as exc:
            outcomes[href] = exc
        except CseError as exc:
            log.info("vcd_task_not_read", error=str(exc), task=bare_id(href))
        else:
            if task.is_final:
                outcomes[href] = task
