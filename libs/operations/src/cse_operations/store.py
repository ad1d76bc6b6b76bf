"""Operations as their users see them: submitted, looked up, cancelled, deleted."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from cse_core.operations import (
    LedgerEntry,
    Operation,
    OperationEvent,
    OperationQuery,
    OperationRequest,
    OperationState,
    StartError,
)
from cse_core.operations.clock import Clock
from cse_core.operations.failures import check_repeated, claim_taken, not_ended, not_there
from cse_operations import rows
from cse_operations.cipher import Cipher, UnreadableError
from cse_operations.database import Database
from cse_operations.schema import (
    operation,
    operation_event,
    operation_ledger,
    operation_seal,
    operation_secret,
)

Enqueue = Callable[[sa.Connection, str, str], None]
"""Enqueues within the transaction: the operation's id, and the workflow's."""

_ACCEPT: Final = {
    dialect: insert(operation).on_conflict_do_nothing().returning(operation.c.id)
    for dialect, insert in rows.INSERTS.items()
}
_AHEAD: Final = (
    sa.select(sa.func.count())
    .select_from(operation)
    .where(operation.c.partition == sa.bindparam("in"), operation.c.id != sa.bindparam("of"))
    .where(operation.c.state.in_(rows.ACTIVE_STATES))
)
_BEGUN_BY: Final = sa.select(operation).where(operation.c.request_id == sa.bindparam("request"))

_EVENTS_AT_ONCE: Final = 1000
_SEAL: Final = "keys"


def ending_of(operation_id: str) -> str:
    """The workflow that ends an operation before its turn; the one that it was enqueued as has the operation's id."""
    return f"{operation_id}-end"


