"""Reading and changing an operation's rows: what submitting, running and watching have in common."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cse_core.operations import (
    Json,
    JsonObject,
    LedgerEntry,
    Operation,
    OperationError,
    OperationEvent,
    OperationQuery,
    OperationState,
    as_text,
)
from cse_operations.cipher import Cipher, UnreadableError
from cse_operations.schema import operation, operation_event, operation_ledger

# Statements that every step needs are made once: SQLAlchemy takes longer to make one, and to find out that it has
# compiled the like of it before, than SQLite to carry it out. Columns to change are named by the parameters.

ONE: Final = sa.select(operation).where(operation.c.id == sa.bindparam("of"))
"""An operation by its id."""
OF_RUN: Final = (operation.c.id == sa.bindparam("of")) & (operation.c.epoch == sa.bindparam("run"))
"""The row of an operation, as long as nobody has superseded this run of it."""

_TOLD: Final = {
    "last_sequence": operation.c.last_sequence + 1,
    "progress_percent": sa.case(
        (operation.c.progress_percent < sa.bindparam("percent"), sa.bindparam("percent")),
        else_=operation.c.progress_percent,
    ),
}
_SHOWN: Final = (operation.c.last_sequence, operation.c.state, operation.c.step, operation.c.progress_percent)
_TELL: Final = sa.update(operation).where(operation.c.id == sa.bindparam("of")).values(_TOLD).returning(*_SHOWN)
_TELL_OF_RUN: Final = sa.update(operation).where(OF_RUN).values(_TOLD).returning(*_SHOWN)
_INSERT_EVENT: Final = sa.insert(operation_event)

INSERTS: Final[Mapping[str, Callable[[sa.Table], postgresql.Insert | sqlite.Insert]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
"""By dialect."""

FINAL_STATES: Final = tuple(state.value for state in OperationState if state.is_final)
ACTIVE_STATES: Final = tuple(state.value for state in OperationState if not state.is_final)
"""Asked for by name: what is *not* final would be looked for in all that was ever done, index or not."""
_CHUNK: Final = 500


def to_operation(row: Any, cipher: Cipher) -> Operation:
    """A row of `operation` as a snapshot.

    One that has ended and cannot be read any more says so in place of what came of it, so that it hides no others.

    Raises:
        UnreadableError: one that has not ended cannot be read. Nobody must take it for one that is not there.
    """
    try:
        kept = _Sealed.of(row, cipher)
    except UnreadableError as exc:
        if row.state in ACTIVE_STATES:
            raise
        kept = _Sealed(
            input=_input(row, cipher) if cipher.can_read(row.input_sealed) else {}, error=OperationError.of(exc)
        )
    return Operation(
        id=row.id,
        kind=row.kind,
        target=row.target,
        target_uid=row.target_uid,
        request_id=row.request_id,
        owner=row.owner,
        input=kept.input,
        task_href=row.task_href,
        state=OperationState(row.state),
        create_time=row.create_time,
        deadline=row.deadline,
        step=row.step,
        message=row.message,
        progress_percent=row.progress_percent,
        start_time=row.start_time,
        end_time=row.end_time,
        cancel_requested=bool(row.cancel_requested),
        result=kept.result,
        error=kept.error,
        last_sequence=row.last_sequence,
    )


def _input(row: Any, cipher: Cipher) -> JsonObject:
    return cast(JsonObject, cipher.unseal(row.input_sealed))


@dataclass(frozen=True)
class _Sealed:
    """What of an operation is encrypted."""

    input: JsonObject = field(default_factory=dict)
    result: Json = None
    error: OperationError | None = None

    @classmethod
    def of(cls, row: Any, cipher: Cipher) -> Self:
        return cls(
            input=_input(row, cipher),
            result=None if row.result_sealed is None else cipher.unseal(row.result_sealed),
            error=None if row.error_sealed is None else error_from_json(cipher.unseal(row.error_sealed)),
        )


def conditions(query: OperationQuery) -> list[sa.ColumnElement[bool]]:
    """What rows of `operation` must fulfil to be what is asked for."""
    table = operation.c
    wanted = {
        table.owner: query.owner,
        table.kind: query.kind,
        table.target: query.target,
        table.target_uid: query.target_uid,
        table.state: query.state.value if query.state is not None else None,
    }
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in wanted.items() if value is not None]
    if query.active is not None:
        found.append(table.state.in_(ACTIVE_STATES if query.active else FINAL_STATES))
    if query.target_id is not None:
        end = f"/{query.target_id}"
        found.append(sa.func.substr(table.target, sa.func.length(table.target) - len(end) + 1) == end)
    return found


def to_event(row: Any) -> OperationEvent:
    return OperationEvent(
        sequence=row.sequence,
        time=row.time,
        state=OperationState(row.state),
        step=row.step,
        node=row.node,
        message=row.message,
        progress_percent=row.progress_percent,
    )


def to_ledger_entry(row: Any) -> LedgerEntry:
    return LedgerEntry(operation_id=row.operation_id, kind=row.kind, key=row.key, create_time=row.create_time)


def error_to_json(error: OperationError) -> Json:
    return {
        "error_type": error.error_type,
        "reason": error.reason,
        "message": error.message,
        "details": dict(error.details),
    }


def error_from_json(value: Json) -> OperationError:
    return OperationError(**cast(dict[str, Any], value))


def is_entry(entry: LedgerEntry) -> sa.ColumnElement[bool]:
    """Finds one entry of the ledger."""
    table = operation_ledger.c
    return (table.operation_id == entry.operation_id) & (table.kind == entry.kind) & (table.key == entry.key)


def ledger_of(connection: sa.Connection, operation_id: str | None) -> list[LedgerEntry]:
    query = sa.select(operation_ledger).order_by(operation_ledger.c.create_time, operation_ledger.c.key)
    if operation_id is not None:
        query = query.where(operation_ledger.c.operation_id == operation_id)
    return [to_ledger_entry(row) for row in connection.execute(query)]


def append_event(
    connection: sa.Connection,
    operation_id: str,
    *,
    now: datetime,
    message: str,
    epoch: int | None = None,
    node: str = "",
    percent: int = 0,
    **changes: object,
) -> bool:
    """Changes the operation's row and appends the event that shows it; `percent` never falls.

    Returns:
        False, and nothing is changed, if there is no such operation or its run has been superseded (`epoch` given).
    """
    message = as_text(message)
    values = {"of": operation_id, "percent": max(0, min(percent, 100)), "message": message, **changes}
    if epoch is None:
        changed = connection.execute(_TELL, values)
    else:
        changed = connection.execute(_TELL_OF_RUN, {**values, "run": epoch})
    row = changed.one_or_none()
    if row is None:
        return False
    connection.execute(
        _INSERT_EVENT,
        {
            "operation_id": operation_id,
            "sequence": row.last_sequence,
            "time": now,
            "state": row.state,
            "step": row.step,
            "node": node,
            "message": message,
            "progress_percent": row.progress_percent,
        },
    )
    return True


def chunks(values: list[str]) -> Iterator[list[str]]:
    """Parts that fit into one statement of any database."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def insert_into(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can have an ON CONFLICT clause, which both databases spell alike."""
    return INSERTS[connection.dialect.name](table)
