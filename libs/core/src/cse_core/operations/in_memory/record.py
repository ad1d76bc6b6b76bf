"""The state of an operation in memory, and the one condition that guards all of them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cse_core.errors import CancelledError, CseError, DeadlineError
from cse_core.operations.model import Json, Operation, OperationEvent, OperationRequest, OperationState
from cse_core.secret import Secret

Clock = Callable[[], datetime]

STOPPING_REASON: Final = "SERVICE_STOPPING"
ROLLBACK_TIME: Final = timedelta(minutes=20)


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


class Record:
    """An operation and what its code, its branches and its users have to do with each other. Guarded by the journal."""

    def __init__(self, operation: Operation, request: OperationRequest) -> None:
        self.operation = operation
        self.partition = request.partition
        self.secrets: Mapping[str, Secret] = request.secrets
        self.events: list[OperationEvent] = []
        self.published: dict[str, Json] = {}
        self.failure: CseError | None = None
        """First failure of a branch, which ends its siblings."""
        self.interrupted = False
        self.rollback_deadline: datetime | None = None

    @property
    def limit(self) -> datetime:
        """When `check` begins to raise by itself."""
        return self.rollback_deadline or self.operation.deadline

    def check(self, now: datetime, *, in_branch: bool) -> None:
        """Raises what ends the operation, or this branch of it."""
        if self.interrupted:
            raise CancelledError("the service was stopped before the operation ended", reason=STOPPING_REASON)
        if in_branch and self.failure is not None:
            raise CancelledError("ended because another node failed", reason="SIBLING_FAILED")
        if self.rollback_deadline is not None:
            if now >= self.rollback_deadline:
                raise DeadlineError(f"rolling back took longer than {ROLLBACK_TIME}", reason="ROLLBACK_TIMEOUT")
            return
        if self.operation.cancel_requested:
            raise CancelledError("cancelled", reason="OPERATION_CANCELLED")
        if now >= self.operation.deadline:
            raise DeadlineError(
                f"the operation did not end by {self.operation.deadline:%Y-%m-%d %H:%M:%S} UTC",
                reason="OPERATION_TIMEOUT",
            )


class Journal:
    """Changes records and tells everybody who waits. `changed` guards all records of an engine."""

    def __init__(self, clock: Clock) -> None:
        self.changed = threading.Condition()
        self.clock = clock

    def update(self, record: Record, message: str, *, node: str = "", percent: int = 0, **changes: object) -> Operation:
        """Applies `changes` to the snapshot and appends an event that shows them; `percent` never falls."""
        with self.changed:
            operation = replace(record.operation, **changes)  # type: ignore[arg-type]  # names are ours
            percent = max(operation.progress_percent, min(percent, 100))
            event = OperationEvent(
                sequence=len(record.events) + 1,
                time=self.clock(),
                state=operation.state,
                step=operation.step,
                node=node,
                message=message,
                progress_percent=percent,
            )
            record.events.append(event)
            record.operation = replace(
                operation, message=message, progress_percent=percent, last_sequence=event.sequence
            )
            self.changed.notify_all()
            return record.operation

    def set_step(self, record: Record, step: str) -> None:
        with self.changed:
            record.operation = replace(record.operation, step=step)

    def begin_rollback(self, record: Record) -> None:
        with self.changed:
            record.rollback_deadline = self.clock() + ROLLBACK_TIME
            record.operation = replace(record.operation, state=OperationState.ROLLING_BACK)
            record.failure = None  # rolling back may run branches of its own

    def fail_branch(self, record: Record, error: CseError) -> None:
        """Remembers the first failure of a branch and wakes its siblings."""
        with self.changed:
            record.failure = record.failure or error
            self.changed.notify_all()

    def take_failure(self, record: Record) -> CseError | None:
        with self.changed:
            failure, record.failure = record.failure, None
            return failure

    def publish(self, record: Record, key: str, value: Json) -> None:
        with self.changed:
            record.published[key] = value
            self.changed.notify_all()
