"""Tasks of ours in vCD that nobody reports on any more are ended there.

A process may die between creating a vCD task and storing the operation that it shows, an answer of vCD's may get lost,
and vCD may be away when an operation ends. Nothing but vCD knows of such a task; it would run for ever.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from cse_clusters.application.ports import TaskBoard
from cse_clusters.application.reporting import finish_task
from cse_core.errors import NotFoundError
from cse_core.operations import Operation, OperationQuery, Operations

log = structlog.get_logger()

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
    """

    def __init__(
        self, board: TaskBoard, operations: Operations, *, after: timedelta, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = board
        self._operations = operations
        self._after_s = after.total_seconds()
        self._now = now
        self._alone_since: dict[str, float] = {}

    def look(self) -> None:
        """One round. Raises CseError if vCD or the store does not answer."""
        running = self._board.unfinished()
        reported = {_id(each.task_href) for each in self._operations.find(active=True)} if running else set[str]()
        now = self._now()
        self._alone_since = {href: self._alone_since.get(href, now) for href in running if _id(href) not in reported}
        for href, since in self._alone_since.items():
            if now - since >= self._after_s:
                self._end(href)

    def _end(self, href: str) -> None:
        try:
            card = self._board.read_card(href)
        except NotFoundError:
            return
        operation = self._shown_by(href, card.cluster_id)
        log.warning("stray_task_ended", task=href, operation_id=operation.id if operation else None)
        if operation is not None:
            finish_task(self._board, operation)
        else:
            text = "the service was interrupted before it began, and has begun nothing; try again"
            self._board.fail(href, card, "Not started", reason="REQUEST_INTERRUPTED", error=text)

    def _shown_by(self, href: str, cluster_id: str) -> Operation | None:
        """The operation that has ended without being able to say so."""
        ended = self._operations.page(OperationQuery(target_uid=cluster_id, active=False), limit=_LATEST)
        return next((each for each in ended if _id(each.task_href) == _id(href)), None)


def _id(href: str) -> str:
    """What stays the same when vCD is reached at another address."""
    return href.rpartition("/")[2]
