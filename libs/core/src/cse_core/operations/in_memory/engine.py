"""An operation engine that keeps everything in memory: what is in progress is lost with the process."""

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Final, cast

import structlog

from cse_core.errors import CancelledError, CseError, InternalError, UnavailableError
from cse_core.operations.clock import Clock, utc_now
from cse_core.operations.failures import (
    STOPPING_REASON,
    cancelled,
    check_repeated,
    claim_taken,
    mistake,
    not_begun,
    not_ended,
    not_there,
)
from cse_core.operations.ids import new_operation_id
from cse_core.operations.in_memory.context import InMemoryContext
from cse_core.operations.in_memory.record import Journal, Record
from cse_core.operations.model import (
    Json,
    JsonObject,
    LedgerEntry,
    Operation,
    OperationError,
    OperationEvent,
    OperationQuery,
    OperationRequest,
    OperationState,
    as_stored,
)
from cse_core.operations.port import OperationKind
from cse_core.operations.replicas import Replica

log = structlog.get_logger()

_WATCH_POLL_S: Final = 0.5
"""How often a watcher looks whether it is still wanted, which nobody announces."""


class InMemoryOperations:
    """Implements `cse_core.operations.OperationEngine`.

    Args:
        kinds: what it can run.
        max_running: operations at work at once; more are queued.
        max_branches: parallel branches at work at once, over all operations.
        keep: how many ended operations are remembered.
        clock: tells the time, in UTC.
    """

    def __init__(
        self,
        kinds: list[OperationKind],
        *,
        max_running: int = 64,
        max_branches: int = 128,
        keep: int = 10_000,
        clock: Clock = utc_now,
    ) -> None:
        self._journal = Journal(clock)
        self._changed = self._journal.changed
        self._kinds = {kind.name: kind for kind in kinds}
        self._keep = keep
        self._records: dict[str, Record] = {}
        self._by_request: dict[str, str] = {}
        self._claims: dict[str, str] = {}
        self._notes: dict[tuple[str, str, str], LedgerEntry] = {}
        self._agreed: dict[str, JsonObject] = {}
        self._ended: deque[str] = deque()
        self._waiting: dict[str, deque[str]] = {}
        """Per partition the operations that have not ended, the one at work first."""
        self._active = 0
        self._stopping = False
        self._identity = uuid.uuid4().hex
        self._workers = ThreadPoolExecutor(max_running, thread_name_prefix="operation")
        self._branches = ThreadPoolExecutor(max_branches, thread_name_prefix="branch")

    # ---- the port

    def submit(self, request: OperationRequest) -> Operation:
        with self._changed:
            known = self._by_request.get(request.request_id)
            if known is not None:
                first = self._records[known].operation
                check_repeated(first, request)
                return first
            if self._stopping:
                raise UnavailableError("the service is ending; try again in a minute", reason=STOPPING_REASON)
            if request.kind not in self._kinds:
                raise InternalError(f"no operation of kind {request.kind} is registered")
            if request.claim in self._claims:
                raise claim_taken(self._claims[request.claim])
            now = self._journal.clock()
            operation = Operation(
                id=new_operation_id(),
                kind=request.kind,
                target=request.target,
                target_uid=request.target_uid,
                request_id=request.request_id,
                owner=request.owner,
                input=request.input,
                task_href=request.task_href,
                state=OperationState.QUEUED,
                create_time=now,
                deadline=now + request.deadline,
            )
            record = Record(operation, request)
            self._records[operation.id] = record
            self._by_request[request.request_id] = operation.id
            if request.claim:
                self._claims[request.claim] = operation.id
            if request.settles is not None:
                self.disown(request.settles)
            self._active += 1
            queue = self._waiting.setdefault(request.partition, deque())
            queue.append(operation.id)
            ahead = len(queue) - 1
            self._journal.update(record, f"queued behind {ahead} other operation(s)" if ahead else "queued")
            if not ahead:
                self._workers.submit(self._run, operation.id)
            return record.operation

    def get(self, operation_id: str) -> Operation:
        with self._changed:
            return self._record(operation_id).operation

    def begun_by(self, request_id: str) -> Operation | None:
        with self._changed:
            known = self._by_request.get(request_id)
            return self._records[known].operation if known is not None else None

    def find(
        self, *, owner: str | None = None, target: str | None = None, active: bool | None = None
    ) -> list[Operation]:
        with self._changed:
            operations = [record.operation for record in self._records.values()]
        return [
            operation
            for operation in operations
            if (owner is None or operation.owner == owner)
            and (target is None or operation.target == target)
            and (active is None or operation.state.is_final != active)
        ]

    def page(self, query: OperationQuery, *, limit: int, before: str = "") -> list[Operation]:
        with self._changed:
            operations = [record.operation for record in self._records.values()]
        latest_first = (each for each in reversed(operations) if not before or each.id < before)
        return list(islice(filter(query.fits, latest_first), limit))

    def cancel(self, operation_id: str) -> Operation:
        with self._changed:
            record = self._record(operation_id)
            if not record.operation.state.is_final and not record.operation.cancel_requested:
                self._journal.update(record, "cancellation requested", cancel_requested=True)
                queue = self._waiting[record.partition]
                if record.operation.state is OperationState.QUEUED and queue[0] != operation_id:
                    # Nobody works on it; a thread takes it through its end, out of turn.
                    queue.remove(operation_id)
                    self._workers.submit(self._end, record, None, not_begun(cancelled()))
            return record.operation

    def delete(self, operation_id: str) -> None:
        with self._changed:
            operation = self._record(operation_id).operation
            if not operation.state.is_final:
                raise not_ended(operation)
            self._ended.remove(operation_id)
            self._forget(operation_id)

    def wait(self, operation_id: str, timeout_s: float) -> Operation:
        with self._changed:
            record = self._record(operation_id)
            self._changed.wait_for(lambda: record.operation.state.is_final, timeout_s)
            return record.operation

    def watch(
        self, operation_id: str, from_sequence: int, *, is_wanted: Callable[[], bool]
    ) -> Iterator[OperationEvent]:
        with self._changed:
            record = self._record(operation_id)
        return self._follow(record, max(from_sequence, 1) - 1, is_wanted)

    def active_count(self) -> int:
        with self._changed:
            return self._active

    def ledger(self, operation_id: str | None = None) -> list[LedgerEntry]:
        with self._changed:
            entries = [entry for record in self._records.values() for entry in record.ledger.values()]
            entries.extend(self._notes.values())
        return [entry for entry in entries if operation_id in (None, entry.operation_id)]

    def note(self, request_id: str, kind: str, key: str) -> LedgerEntry:
        entry = LedgerEntry(operation_id=request_id, kind=kind, key=key, create_time=self._journal.clock())
        with self._changed:
            return self._notes.setdefault((request_id, kind, key), entry)

    def disown(self, entry: LedgerEntry) -> None:
        with self._changed:
            self._notes.pop((entry.operation_id, entry.kind, entry.key), None)
            record = self._records.get(entry.operation_id)
            if record is not None and record.operation.state.is_final:
                self._journal.note_removal(record, entry.kind, entry.key)

    # ---- the replicas: this process is the only one

    def replicas(self) -> list[Replica]:
        return [Replica(id=self._identity, is_this=True, operations_in_progress=self.active_count())]

    def agreed(self, subject: str) -> JsonObject | None:
        with self._changed:
            return self._agreed.get(subject)

    def agree(self, subject: str, value: JsonObject, *, instead_of: JsonObject | None) -> bool:
        with self._changed:
            if self._agreed.get(subject) != instead_of:
                return False
            self._agreed[subject] = cast(JsonObject, as_stored(value))
            return True

    # ---- its life

    def start(self) -> None:
        """It works from the beginning, and has nothing left over."""

    def close(self, grace_s: float) -> bool:
        """Accepts nothing more, gives what is in progress so long, then interrupts it; returns whether all ended."""
        with self._changed:
            self._stopping = True
            if not self._changed.wait_for(lambda: self._active == 0, grace_s):
                for record in self._records.values():
                    record.interrupted = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._active == 0, grace_s)
            done = self._active == 0
        self._workers.shutdown(wait=done, cancel_futures=True)
        self._branches.shutdown(wait=done, cancel_futures=True)
        return done

    # ---- running

    def _run(self, operation_id: str) -> None:
        with self._changed:
            record = self._records[operation_id]
            self._journal.update(record, "started", state=OperationState.RUNNING, start_time=self._journal.clock())
        result: Json = None
        error: CseError | None = None
        try:
            with structlog.contextvars.bound_contextvars(
                operation_id=operation_id, request_id=record.operation.request_id
            ):
                context = InMemoryContext(self._journal, self._branches, record)
                try:
                    context.check()
                except CseError as exc:
                    raise not_begun(exc) from exc
                result = as_stored(self._kinds[record.operation.kind].run(context))
        except CseError as exc:
            error = exc
        except Exception:
            log.exception("operation_crashed", operation_id=operation_id, kind=record.operation.kind)
            error = mistake(operation_id)
        self._end(record, result, error)

    def _end(self, record: Record, result: Json, error: CseError | None) -> None:
        state = OperationState.SUCCEEDED if error is None else OperationState.FAILED
        if isinstance(error, CancelledError) and record.operation.cancel_requested:
            state = OperationState.CANCELLED
        outcome = replace(
            record.operation,
            state=state,
            step="",
            end_time=self._journal.clock(),
            result=result if error is None else None,
            error=OperationError.of(error) if error is not None else None,
            message=error.message if error is not None else record.operation.message,
            progress_percent=100 if error is None else record.operation.progress_percent,
        )
        try:
            self._kinds[outcome.kind].finish(outcome)
        except Exception:
            log.exception("operation_finish_crashed", operation_id=outcome.id, kind=outcome.kind)
        with self._changed:
            record.secrets = {}
            if outcome.state is OperationState.SUCCEEDED:
                record.ledger.clear()
            self._journal.update(
                record,
                outcome.message,
                percent=outcome.progress_percent,
                state=outcome.state,
                step="",
                end_time=outcome.end_time,
                result=outcome.result,
                error=outcome.error,
            )
            self._release(record)

    def _release(self, record: Record) -> None:
        """Lets the next operation of the partition begin, and forgets the oldest ended ones. Holds `changed`."""
        self._active -= 1
        self._ended.append(record.operation.id)
        self._claims.pop(record.claim, None)
        queue = self._waiting.get(record.partition)
        if queue and queue[0] == record.operation.id:
            queue.popleft()
            if queue:
                self._workers.submit(self._run, queue[0])
            else:
                del self._waiting[record.partition]
        while len(self._ended) > self._keep:
            self._forget(self._ended.popleft())

    def _follow(self, record: Record, position: int, is_wanted: Callable[[], bool]) -> Iterator[OperationEvent]:
        while is_wanted():
            with self._changed:
                if len(record.events) <= position and not record.operation.state.is_final:
                    self._changed.wait(_WATCH_POLL_S)
                fresh = record.events[position:]
                final = record.operation.state.is_final
            yield from fresh
            position += len(fresh)
            if final and position >= record.operation.last_sequence:
                return

    def _record(self, operation_id: str) -> Record:
        record = self._records.get(operation_id)
        if record is None:
            raise not_there(operation_id)
        return record

    def _forget(self, operation_id: str) -> None:
        record = self._records.pop(operation_id)
        self._by_request.pop(record.operation.request_id, None)
