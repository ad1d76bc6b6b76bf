"""The durable operation engine: the port over our tables and DBOS."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from cse_core.errors import CseError, InternalError, UnavailableError
from cse_core.operations import (
    JsonObject,
    LedgerEntry,
    Operation,
    OperationEvent,
    OperationKind,
    OperationQuery,
    OperationRequest,
    Replica,
)
from cse_core.operations.clock import Clock, utc_now
from cse_core.operations.failures import STOPPING_REASON
from cse_core.operations.ids import new_operation_id
from cse_operations.agreements import Agreements
from cse_operations.bell import Bell
from cse_operations.care import Care
from cse_operations.cipher import Cipher, load_keys
from cse_operations.database import Database, answering, lock_file, make_room, starting
from cse_operations.dispatch import Dispatcher
from cse_operations.migrations import migrate
from cse_operations.replicas import Liveness, Rounds, Watch
from cse_operations.runner import Runner
from cse_operations.settings import DATABASE_VARIABLE, OperationsSettings
from cse_operations.store import Store

log = structlog.get_logger()

_EXIT_DECLARED_DEAD: Final = 75
"""EX_TEMPFAIL: whoever supervises the process starts it again, as another replica."""


def _exit_process() -> None:
    os._exit(_EXIT_DECLARED_DEAD)


class DurableOperations:
    """Implements `cse_core.operations.OperationEngine`. One per process, and none in a process that forks later.

    Args:
        kinds: what it can run.
        settings: where its store is, and how much it does at once. A directory that SQLite needs is made.
        clock: tells the time, in UTC.
        elapsed: seconds that only go forward, by which runs measure their time.
        on_declared_dead: called when other replicas have given this one up. Its work goes on elsewhere, so that the
            process had better end; by default it does, at once.
    """

    def __init__(
        self,
        kinds: list[OperationKind],
        settings: OperationsSettings,
        *,
        clock: Clock = utc_now,
        elapsed: Callable[[], float] = time.monotonic,
        on_declared_dead: Callable[[], None] = _exit_process,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._kinds = {kind.name: kind for kind in kinds}
        self._on_declared_dead = on_declared_dead
        self._database = Database(settings.database)
        if self._database.file is not None:
            make_room(self._database.file)
        self._cipher = Cipher(load_keys(settings, beside=self._database.file))
        self._store = Store(self._database, self._cipher, clock)
        self._agreements = Agreements(self._database)
        self._bell = Bell()
        self._closing = threading.Lock()
        self._lock: int | None = None
        self._started = False
        self._stopping = False
        identity = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        alone, timing = self._database.is_sqlite, settings.timing
        self._pulse = self._database if alone else Database(settings.database, connections=1)
        self._liveness = Liveness(
            self._pulse, clock, timing, identity=identity, generation=settings.generation, alone=alone
        )
        self._watch = Watch(self._database, clock, timing, identity=identity, alone=alone)
        self._branches = ThreadPoolExecutor(settings.branches, thread_name_prefix="branch")
        self._runner = Runner(
            self._kinds,
            self._database,
            self._cipher,
            self._liveness,
            branches=self._branches,
            clock=clock,
            elapsed=elapsed,
            wrote=self._bell.ring,
            most_stalled_runs=settings.most_stalled_runs,
        )
        self._dispatcher = Dispatcher(
            self._database, self._cipher, settings, executor=identity, run=self._runner.run_workflow
        )
        self._care = Care(
            self._database,
            self._cipher,
            clock,
            settings,
            dispatcher=self._dispatcher,
            watch=self._watch,
            identity=identity,
            at_work=self._runner.workflows,
        )
        self._rounds = [
            Rounds(f"operation-{name}", every_s, action, self._round_failed)
            for name, every_s, action in (
                ("liveness", timing.beat_s, self._live),
                ("care", timing.beat_s, self._look_after),
                ("signals", timing.signal_poll_s, self._runner.read_signals),
                ("overdue", timing.beat_s, self._care.end_overdue),
                ("reconciliation", timing.reconcile_s, self._care.redispatch),
                ("retention", timing.retention_s, self._keep_house),
            )
        ]

    # ---- its life

    def start(self) -> None:
        """Migrates the store, takes up what was left, begins to work.

        Raises:
            StartError: another process uses the SQLite file, a newer version of this software has used the store, its
                keys are others, or it is damaged.
            UnavailableError: the database does not answer.
        """
        if not self._database.is_server_known:
            log.warning("certificate_not_checked", of=DATABASE_VARIABLE, remedy="?sslmode=verify-full&sslrootcert=…")
        try:
            if self._database.file is not None:
                self._lock = lock_file(self._database.file)
            with starting(self._database):
                migrate(self._database)
                self._store.check_keys()
                self._liveness.announce()
                with answering():
                    self._dispatcher.launch()
        except BaseException:
            self.close(0)
            raise
        self._started = True
        for thread in self._rounds:
            thread.start()

    def close(self, grace_s: float) -> bool:
        """What has not ended is handed back: the next process, or another replica, goes on with it.

        False means that threads are still inside calls that do not end; the process should then end by `os._exit`.
        """
        with self._closing:
            if self._stopping:
                return not self._runner.workflows()
            self._stopping = True
        self._dispatcher.retire()
        self._runner.stop()
        done = self._runner.wait_until_idle(grace_s)
        if self._started:
            for thread in self._rounds:
                thread.stop()
            try:
                self._runner.excuse(self._liveness.identity)
                self._liveness.leave()
            except UnavailableError:
                log.warning("replica_left_without_a_word", replica=self._liveness.identity)
        self._dispatcher.destroy()
        self._branches.shutdown(wait=done, cancel_futures=True)
        self._pulse.close()
        self._database.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        return done

    # ---- the port

    def submit(self, request: OperationRequest) -> Operation:
        if self._stopping or not self._started:
            raise UnavailableError("the service is not at work; try again in a minute", reason=STOPPING_REASON)
        if request.kind not in self._kinds:
            raise InternalError(f"no operation of kind {request.kind} is registered")
        return self._store.insert(
            request,
            new_operation_id(),
            generation=self._settings.generation,
            enqueue=lambda connection, operation_id, workflow_id: self._dispatcher.enqueue(
                connection, operation_id, workflow_id, request.partition
            ),
        )

    def get(self, operation_id: str) -> Operation:
        return self._store.get(operation_id)

    def begun_by(self, request_id: str) -> Operation | None:
        return self._store.begun_by(request_id)

    def find(
        self, *, owner: str | None = None, target: str | None = None, active: bool | None = None
    ) -> list[Operation]:
        return self._store.find(owner=owner, target=target, active=active)

    def page(self, query: OperationQuery, *, limit: int, before: str = "") -> list[Operation]:
        return self._store.page(query, limit=limit, before=before)

    def cancel(self, operation_id: str) -> Operation:
        operation = self._store.request_cancellation(
            operation_id,
            lambda connection, operation_id, workflow_id: self._dispatcher.enqueue(
                connection, operation_id, workflow_id, None
            ),
        )
        self._runner.cancel(operation_id)
        self._bell.ring(operation_id)
        return operation

    def delete(self, operation_id: str) -> None:
        self._store.delete(operation_id)

    def wait(self, operation_id: str, timeout_s: float) -> Operation:
        until = time.monotonic() + timeout_s
        with self._bell.listening(operation_id) as bell:
            while True:
                operation = self._store.get(operation_id)
                left_s = until - time.monotonic()
                if operation.state.is_final or left_s <= 0:
                    return operation
                bell.wait(min(left_s, self._settings.timing.signal_poll_s))

    def watch(
        self, operation_id: str, from_sequence: int, *, is_wanted: Callable[[], bool]
    ) -> Iterator[OperationEvent]:
        self._store.get(operation_id)
        return self._follow(operation_id, max(from_sequence, 1) - 1, is_wanted)

    def _follow(self, operation_id: str, position: int, is_wanted: Callable[[], bool]) -> Iterator[OperationEvent]:
        with self._bell.listening(operation_id) as bell:
            while is_wanted():
                events, is_last = self._store.events(operation_id, position)
                yield from events
                if events:
                    position = events[-1].sequence
                if is_last:
                    return
                if not events:
                    bell.wait(self._settings.timing.signal_poll_s)

    def active_count(self) -> int:
        return self._store.active_count()

    def ledger(self, operation_id: str | None = None) -> list[LedgerEntry]:
        return self._store.ledger(operation_id)

    def note(self, request_id: str, kind: str, key: str) -> LedgerEntry:
        return self._store.note(request_id, kind, key)

    def disown(self, entry: LedgerEntry) -> None:
        self._store.disown(entry)

    def replicas(self) -> list[Replica]:
        return self._agreements.replicas(self._liveness.identity)

    def agreed(self, subject: str) -> JsonObject | None:
        return self._agreements.read(subject)

    def agree(self, subject: str, value: JsonObject, *, instead_of: JsonObject | None) -> bool:
        return self._agreements.swap(subject, value, instead_of=instead_of)

    # ---- rounds

    def _live(self) -> None:
        try:
            self._branches.submit(int)
        except RuntimeError:  # the main thread has left, and Python begins no work any more: let another replica do it
            self._runner.stop()
            return
        if not self._liveness.beat() and not self._stopping:
            log.error("declared_dead", replica=self._liveness.identity)
            self._runner.stop()
            self._on_declared_dead()

    def _look_after(self) -> None:
        if not self._liveness.is_sure:  # whatever keeps us from saying that we live may keep the others from it
            self._watch.forget()
            return
        self._watch.look()
        self._care.take_over()

    def _keep_house(self) -> None:
        self._care.forget_old()
        if self._cipher.has_old_keys:
            self._care.renew_keys()

    def _round_failed(self, error: Exception) -> None:
        if isinstance(error, UnavailableError):  # of nothing else does it follow that others could not say they live
            self._watch.forget()
        if isinstance(error, CseError):
            log.warning("operation_round_failed", reason=error.code)
        else:
            log.error("operation_round_failed", exc_info=error)