class Store:
    """The rows of operations. Everything raises UnavailableError when the database does not answer."""

    def __init__(self, database: Database, cipher: Cipher, clock: Clock) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock

    def insert(self, request: OperationRequest, operation_id: str, *, generation: int, enqueue: Enqueue) -> Operation:
        """Accepts an operation and enqueues it in the same transaction, or returns the one that `request_id` began.

        Raises:
            ConflictError: the `request_id` belongs to an operation of another kind or owner, the claim to another one.
        """
        row = None
        while row is None:
            row = self._database.write(
                lambda connection: self._insert(connection, request, operation_id, generation, enqueue)
            )
        known = rows.to_operation(row, self._cipher)
        check_repeated(known, request)
        return known

    def _insert(
        self, connection: sa.Connection, request: OperationRequest, operation_id: str, generation: int, enqueue: Enqueue
    ) -> sa.Row[tuple[object, ...]] | None:
        """None if what was in the way is so no more."""
        now = self._clock()
        values = {
            "id": operation_id,
            "kind": request.kind,
            "target": request.target,
            "target_uid": request.target_uid,
            "partition": request.partition,
            "request_id": request.request_id,
            "owner": request.owner,
            "task_href": request.task_href,
            "input_sealed": self._cipher.seal(request.input),
            "state": OperationState.QUEUED.value,
            "step": "",
            "message": "",
            "progress_percent": 0,
            "last_sequence": 0,
            "cancel_requested": 0,
            "create_time": now,
            "deadline": now + request.deadline,
            "generation": generation,
            "workflow_id": operation_id,
            "epoch": 0,
            "stalled_runs": 0,
            "replica": "",
            "claim": request.claim or None,
        }
        if connection.execute(_ACCEPT[connection.dialect.name], values).one_or_none() is not None:
            waiting = connection.execute(_AHEAD, {"of": operation_id, "in": request.partition})
            ahead = waiting.scalar_one()
            message = f"queued behind {ahead} other operation(s)" if ahead else "queued"
            rows.append_event(connection, operation_id, now=now, message=message)
            if request.secrets:
                sealed = {name: self._cipher.seal(secret.reveal()) for name, secret in request.secrets.items()}
                connection.execute(
                    sa.insert(operation_secret),
                    [
                        {"operation_id": operation_id, "name": name, "value_sealed": value}
                        for name, value in sealed.items()
                    ],
                )
            if request.settles is not None:
                connection.execute(sa.delete(operation_ledger).where(rows.is_entry(request.settles)))
            enqueue(connection, operation_id, operation_id)
        row = connection.execute(_BEGUN_BY, {"request": request.request_id}).one_or_none()
        if row is None:
            claimant = connection.execute(sa.select(operation.c.id).where(operation.c.claim == request.claim)).scalar()
            if claimant is not None:
                raise claim_taken(claimant)
        return row

    def check_keys(self) -> None:
        """Raises StartError unless our keys read this store and what is in progress there; a new one gets ours."""
        ours = {"name": _SEAL, "value_sealed": self._cipher.seal(_SEAL)}
        query = sa.select(operation_seal.c.value_sealed).where(operation_seal.c.name == _SEAL)

        def work(connection: sa.Connection) -> str:
            connection.execute(rows.insert_into(connection, operation_seal).on_conflict_do_nothing().values(ours))
            return str(connection.execute(query).scalar_one())

        try:
            self._cipher.unseal(self._database.write(work))
        except UnreadableError as exc:
            raise StartError(
                f"the operation store was encrypted with another key: {exc}; put the right one there, behind the new"
                " one if that is to replace it"
            ) from exc
        self._check_active()

    def _check_active(self) -> None:
        """Without its input an operation could not go on, nor be taken back."""
        active = operation.c.state.in_(rows.ACTIVE_STATES)
        found = self._database.rows(sa.select(operation.c.id, operation.c.input_sealed).where(active))
        unreadable = [row.id for row in found if not self._cipher.can_read(row.input_sealed)]
        if unreadable:
            raise StartError(
                f"{len(unreadable)} operation(s) in progress, such as {unreadable[0]}, were encrypted with a key that"
                " is not given any more: put it back behind the others, until the log says keys_renewed"
            )

    def get(self, operation_id: str) -> Operation:
        """Raises NotFoundError."""
        return self._database.read(lambda connection: self._get(connection, operation_id))

    def _get(self, connection: sa.Connection, operation_id: str, *, lock: bool = False) -> Operation:
        query = rows.ONE.with_for_update() if lock else rows.ONE
        row = connection.execute(query, {"of": operation_id}).one_or_none()
        if row is None:
            raise not_there(operation_id)
        return rows.to_operation(row, self._cipher)

    def begun_by(self, request_id: str) -> Operation | None:
        found = self._database.read(
            lambda connection: connection.execute(_BEGUN_BY, {"request": request_id}).one_or_none()
        )
        return rows.to_operation(found, self._cipher) if found else None

    def find(self, *, owner: str | None, target: str | None, active: bool | None) -> list[Operation]:
        query = sa.select(operation).order_by(operation.c.create_time, operation.c.id)
        if owner is not None:
            query = query.where(operation.c.owner == owner)
        if target is not None:
            query = query.where(operation.c.target == target)
        if active is not None:
            query = query.where(operation.c.state.in_(rows.ACTIVE_STATES if active else rows.FINAL_STATES))
        found = self._database.rows(query)
        return [rows.to_operation(row, self._cipher) for row in found]

    def page(self, query: OperationQuery, *, limit: int, before: str) -> list[Operation]:
        statement = sa.select(operation).where(*rows.conditions(query)).order_by(operation.c.id.desc()).limit(limit)
        if before:
            statement = statement.where(operation.c.id < before)
        return [rows.to_operation(row, self._cipher) for row in self._database.rows(statement)]

    def request_cancellation(self, operation_id: str, enqueue: Enqueue) -> Operation:
        """Sets the flag. One that nobody has begun is given to another workflow, which need not wait for its turn."""

        def work(connection: sa.Connection) -> Operation:
            known = self._get(connection, operation_id, lock=True)
            if known.state.is_final or known.cancel_requested:
                return known
            rows.append_event(
                connection, operation_id, now=self._clock(), message="cancellation requested", cancel_requested=1
            )
            ending = ending_of(operation_id)
            nobody_began = (operation.c.id == operation_id) & (operation.c.epoch == 0)
            if connection.execute(sa.update(operation).where(nobody_began).values(workflow_id=ending)).rowcount:
                enqueue(connection, operation_id, ending)
            return self._get(connection, operation_id)

        return self._database.write(work)

    def delete(self, operation_id: str) -> None:
        """Raises NotFoundError, and FailedPreconditionError unless it has ended."""

        def work(connection: sa.Connection) -> None:
            known = self._get(connection, operation_id, lock=True)
            if not known.state.is_final:
                raise not_ended(known)
            connection.execute(sa.delete(operation).where(operation.c.id == operation_id))

        self._database.write(work)

    def events(self, operation_id: str, after: int) -> tuple[list[OperationEvent], bool]:
        """The next events after a sequence number, and whether there will be no further ones behind them."""
        query = (
            sa.select(operation_event)
            .where(operation_event.c.operation_id == operation_id, operation_event.c.sequence > after)
            .order_by(operation_event.c.sequence)
            .limit(_EVENTS_AT_ONCE)
        )
        state = sa.select(operation.c.state, operation.c.last_sequence).where(operation.c.id == operation_id)

        def work(connection: sa.Connection) -> tuple[list[OperationEvent], bool]:
            head = connection.execute(state).one_or_none()  # first: what is final now has all its events below
            found = [rows.to_event(row) for row in connection.execute(query)]
            if head is None:
                return found, True
            reached = found[-1].sequence if found else after
            return found, head.state in rows.FINAL_STATES and reached >= head.last_sequence

        return self._database.read(work)

    def is_final(self, operation_id: str) -> bool:
        """Also true when it is gone."""
        query = sa.select(operation.c.state).where(operation.c.id == operation_id)
        state = self._database.read(lambda connection: connection.execute(query).scalar())
        return state is None or state in rows.FINAL_STATES

    def active_count(self) -> int:
        query = sa.select(sa.func.count()).select_from(operation).where(operation.c.state.in_(rows.ACTIVE_STATES))
        return self._database.read(lambda connection: connection.execute(query).scalar_one())

    def ledger(self, operation_id: str | None) -> list[LedgerEntry]:
        return self._database.read(lambda connection: rows.ledger_of(connection, operation_id))

    def note(self, request_id: str, kind: str, key: str) -> LedgerEntry:
        entry = LedgerEntry(operation_id=request_id, kind=kind, key=key, create_time=self._clock())

        def work(connection: sa.Connection) -> None:
            insert = rows.insert_into(connection, operation_ledger).on_conflict_do_nothing()
            connection.execute(insert.values(asdict(entry)))

        self._database.write(work)
        return entry

    def disown(self, entry: LedgerEntry) -> None:
        """Forgets it, unless its operation has not ended."""
        ended = operation.c.state.in_(rows.FINAL_STATES)
        active = sa.select(operation.c.id).where(operation.c.id == entry.operation_id, ~ended)
        self._database.change(sa.delete(operation_ledger).where(rows.is_entry(entry), ~active.exists()))
