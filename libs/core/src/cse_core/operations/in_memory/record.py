"""The state of an operation in memory, and the one condition that guards all of them."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cse_core.errors import CancelledError, CseError
from cse_core.operations.clock import Clock
from cse_core.operations.failures import (
    ROLLBACK_TIME,
    STOPPING_REASON,
    cancelled,
    overdue,
    rollback_overdue,
    sibling_failed,
)
from cse_core.operations.model import Json, LedgerEntry, Operation, OperationEvent, OperationRequest, OperationState
from cse_core.secret import Secret


class Record:
    """An operation and what its code, its branches and its users have to do with each other. Guarded by the journal."""

    def __init__(self, operation: Operation, request: OperationRequest) -> None:
        self.operation = operation
        self.partition = request.partition
        self.claim = request.claim
        self.secrets: Mapping[str, Secret] = request.secrets
        self.events: list[OperationEvent] = []
        self.published: dict[str, Json] = {}
        self.failure: CseError | None = None
        """First failure of a branch, which ends its siblings."""
        self.interrupted = False
        self.rollback_deadline: datetime | None = None
        self.ledger: dict[tuple[str, str], LedgerEntry] = {}
        """What it made and did not remove."""
        self.step_names: set[tuple[bool, str, str]] = set()
        """Whether in rollback, branch and name of the steps it took."""

    @property
    def limit(self) -> datetime:
        """When `check` begins to raise by itself."""
        return self.rollback_deadline or self.operation.deadline

    def check(self, now: datetime, *, in_branch: bool) -> None:
        """Raises what ends the operation, or this branch of it."""
        if self.interrupted:
            raise CancelledError("the service was stopped before the operation ended", reason=STOPPING_REASON)
        if in_branch and self.failure is not None:
            raise sibling_failed()
        if self.rollback_deadline is not None:
            if now >= self.rollback_deadline:
                raise rollback_overdue()
            return
        if self.operation.cancel_requested:
            raise cancelled()
        if now >= self.operation.deadline:
            raise overdue(self.operation.deadline)


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

    def begin_step(self, record: Record, step: str, *, node: str) -> None:
        """Shows the step; a second one of the same name is a mistake, which a durable engine could not tell apart."""
        with self.changed:
            place = (record.rollback_deadline is not None, node, step)
            if place in record.step_names:
                raise ValueError(f"step {step!r} was taken before in branch {node!r}; names are unique")
            record.step_names.add(place)
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

    def note_creation(self, record: Record, kind: str, key: str) -> None:
        entry = LedgerEntry(operation_id=record.operation.id, kind=kind, key=key, create_time=self.clock())
        with self.changed:
            record.ledger.setdefault((kind, key), entry)

    def note_removal(self, record: Record, kind: str, key: str) -> None:
        with self.changed:
            record.ledger.pop((kind, key), None)
