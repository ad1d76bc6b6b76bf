"""What a run of an operation writes, so that a later run goes on where it was. Every write names the run's epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cse_core.operations import Json, LedgerEntry, Operation, OperationError, OperationState
from cse_core.operations.clock import Clock
from cse_operations import rows
from cse_operations.cipher import Cipher
from cse_operations.database import Database
from cse_operations.schema import (
    operation,
    operation_journal,
    operation_ledger,
    operation_secret,
)

_Result = TypeVar("_Result")


class AbandonedError(BaseException):
    """This run must not go on: the process ends, or another run has taken its place.

    Not an Exception, so that no operation's code takes it for a failure and rolls back; nor does DBOS record it, which
    leaves its workflow to be taken up again.
    """


class Entry(StrEnum):
    """The kinds of entries in the journal, all by branch and name."""

    STEP = "step"
    UNDO = "undo"
    """A step taken in rollback."""
    PUBLISHED = "published"
    ROLLBACK = "rollback"
    """Once rolling back has begun; its value is the error that made it necessary."""
    OUTCOME = "outcome"
    """Once the code has ended; only telling about it is left."""


class Status(StrEnum):
    """How far an entry is."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    """The value is the error."""


@dataclass(frozen=True)
class Record:
    """One entry as it was journaled."""

    status: Status
    value: Json = None


Place = tuple[Entry, str, str]
"""Kind of entry, branch and name."""

ONLY: Final = ("", "")
"""Branch and name of entries of which there is one."""


class Standing:
    """Whether a run, or what is about to become one, may go on."""

    def __init__(self) -> None:
        self.is_lost = False
        """It is to end at its next check."""
        self.is_cut_off = False
        """It did not end in time: the engine is closed, and nothing that it still does counts."""

    def keep_trying(self) -> None:
        """Raises AbandonedError if it may not."""
        if self.is_lost:
            raise AbandonedError


class Journal:
    """Writes for one run. Waits for a database that is away; raises AbandonedError when the run was superseded.

    Args:
        database: where to.
        cipher: seals values.
        clock: tells the time, in UTC.
        operation_id: whose run it is.
        epoch: and which.
        standing: of the run.
        wrote: called after each write.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        clock: Clock,
        *,
        operation_id: str,
        epoch: int,
        standing: Standing,
        wrote: Callable[[], None],
    ) -> None:
        self._database = database
        self._cipher = cipher
        self.clock = clock
        self._id = operation_id
        self._epoch = epoch
        self._standing = standing
        self._wrote = wrote

    def begin_step(self, place: Place, message: str) -> None:
        _, node, name = place

        def work(connection: sa.Connection, now: datetime) -> None:
            if message:
                self._event(connection, now, message, node=node, step=name)
            else:
                self._change(connection, step=name)
            self._put(connection, now, place, Record(Status.BEGUN))

        self._write(work)

    def end_step(self, place: Place, record: Record) -> None:
        def work(connection: sa.Connection, now: datetime) -> None:
            self._change(connection, stalled_runs=0)
            self._put(connection, now, place, record)

        self._write(work)

    def publish(self, key: str, value: Json) -> None:
        def work(connection: sa.Connection, now: datetime) -> None:
            self._change(connection)
            self._put(connection, now, (Entry.PUBLISHED, "", key), Record(Status.DONE, value))

        self._write(work)

    def event(self, message: str, *, node: str = "", percent: int = 0, **changes: object) -> None:
        self._write(
            lambda connection, now: self._event(connection, now, message, node=node, percent=percent, **changes)
        )

    def begin_rollback(self, cause: OperationError | None) -> None:
        def work(connection: sa.Connection, now: datetime) -> None:
            self._change(connection, state=OperationState.ROLLING_BACK.value)
            value = rows.error_to_json(cause) if cause else None
            self._put(connection, now, (Entry.ROLLBACK, *ONLY), Record(Status.DONE, value))

        self._write(work)

    def decide(self, outcome: Record) -> None:
        """Writes down how the code ended, before anybody is told."""

        def work(connection: sa.Connection, now: datetime) -> None:
            self._change(connection, stalled_runs=0)
            self._put(connection, now, (Entry.OUTCOME, *ONLY), outcome)

        self._write(work)

    def end(self, outcome: Operation) -> None:
        """Makes the outcome visible and drops what only a run needs."""

        def work(connection: sa.Connection, now: datetime) -> None:
            self._event(
                connection,
                now,
                outcome.message,
                percent=outcome.progress_percent,
                state=outcome.state.value,
                step="",
                end_time=outcome.end_time,
                result_sealed=None if outcome.result is None else self._cipher.seal(outcome.result),
                error_sealed=self._cipher.seal(rows.error_to_json(outcome.error)) if outcome.error else None,
                claim=None,
            )
            for table in (operation_secret, operation_journal):
                connection.execute(sa.delete(table).where(table.c.operation_id == self._id))
            if outcome.state is OperationState.SUCCEEDED:
                connection.execute(sa.delete(operation_ledger).where(operation_ledger.c.operation_id == self._id))

        self._write(work)

    def note_creation(self, kind: str, key: str) -> None:
        def work(connection: sa.Connection, now: datetime) -> None:
            self._change(connection)
            insert = rows.insert_into(connection, operation_ledger).on_conflict_do_nothing()
            connection.execute(insert.values(operation_id=self._id, kind=kind, key=key, create_time=now))

        self._write(work)

    def note_removal(self, kind: str, key: str) -> None:
        table = operation_ledger.c

        def work(connection: sa.Connection, _now: datetime) -> None:
            self._change(connection)
            ours = (table.operation_id == self._id) & (table.kind == kind) & (table.key == key)
            connection.execute(sa.delete(operation_ledger).where(ours))

        self._write(work)

    def created(self) -> list[LedgerEntry]:
        return self._write(lambda connection, _now: rows.ledger_of(connection, self._id))

    def present(self) -> Operation:
        """The operation as it is seen now."""

        def work(connection: sa.Connection, _now: datetime) -> Operation:
            self._change(connection)
            return rows.to_operation(connection.execute(rows.ONE, {"of": self._id}).one(), self._cipher)

        return self._write(work)

    # ---- how

    def _write(self, work: Callable[[sa.Connection, datetime], _Result]) -> _Result:
        if self._standing.is_cut_off:
            raise AbandonedError
        result = self._database.write_for_certain(
            lambda connection: work(connection, self.clock()), keep_trying=self._standing.keep_trying
        )
        self._wrote()
        return result

    def _change(self, connection: sa.Connection, **changes: object) -> None:
        """Changes the operation's row, and at any rate holds on to it as the row of this very run."""
        changes = changes or {"epoch": self._epoch}
        if not connection.execute(_CHANGE, {"of": self._id, "run": self._epoch, **changes}).rowcount:
            raise AbandonedError

    def _event(self, connection: sa.Connection, now: datetime, message: str, **changes: Any) -> None:
        if not rows.append_event(connection, self._id, now=now, message=message, epoch=self._epoch, **changes):
            raise AbandonedError

    def _put(self, connection: sa.Connection, now: datetime, place: Place, record: Record) -> None:
        entry, branch, name = place
        values = {
            "operation_id": self._id,
            "entry": entry.value,
            "branch": branch,
            "name": name,
            "status": record.status.value,
            "value_sealed": None if record.value is None else self._cipher.seal(record.value),
            "time": now,
        }
        connection.execute(_PUT[connection.dialect.name], values)


_CHANGE: Final = sa.update(operation).where(rows.OF_RUN)


def _put_into(insert: postgresql.Insert | sqlite.Insert) -> sa.Insert:
    """Writes an entry, in place of an earlier one for the same place."""
    changed = {name: insert.excluded[name] for name in ("status", "value_sealed", "time")}
    return insert.on_conflict_do_update(index_elements=list(operation_journal.primary_key), set_=changed)


_PUT: Final = {dialect: _put_into(insert(operation_journal)) for dialect, insert in rows.INSERTS.items()}
