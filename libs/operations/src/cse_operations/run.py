"""One run of an operation: what it replays of earlier runs, what ends it, and what its branches share.

A run that takes up an earlier one goes through the same code again. As long as a branch has journaled steps ahead of
it, it is replaying: nothing may end it there, for it must get to where it was before it can react, above all roll back
what was made. Once rolling back had begun, whatever the code does forward that is not in the journal raises the error
that made it necessary, so that it gets to its rollback again.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from cse_core import errors
from cse_core.errors import CancelledError, CseError, InternalError
from cse_core.operations import Json, Operation, OperationError, as_stored
from cse_core.operations.failures import (
    ROLLBACK_TIME,
    SIBLING_REASON,
    cancelled,
    mistake,
    overdue,
    rollback_overdue,
    sibling_failed,
)
from cse_operations import rows
from cse_operations.claims import Claim
from cse_operations.journal import ONLY, Entry, Journal, Place, Record, Standing, Status

log = structlog.get_logger()

_PHASES: Final = (Entry.STEP, Entry.UNDO)


class Run:
    """Thread-safe: branches use it side by side, each only for itself.

    Args:
        claim: the right to run, and what is journaled.
        journal: where it writes.
        standing: of this run; shared with the journal.
        assure: returns if this process may go on working, waits while that is in doubt; raises AbandonedError.
        elapsed: seconds that only go forward. A deadline is a time of day, so that it outlives processes; what is left
            of it when the run begins is measured by these, so that a clock that jumps meanwhile ends nothing.
        most_stalled_runs: after which it is the operation's fault.
    """

    def __init__(
        self,
        claim: Claim,
        journal: Journal,
        standing: Standing,
        assure: Callable[[], None],
        *,
        elapsed: Callable[[], float],
        most_stalled_runs: int,
    ) -> None:
        self.claim = claim
        self.journal = journal
        self.changed = threading.Condition()
        self.failure: CseError | None = None
        """First failure of a branch, which ends its siblings."""
        self.published = {
            name: record.value for (entry, _, name), record in claim.records.items() if entry is Entry.PUBLISHED
        }
        self._assure = assure
        self._most_stalled_runs = most_stalled_runs
        self._cancelled = claim.operation.cancel_requested
        self._standing = standing
        self._elapsed = elapsed
        self._ends_at = elapsed() + _time_left(claim.operation, journal.clock()).total_seconds()
        self._rollback_ends_at: float | None = None
        self._taken: set[Place] = set()
        self._ahead: dict[tuple[Entry, str], int] = {}
        """By phase and branch, how many steps of earlier runs this one has not come to yet."""
        for entry, branch, _ in claim.records:
            if entry in _PHASES:
                self._ahead[entry, branch] = self._ahead.get((entry, branch), 0) + 1

    # ---- told from outside

    def cancel(self) -> None:
        with self.changed:
            self._cancelled = True
            self.changed.notify_all()

    def abandon(self) -> None:
        """Ends this run, at its next check, without an outcome."""
        with self.changed:
            self._standing.is_lost = True
            self.changed.notify_all()

    def cut_off(self) -> None:
        """Lets it write no more."""
        self._standing.is_cut_off = True

    # ---- what ends it

    @property
    def is_rolling_back(self) -> bool:
        return self._rollback_ends_at is not None

    def is_replaying(self, branch: str) -> bool:
        """Whether steps of earlier runs are ahead; outside branches, in any of them."""
        if branch:
            return self._ahead.get((self._phase, branch), 0) > 0
        return any(count > 0 for (phase, _), count in list(self._ahead.items()) if phase is self._phase)

    def check(self, branch: str) -> None:
        """`OperationContext.check`."""
        self._assure()
        self._standing.keep_trying()
        if self.is_replaying(branch):
            return
        self._check_forward()
        if branch and self.failure is not None:
            raise sibling_failed()
        self._check_stalled()
        if self._rollback_ends_at is not None:
            if self._elapsed() >= self._rollback_ends_at:
                raise rollback_overdue()
            return
        if self._cancelled:
            raise cancelled()
        if self._elapsed() >= self._ends_at:
            raise overdue(self.claim.operation.deadline)

    def _check_forward(self) -> None:
        """Raises what an earlier run rolled back for, unless this one is there already."""
        cause = self.earlier_cause()
        if cause is not None:
            raise cause

    def earlier_cause(self) -> CseError | None:
        """Why an earlier run began to roll back; None if none did, or this one has come to it."""
        record = None if self.is_rolling_back else self.claim.records.get((Entry.ROLLBACK, *ONLY))
        if record is None:
            return None
        if record.value is None:
            return CancelledError("taken up again while it was rolling back")
        return error_of(rows.error_from_json(record.value))

    def _check_stalled(self) -> None:
        """Raises what ends an operation that kills its process; rolling back gets as many tries of its own."""
        if not self.is_rolling_back and self.claim.stalled_runs >= self._most_stalled_runs:
            text = f"the service ended {self.claim.stalled_runs} times in a row while it worked on this"
            raise InternalError(text, reason="OPERATION_KEEPS_CRASHING")

    # ---- what it does

    def step(self, branch: str, name: str, action: Callable[[], Json], message: str) -> Json:
        """`OperationContext.step`."""
        place = (self._phase, branch, name)
        with self.changed:
            if place in self._taken:
                raise ValueError(f"step {name!r} was taken before in branch {branch!r}; names are unique")
            self._taken.add(place)
        record = self.claim.records.get(place)
        if record is not None and record.status is not Status.BEGUN:
            self._ahead[self._phase, branch] = max(self._ahead.get((self._phase, branch), 0) - 1, 0)
            return _replayed(record)
        self._ahead[self._phase, branch] = 0  # were there any left, they would be of other code than this
        if record is None:
            self.check(branch)
        else:  # cut off: it may have had its effect, so its code gets to look even if the operation is to end
            self._assure()
            self._standing.keep_trying()
            self._check_forward()
            self._check_stalled()
        self.journal.begin_step(place, message)
        self._assure()  # the process may have been frozen meanwhile, and others have gone on
        began = time.monotonic()
        try:
            result = as_stored(action())
        except CseError as exc:
            if exc.code != SIBLING_REASON:  # which is the consequence of another branch's entry
                self.journal.end_step(place, failed(exc))
            raise
        except Exception as exc:
            log.exception("step_crashed", step=name, node=branch or None)
            error = mistake(self.claim.operation.id)
            self.journal.end_step(place, failed(error))
            raise error from exc
        self.journal.end_step(place, Record(Status.DONE, result))
        log.info("step_done", step=name, node=branch or None, seconds=round(time.monotonic() - began, 3))
        return result

    def publish(self, key: str, value: Json) -> None:
        value = as_stored(value)
        if self.published.get(key, _NOTHING) != value:
            self.journal.publish(key, value)
        with self.changed:
            self.published[key] = value
            self.changed.notify_all()

    def wait_for(self, branch: str, key: str) -> Json:
        """`OperationContext.wait_for`."""
        while True:
            self.check(branch)
            with self.changed:
                if key in self.published:
                    return self.published[key]
                if not self._must_look(branch):
                    self.changed.wait(self._remaining_s())

    def pause(self, branch: str, seconds: float) -> None:
        """`OperationContext.pause`."""
        until = time.monotonic() + (min(seconds, _REPLAYED_PAUSE_S) if self.is_replaying(branch) else seconds)
        while True:
            self.check(branch)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            with self.changed:
                if not self._must_look(branch):
                    self.changed.wait(min(left_s, self._remaining_s()))

    def _must_look(self, branch: str) -> bool:
        """Whether `check` would now raise for something that was told between it and taking the lock."""
        if self._standing.is_lost:
            return True
        if self.is_replaying(branch):
            return False
        return bool((branch and self.failure) or (self._cancelled and not self.is_rolling_back))

    def _remaining_s(self) -> float:
        """How long to wait at most until `check` may raise by itself."""
        ends_at = self._ends_at if self._rollback_ends_at is None else self._rollback_ends_at
        return min(max(ends_at - self._elapsed(), 0.0) + 0.001, _LONGEST_WAIT_S)

    def fail_branch(self, error: CseError) -> None:
        """Remembers the first failure of a branch and wakes its siblings."""
        with self.changed:
            if self.failure is None or self.failure.code == SIBLING_REASON:
                self.failure = error
            self.changed.notify_all()

    def take_failure(self) -> CseError | None:
        with self.changed:
            failure, self.failure = self.failure, None
            return failure

    def begin_rollback(self, cause: BaseException | None) -> None:
        if (Entry.ROLLBACK, *ONLY) not in self.claim.records:
            self.journal.begin_rollback(OperationError.of(cause) if isinstance(cause, CseError) else None)
        with self.changed:
            self._rollback_ends_at = self._elapsed() + ROLLBACK_TIME.total_seconds()
            self.failure = None  # rolling back may run branches of its own

    @property
    def _phase(self) -> Entry:
        return Entry.UNDO if self.is_rolling_back else Entry.STEP


_LONGEST_WAIT_S: Final = 30.0
"""After which waiting code looks again whether this process may go on."""
_REPLAYED_PAUSE_S: Final = 0.05
"""What was waited for had come to pass already."""
_NOTHING: Final = object()


def _time_left(operation: Operation, now: datetime) -> timedelta:
    """Until its deadline; never more than it was given, whatever the clock says by now."""
    return min(operation.deadline - now, operation.deadline - operation.create_time)


def failed(error: CseError) -> Record:
    """How an error is journaled."""
    return Record(Status.FAILED, rows.error_to_json(OperationError.of(error)))


def error_of(stored: OperationError) -> CseError:
    """The error that was stored, as the class of our tree that it was derived from."""
    known: type[CseError] = getattr(errors, stored.error_type)
    return errors.rebuilt(known, stored.message, reason=stored.reason, details=stored.details)


def _replayed(record: Record) -> Json:
    if record.status is Status.FAILED:
        raise error_of(rows.error_from_json(record.value))
    return record.value
