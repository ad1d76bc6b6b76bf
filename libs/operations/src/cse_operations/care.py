"""Taking care that whatever was accepted is run: work of dead replicas, lost workflows, older code, old operations."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog

from cse_core.operations import OperationState
from cse_core.operations.clock import Clock
from cse_operations import rows
from cse_operations.cipher import Cipher, UnreadableError
from cse_operations.database import Database, answering
from cse_operations.dispatch import Dispatcher, Handed
from cse_operations.replicas import Watch
from cse_operations.schema import operation, operation_journal, operation_seal, operation_secret
from cse_operations.settings import OperationsSettings
from cse_operations.store import ending_of

log = structlog.get_logger()

_LOCK_KEY: Final = 0x6373655F67756172
"""PostgreSQL's advisory lock under which one replica at a time hands back what others left."""
_DELETED_AT_ONCE: Final = 500
_RENEWED_AT_ONCE: Final = 200
_HANDED_BACK_AT_ONCE: Final = 100
"""So that the lock is held for about a second, well within PostgreSQL's patience with idle transactions."""
_DBOS_KEEPS: Final = timedelta(minutes=10)
"""How long DBOS remembers a workflow that has ended; we do not ask it."""


class Care:
    """Done in rounds, by every replica; nothing is done twice.

    Args:
        database: the store.
        cipher: renews what an old key has sealed.
        clock: tells the time, in UTC.
        settings: generation and retention.
        dispatcher: hands back.
        watch: knows who lives.
        identity: this replica's.
        at_work: the workflows that this process runs at this moment.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        clock: Clock,
        settings: OperationsSettings,
        *,
        dispatcher: Dispatcher,
        watch: Watch,
        identity: str,
        at_work: Callable[[], set[str]],
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._settings = settings
        self._dispatcher = dispatcher
        self._watch = watch
        self._identity = identity
        self._at_work = at_work
        self._idle_since: dict[str, float] = {}
        """Workflows handed to this process that it does not run, and since when (monotonic)."""

    def take_over(self) -> None:
        """Hands back what was handed to replicas that do not live, or got lost on its way into this one."""
        older = {each for each in self._dispatcher.generations() if each < self._settings.generation}
        abandoned = older - set(self._watch.living().values())
        if abandoned:
            with self._alone():
                log.info("older_generation_adopted", workflows=self._dispatcher.adopt(abandoned))
        while self._lost():
            with self._alone():
                for handed in self._lost()[:_HANDED_BACK_AT_ONCE]:  # again: another replica may have been first
                    log.info("operation_taken_over", workflow_id=handed.workflow_id, replica=handed.executor)
                    self._dispatcher.hand_back(handed)
                    self._idle_since.pop(handed.workflow_id, None)

    def _lost(self) -> list[Handed]:
        handed_out = [each for each in self._dispatcher.handed_out() if each.generation == self._settings.generation]
        living = self._watch.living()  # read after: a replica announces itself before anything is handed to it
        mine = {handed.workflow_id for handed in handed_out if handed.executor == self._identity}
        now, at_work = time.monotonic(), self._at_work()
        self._idle_since = {each: self._idle_since.get(each, now) for each in mine - at_work}
        patience_s = self._settings.timing.doubt_s
        stuck = {each for each, since in self._idle_since.items() if now - since > patience_s}
        return [handed for handed in handed_out if handed.executor not in living or handed.workflow_id in stuck]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._database.is_sqlite:
            yield
            return
        with answering(), self._database.engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            yield

    def end_overdue(self) -> None:
        """Lets operations whose deadline is over while they wait for their turn end without it."""
        waiting = (operation.c.state == OperationState.QUEUED.value) & (operation.c.epoch == 0)
        overdue = sa.select(operation.c.id).where(waiting, operation.c.deadline <= self._clock())
        for row in self._database.rows(overdue.where(operation.c.workflow_id == operation.c.id)):
            self._end_out_of_turn(row.id)

    def _end_out_of_turn(self, operation_id: str) -> None:
        ending = ending_of(operation_id)
        nobody_began = (operation.c.id == operation_id) & (operation.c.epoch == 0)
        update = sa.update(operation).where(nobody_began, operation.c.workflow_id == operation_id)

        def work(connection: sa.Connection) -> None:
            if connection.execute(update.values(workflow_id=ending)).rowcount:
                self._dispatcher.enqueue(connection, operation_id, ending, None)

        self._database.write(work)

    def redispatch(self) -> None:
        """Enqueues anew what has not ended and yet is in no queue: DBOS took it for ended, or its row is gone."""
        query = sa.select(operation.c.id, operation.c.workflow_id, operation.c.partition)
        active = query.where(operation.c.state.in_(rows.ACTIVE_STATES))
        waiting = {row.workflow_id: row for row in self._database.rows(active)}
        for workflow_id in waiting.keys() - self._dispatcher.unfinished(waiting):
            row = waiting[workflow_id]
            self._redispatch(row.id, workflow_id, row.partition)

    def _redispatch(self, operation_id: str, workflow_id: str, partition: str) -> None:
        successor = f"{workflow_id}+" if workflow_id.endswith("+") else f"{workflow_id}-again+"

        def work(connection: sa.Connection) -> bool:
            still_so = (operation.c.id == operation_id) & (operation.c.workflow_id == workflow_id)
            update = sa.update(operation).where(still_so, operation.c.state.in_(rows.ACTIVE_STATES))
            if not connection.execute(update.values(workflow_id=successor)).rowcount:
                return False
            self._dispatcher.enqueue(connection, operation_id, successor, partition)
            return True

        if self._database.write(work):
            log.warning("operation_redispatched", operation_id=operation_id)

    def forget_old(self) -> None:
        """Deletes operations that ended longer ago than the retention time, and what DBOS knows of any that ended."""
        cutoff = self._clock() - self._settings.retention
        old = (
            sa.select(operation.c.id)
            .where(operation.c.state.in_(rows.FINAL_STATES), operation.c.end_time < cutoff)
            .limit(_DELETED_AT_ONCE)
        )
        delete = sa.delete(operation).where(operation.c.id.in_(old))
        while self._database.change(delete) == _DELETED_AT_ONCE:
            pass
        self._dispatcher.forget_ended(self._clock() - _DBOS_KEEPS)
        self._watch.forget_long_gone()

    def renew_keys(self) -> None:
        """Encrypts with the first key what another one has sealed, and says when nothing else is left.

        What none of the keys has sealed is left as it is.
        """
        done = [self._renew(table, column) for table, column in _SEALED]
        if all(done):
            log.info("keys_renewed", hint="nothing is left that needs another key than the first")

    def _renew(self, table: sa.Table, column: sa.Column[Any]) -> bool:
        """Whether all of the column is sealed with the first key now."""
        is_done = True
        for row in self._pages(table, column):
            sealed: str = row[-1]
            place: list[Any] = list(row[:-1])
            if self._cipher.is_current(sealed):
                continue
            try:
                renewed = {column: self._cipher.renew(sealed)}
            except UnreadableError:
                log.warning("sealed_with_a_key_that_is_gone", table=table.name, row=place)
                is_done = False
                continue
            mine = [key == value for key, value in zip(table.primary_key.columns, place, strict=True)]
            self._database.change(sa.update(table).where(*mine, column == sealed).values(renewed))
        return is_done

    def _pages(self, table: sa.Table, column: sa.Column[Any]) -> Iterator[sa.Row[Any]]:
        """All that the column holds, behind the row's key. Not at once: it may be a month's results."""
        keys = list(table.primary_key.columns)
        part = sa.select(*keys, column).where(column.isnot(None)).order_by(*keys).limit(_RENEWED_AT_ONCE)
        found = self._database.rows(part)
        while found:
            yield from found
            last = sa.tuple_(*(sa.literal(value, key.type) for key, value in zip(keys, found[-1], strict=False)))
            found = self._database.rows(part.where(sa.tuple_(*keys) > last))


_SEALED: Final = (
    (operation, operation.c.input_sealed),
    (operation, operation.c.result_sealed),
    (operation, operation.c.error_sealed),
    (operation_journal, operation_journal.c.value_sealed),
    (operation_secret, operation_secret.c.value_sealed),
    (operation_seal, operation_seal.c.value_sealed),
)
