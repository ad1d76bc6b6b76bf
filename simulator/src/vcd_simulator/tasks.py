"""The task engine: work that takes time, one change per entity at a time.

A task is queued, runs, and ends in success or error. Its effect on the cloud happens when it ends, under the cloud's
lock. While it is under way the entities it names are busy. Due work is done by a scheduler thread, and also by whoever
calls `run_due`: a request does so before it answers, so that with a profile without delays a task is over when its
creator first looks.
"""

import heapq
import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.clock import Clock
from vcd_simulator.errors import VcdError
from vcd_simulator.latency import Latency
from vcd_simulator.model.lock import StateLock
from vcd_simulator.model.table import Table
from vcd_simulator.model.task import Reference, Task, TaskError, TaskStatus

log = logging.getLogger(__name__)

REMEMBERED = 20_000
"""How many tasks are kept; beyond that the oldest finished ones are forgotten."""


@dataclass(slots=True)
class _Work:
    """What a running task has left to do."""

    task: Task
    locks: tuple[str, ...]
    uses: tuple[str, ...]
    effect: Callable[[], None] | None
    undo: Callable[[], None] | None
    done: str | None
    held: bool


class TaskEngine:
    """Runs tasks against the clock. All methods but `start` and `stop` expect the cloud's lock to be held."""

    def __init__(self, lock: StateLock, clock: Clock, latency: Latency, new_id: Callable[[], str]) -> None:
        self._lock = lock
        self._changed = lock.condition()
        self._clock = clock
        self._latency = latency
        self._new_id = new_id
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._active: dict[str, _Work] = {}
        self._busy: dict[str, Task] = {}
        self._in_use: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.tasks: Table[Task] = Table(org=lambda task: task.org_id, owner=lambda task: task.owner_id)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="vcd-tasks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the scheduler; unfinished tasks stay as they are."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def clear(self) -> None:
        """Forget all tasks, and what was to happen later."""
        self.tasks.clear()
        self._agenda.clear()
        self._active.clear()
        self._busy.clear()
        self._in_use.clear()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while, under the cloud's lock."""
        heapq.heappush(self._agenda, (self._clock.now() + seconds, next(self._order), action))
        self._changed.notify_all()

    def keep(self, task: Task) -> Task:
        """Enter a task, and forget old ones that are over when there are too many."""
        self.tasks.add(task)
        if len(self.tasks) > REMEMBERED:
            over = [one for one in self.tasks if one.status.is_final]
            for one in over[: REMEMBERED // 10]:
                self.tasks.remove(one)
        return task

    def require_idle(self, entities: Iterable[tuple[str, str]]) -> None:
        """Refuse when one of these entities, given as (id, name), is busy.

        Raises:
            VcdError: BUSY_ENTITY, naming the entity and what it is busy with.
        """
        for entity_id, name in entities:
            task = self._busy.get(entity_id)
            if task is not None:
                raise errors.busy(name, task.operation_name)

    def require_unused(self, entities: Iterable[tuple[str, str]]) -> None:
        """Refuse when a task needs one of these entities, given as (id, name), to stay as it is.

        Raises:
            VcdError: BUSY_ENTITY, naming the entity and what it is needed for.
        """
        for entity_id, name in entities:
            if self._in_use[entity_id] > 0:
                work = next(one for one in self._active.values() if entity_id in one.uses)
                raise errors.busy(name, work.task.operation_name)

    def is_busy(self, entity_id: str) -> bool:
        return entity_id in self._busy

    def begin(  # noqa: PLR0913  # what a task is, by keyword
        self,
        *,
        operation_name: str,
        operation: str,
        org_id: str,
        user: Reference,
        owner: Reference,
        owner_id: str,
        locks: Iterable[str] = (),
        uses: Iterable[str] = (),
        extra_s: float = 0.0,
        held: bool = False,
        effect: Callable[[], None] | None = None,
        undo: Callable[[], None] | None = None,
        done: str | None = None,
    ) -> Task:
        """Queue a task of the cloud's own.

        Args:
            operation_name: what kind of work it is; the profile knows its time as `task.<operation_name>`.
            operation: the text of `operation` while it runs.
            org_id: whose task it is.
            user: who asked for it.
            owner: what it is about, as documents show it.
            owner_id: the id of that, for finding its tasks.
            locks: ids of the entities that are busy meanwhile; the caller has made sure that they are idle.
            uses: ids of the entities that have to be there until it ends, see `require_unused`.
            extra_s: seconds to add to what the profile says for this operation.
            held: the time begins to run only with `proceed`, because the task waits for somebody.
            effect: what happens when the time is over; a `VcdError` from it fails the task.
            undo: cleans up after a failure or a cancellation.
            done: the text of `operation` after success.
        """
        expected = self._latency.delay(f"task.{operation_name}") + extra_s
        task = Task(
            id=self._new_id(),
            operation_name=operation_name,
            operation=operation,
            org_id=org_id,
            user=user,
            owner=owner,
            owner_id=owner_id,
            start_time=self._clock.now(),
            expected_s=expected,
        )
        self.keep(task)
        work = _Work(task, tuple(locks), tuple(dict.fromkeys(uses)), effect, undo, done, held)
        self._active[task.id] = work
        self._in_use.update(work.uses)
        for entity_id in work.locks:
            self._busy[entity_id] = task
        self.later(self._latency.delay("task.queued"), lambda: self._set_running(task, expected))
        return task

    def cancel(self, task: Task) -> None:
        """Cancel a task: the cloud's own ends at once and is undone, a service is asked to end its own."""
        if task.status.is_final:
            raise errors.not_allowed(f"The task {task.id} is over; only a queued or running task can be canceled.")
        task.cancel_requested = True
        work = self._active.get(task.id)
        if work is not None:
            message = f"The operation was canceled by {task.user.name or 'a user'}."
            self._fail(work, TaskError(major="400", minor="TASK_CANCELED", message=message), TaskStatus.CANCELED)

    def proceed(self, task: Task) -> None:
        """Let a task that was held take its time and end; harmless when it is over or was let go before."""
        work = self._active.get(task.id)
        if work is not None and work.held:
            work.held = False
            if task.status is TaskStatus.RUNNING:
                self.later(task.expected_s or 0.0, lambda: self._finish(work))

    def fail(self, task: Task, error: TaskError) -> None:
        """End a task of the cloud's own in error, and undo it; harmless when it is over."""
        work = self._active.get(task.id)
        if work is not None:
            self._fail(work, error)

    def run_due(self) -> None:
        """Do everything whose time has come, and what follows from it at once."""
        while self._agenda and self._agenda[0][0] <= self._clock.now():
            _, _, action = heapq.heappop(self._agenda)
            self._lock.changed()
            try:
                action()
            except Exception:
                log.exception("scheduled_action_failed")

    def _run(self) -> None:
        with self._changed:
            while not self._stopping:
                self.run_due()
                wait = self._agenda[0][0] - self._clock.now() if self._agenda else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)

    def _set_running(self, task: Task, seconds: float) -> None:
        work = self._active.get(task.id)
        if work is not None:
            task.status = TaskStatus.RUNNING
            if not work.held:
                self.later(seconds, lambda: self._finish(work))

    def _finish(self, work: _Work) -> None:
        if work.task.id not in self._active:
            return
        try:
            if work.effect is not None:
                work.effect()
        except VcdError as exc:
            self._fail(work, TaskError(major=str(exc.status), minor=exc.minor, message=exc.message))
        except Exception as exc:
            log.exception("task_failed_unexpectedly operation=%s task=%s", work.task.operation_name, work.task.id)
            message = f"Internal error in {work.task.operation_name}: {type(exc).__name__}"
            self._fail(work, TaskError(major="500", minor="INTERNAL_SERVER_ERROR", message=message))
        else:
            self._release(work)
            work.task.status = TaskStatus.SUCCESS
            work.task.operation = work.done or work.task.operation

    def _fail(self, work: _Work, error: TaskError, status: TaskStatus = TaskStatus.ERROR) -> None:
        self._release(work)
        work.task.status = status
        work.task.error = error
        if work.undo is not None:
            work.undo()

    def _release(self, work: _Work) -> None:
        del self._active[work.task.id]
        work.task.end_time = self._clock.now()
        self._in_use.subtract(work.uses)
        self._in_use += Counter()  # forgets what nobody uses any more
        for entity_id in work.locks:
            if self._busy.get(entity_id) is work.task:
                del self._busy[entity_id]
