"""Tasks of ours in vCD that nobody reports on any more are ended there.

A process may die between creating a vCD task and storing the operation that it shows, an answer of vCD's may get lost,
and vCD may be away when an operation ends. Such a task would run for ever.

Another installation may share our vCD, even a CSE of other make, whose tasks look like ours. A task is ours if one of
our operations names it, or a note in the ledger that was made before it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from cse_clusters.application.ledger import TASK, cluster_of_task
from cse_clusters.application.ports import TaskBoard
from cse_clusters.application.reporting import finish_task
from cse_core.errors import NotFoundError
from cse_core.operations import LedgerEntry, Operation, OperationQuery, Operations

log = structlog.get_logger()

_SETTLED_AFTER = timedelta(hours=1)
"""A request is accepted or refused long before."""
_LATEST = 100
"""So many operations of a cluster are looked through for the one that a task has shown."""


class TaskCare:
    """Looks, round after round, for tasks that run in vCD without an operation in progress.

    Several processes may do so; what one of them has just created is not ended by another, for a task has to be seen
    without an operation for some time.

    Args:
        board: our tasks in vCD.
        operations: what they show.
        after: how long a task may run without an operation.
        now: the time, in seconds that only go forward.
        clock: the time in UTC, as notes bear it.
    """

    def __init__(
        self,
        board: TaskBoard,
        operations: Operations,
        *,
        after: timedelta,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._board = board
        self._operations = operations
        self._after_s = after.total_seconds()
        self._now = now
        self._clock = clock
        self._alone_since: dict[str, float] = {}
        self._foreign: set[str] = set()

    def look(self) -> None:
        """One round. Raises CseError if vCD or the store does not answer."""
        running = self._board.unfinished()
        reported = {_id(each.task_href) for each in self._operations.find(active=True)} if running else set[str]()
        now = self._now()
        self._alone_since = {href: self._alone_since.get(href, now) for href in running if _id(href) not in reported}
        self._foreign &= self._alone_since.keys()
        due = [href for href, since in self._alone_since.items() if now - since >= self._after_s]
        notes = [entry for entry in self._operations.ledger() if entry.kind == TASK]
        for href in due:
            if href not in self._foreign:
                self._end(href, notes)
        if self._alone_since.keys() <= self._foreign:
            self._forget(notes)

    def _end(self, href: str, notes: Sequence[LedgerEntry]) -> None:
        try:
            card = self._board.read_card(href)
        except NotFoundError:
            return
        operation = self._shown_by(href, card.cluster_id)
        if operation is not None:
            log.warning("stray_task_ended", task=href, operation_id=operation.id)
            finish_task(self._board, operation)
        elif any(cluster_of_task(note) == card.cluster_id for note in notes):
            log.warning("stray_task_ended", task=href)
            text = "the service was interrupted before it began, and has begun nothing; try again"
            self._board.fail(href, card, "Not started", reason="REQUEST_INTERRUPTED", error=text)
        else:
            log.info("task_of_others_left_alone", task=href)
            self._foreign.add(href)

    def _forget(self, notes: Sequence[LedgerEntry]) -> None:
        """No task of ours is alone: what the older notes tell of has ended, or was never made."""
        for note in notes:
            if self._clock() - note.create_time >= _SETTLED_AFTER:
                self._operations.disown(note)

    def _shown_by(self, href: str, cluster_id: str) -> Operation | None:
        """The operation that has ended without being able to say so."""
        ended = self._operations.page(OperationQuery(target_uid=cluster_id, active=False), limit=_LATEST)
        return next((each for each in ended if _id(each.task_href) == _id(href)), None)


def _id(href: str) -> str:
    """What stays the same when vCD is reached at another address."""
    return href.rpartition("/")[2]
