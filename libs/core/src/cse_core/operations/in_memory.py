"""An operation engine that keeps everything in memory: what is in progress is lost with the process."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from cse_core.errors import (
    CancelledError,
    ConflictError,
    CseError,
    DeadlineError,
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    UnavailableError,
)
from cse_core.operations.model import (
    Json,
    JsonObject,
    Operation,
    OperationError,
    OperationEvent,
    OperationRequest,
    OperationState,
)
from cse_core.operations.port import Branch, OperationContext, OperationKind
from cse_core.secret import Secret

log = structlog.get_logger()

Clock = Callable[[], datetime]

STOPPING_REASON: Final = "SERVICE_STOPPING"
ROLLBACK_TIME: Final = timedelta(minutes=20)
_WATCH_POLL_S: Final = 0.5


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Record:
    """An operation's mutable state. Guarded by the engine's condition."""

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


class InMemoryOperations:
    """Implements `cse_core.operations.Operations`.

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
        self.changed = threading.Condition()
        self.clock = clock
        self._kinds = {kind.name: kind for kind in kinds}
        self._keep = keep
        self._records: dict[str, _Record] = {}
        self._by_request: dict[str, str] = {}
        self._ended: deque[str] = deque()
        self._waiting: dict[str, deque[str]] = {}
        """Per partition the operations that have not ended, the one at work first."""
        self._stopping = False
        self._workers = ThreadPoolExecutor(max_running, thread_name_prefix="operation")
        self.branches = ThreadPoolExecutor(max_branches, thread_name_prefix="branch")

    # ---- the port

    def submit(self, request: OperationRequest) -> Operation:
        with self.changed:
            known = self._by_request.get(request.request_id)
            if known is not None:
                return self._repeated(self._records[known].operation, request)
            if self._stopping:
                raise UnavailableError("the service is ending; try again in a minute", reason=STOPPING_REASON)
            if request.kind not in self._kinds:
                raise InternalError(f"no operation of kind {request.kind} is registered")
            now = self.clock()
            operation = Operation(
                id=str(uuid.uuid4()),
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
            record = _Record(operation, request)
            self._records[operation.id] = record
            self._by_request[request.request_id] = operation.id
            queue = self._waiting.setdefault(request.partition, deque())
            queue.append(operation.id)
            ahead = len(queue) - 1
            self.record_event(record, message=f"queued behind {ahead} other operation(s)" if ahead else "queued")
            if not ahead:
                self._workers.submit(self._run, operation.id)
            return record.operation

    def get(self, operation_id: str) -> Operation:
        with self.changed:
            return self._record(operation_id).operation

    def find(
        self, *, owner: str | None = None, target: str | None = None, active: bool | None = None
    ) -> list[Operation]:
        with self.changed:
            operations = [record.operation for record in self._records.values()]
        return [
            operation
            for operation in operations
            if (owner is None or operation.owner == owner)
            and (target is None or operation.target == target)
            and (active is None or operation.state.is_final != active)
        ]

    def cancel(self, operation_id: str) -> Operation:
        with self.changed:
            record = self._record(operation_id)
            if not record.operation.state.is_final and not record.operation.cancel_requested:
                record.operation = replace(record.operation, cancel_requested=True)
                self.record_event(record, message="cancellation requested")
                queue = self._waiting[record.partition]
                if record.operation.state is OperationState.QUEUED and queue[0] != operation_id:
                    # Nobody works on it; a thread takes it through its end, out of turn.
                    queue.remove(operation_id)
                    self._workers.submit(self._end, record, None, CancelledError("cancelled before it began"))
            return record.operation

    def delete(self, operation_id: str) -> None:
        with self.changed:
            operation = self._record(operation_id).operation
            if not operation.state.is_final:
                raise FailedPreconditionError(
                    f"{operation.name} has not ended; cancel it first", reason="OPERATION_ACTIVE", name=operation.name
                )
            self._ended.remove(operation_id)
            self._forget(operation_id)

    def wait(self, operation_id: str, timeout_s: float) -> Operation:
        with self.changed:
            record = self._record(operation_id)
            self.changed.wait_for(lambda: record.operation.state.is_final, timeout_s)
            return record.operation

    def watch(
        self, operation_id: str, from_sequence: int, *, is_wanted: Callable[[], bool]
    ) -> Iterator[OperationEvent]:
        with self.changed:
            record = self._record(operation_id)
        return self._follow(record, max(from_sequence, 1) - 1, is_wanted)

    def active_count(self) -> int:
        with self.changed:
            return sum(not record.operation.state.is_final for record in self._records.values())

    def close(self, grace_s: float) -> bool:
        """Accepts nothing more, gives what is in progress so long, then interrupts it; returns whether all ended."""
        with self.changed:
            self._stopping = True
            if not self.changed.wait_for(lambda: self.active_count() == 0, grace_s):
                for record in self._records.values():
                    record.interrupted = True
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.active_count() == 0, grace_s)
            done = self.active_count() == 0
        self._workers.shutdown(wait=done, cancel_futures=True)
        self.branches.shutdown(wait=done, cancel_futures=True)
        return done

    # ---- running

    def _run(self, operation_id: str) -> None:
        with self.changed:
            record = self._records[operation_id]
            record.operation = replace(record.operation, state=OperationState.RUNNING, start_time=self.clock())
            self.record_event(record, message="started")
        result: Json = None
        error: CseError | None = None
        try:
            with structlog.contextvars.bound_contextvars(
                operation_id=operation_id, request_id=record.operation.request_id
            ):
                context = _Context(self, record)
                context.check()
                result = self._kinds[record.operation.kind].run(context)
        except CseError as exc:
            error = exc
        except Exception:
            log.exception("operation_crashed", operation_id=operation_id, kind=record.operation.kind)
            error = InternalError(f"the operation failed for a reason of ours; the log has it under {operation_id}")
        self._end(record, result, error)

    def _end(self, record: _Record, result: Json, error: CseError | None) -> None:
        cancelled = isinstance(error, CancelledError) and record.operation.cancel_requested
        state = (
            OperationState.CANCELLED
            if cancelled
            else OperationState.FAILED
            if error is not None
            else OperationState.SUCCEEDED
        )
        outcome = replace(
            record.operation,
            state=state,
            step="",
            end_time=self.clock(),
            result=result if error is None else None,
            error=OperationError.of(error) if error is not None else None,
            message=error.message if error is not None else record.operation.message,
            progress_percent=100 if error is None else record.operation.progress_percent,
        )
        try:
            self._kinds[outcome.kind].finish(outcome)
        except Exception:
            log.exception("operation_finish_crashed", operation_id=outcome.id, kind=outcome.kind)
        with self.changed:
            record.operation = replace(outcome, cancel_requested=record.operation.cancel_requested)
            record.secrets = {}
            self.record_event(record, message=outcome.message or state.value.lower())
            self._release(record)

    def _release(self, record: _Record) -> None:
        """Lets the next operation of the partition begin, and forgets the oldest ended ones. Holds `changed`."""
        self._ended.append(record.operation.id)
        queue = self._waiting.get(record.partition)
        if queue and queue[0] == record.operation.id:
            queue.popleft()
            if queue:
                self._workers.submit(self._run, queue[0])
            else:
                del self._waiting[record.partition]
        while len(self._ended) > self._keep:
            self._forget(self._ended.popleft())

    def record_event(self, record: _Record, *, message: str, node: str = "", percent: int | None = None) -> None:
        """Appends an event and updates the snapshot. Takes `changed`."""
        with self.changed:
            operation = record.operation
            percent = max(operation.progress_percent, min(percent or 0, 100))
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

    def _follow(self, record: _Record, position: int, is_wanted: Callable[[], bool]) -> Iterator[OperationEvent]:
        while is_wanted():
            with self.changed:
                if len(record.events) <= position and not record.operation.state.is_final:
                    self.changed.wait(_WATCH_POLL_S)  # the limit is for `is_wanted`, which nobody announces
                fresh = record.events[position:]
                final = record.operation.state.is_final
            yield from fresh
            position += len(fresh)
            if final and position >= record.operation.last_sequence:
                return

    def _record(self, operation_id: str) -> _Record:
        record = self._records.get(operation_id)
        if record is None:
            raise NotFoundError(
                f"there is no operation {operation_id!r}", reason="OPERATION_NOT_FOUND", name=operation_id
            )
        return record

    def _forget(self, operation_id: str) -> None:
        record = self._records.pop(operation_id)
        self._by_request.pop(record.operation.request_id, None)

    @staticmethod
    def _repeated(first: Operation, request: OperationRequest) -> Operation:
        if (first.kind, first.owner) != (request.kind, request.owner):
            raise ConflictError(
                f"request id {request.request_id!r} was used for another operation; choose a new one",
                reason="REQUEST_ID_REUSED",
                request_id=request.request_id,
            )
        return first


class _Context:
    """Implements `OperationContext` for an operation, or for one of its branches (`node` set)."""

    def __init__(self, engine: InMemoryOperations, record: _Record, node: str = "") -> None:
        self._engine = engine
        self._record = record
        self._node = node

    @property
    def operation_id(self) -> str:
        return self._record.operation.id

    @property
    def input(self) -> JsonObject:
        return self._record.operation.input

    def secret(self, name: str) -> Secret | None:
        return self._record.secrets.get(name)

    def step(self, name: str, action: Callable[[], Json], *, message: str = "") -> Json:
        self.check()
        with self._engine.changed:
            self._record.operation = replace(self._record.operation, step=name)
        if message:
            self.progress(message)
        started = self._engine.clock()
        result = action()
        took_s = (self._engine.clock() - started).total_seconds()
        log.info("step_done", step=name, node=self._node or None, seconds=round(took_s, 3))
        return result

    def parallel(self, branches: Mapping[str, Branch]) -> dict[str, Json]:
        self.check()
        futures = {node: self._engine.branches.submit(self._branch, node, branch) for node, branch in branches.items()}
        results = {node: self._outcome(future) for node, future in futures.items()}
        failure = self._record.failure
        if failure is not None:
            self._record.failure = None  # the rollback may run branches of its own
            raise failure
        return results

    def _branch(self, node: str, branch: Branch) -> Json:
        context: OperationContext = _Context(self._engine, self._record, node)
        with structlog.contextvars.bound_contextvars(
            operation_id=self.operation_id, request_id=self._record.operation.request_id, node=node
        ):
            try:
                context.check()
                return branch(context)
            except CseError as exc:
                self._fail(exc)
            except Exception:
                log.exception("branch_crashed")
                self._fail(InternalError(f"{node}: failed for a reason of ours; see the log of {self.operation_id}"))
        return None

    def _fail(self, error: CseError) -> None:
        with self._engine.changed:
            if self._record.failure is None:
                self._record.failure = error
            self._engine.changed.notify_all()

    @staticmethod
    def _outcome(future: "Future[Json]") -> Json:
        return future.result()

    def publish(self, key: str, value: Json) -> None:
        with self._engine.changed:
            self._record.published[key] = value
            self._engine.changed.notify_all()

    def wait_for(self, key: str) -> Json:
        with self._engine.changed:
            while key not in self._record.published:
                self.check()
                self._engine.changed.wait(self._remaining_s())
            return self._record.published[key]

    def progress(self, message: str, *, percent: int | None = None) -> None:
        self._engine.record_event(self._record, message=message, node=self._node, percent=percent)

    def pause(self, seconds: float) -> None:
        until = self._engine.clock() + timedelta(seconds=seconds)
        with self._engine.changed:
            while True:
                self.check()
                left = (until - self._engine.clock()).total_seconds()
                if left <= 0:
                    return
                self._engine.changed.wait(min(left, self._remaining_s()))

    def check(self) -> None:
        record, now = self._record, self._engine.clock()
        if record.interrupted:
            raise CancelledError("the service was stopped before the operation ended", reason=STOPPING_REASON)
        if record.failure is not None and self._node:
            raise CancelledError("ended because another node failed", reason="SIBLING_FAILED")
        if record.rollback_deadline is not None:
            if now >= record.rollback_deadline:
                raise DeadlineError(f"rolling back took longer than {ROLLBACK_TIME}", reason="ROLLBACK_TIMEOUT")
            return
        if record.operation.cancel_requested:
            raise CancelledError("cancelled", reason="OPERATION_CANCELLED")
        if now >= record.operation.deadline:
            raise DeadlineError(
                f"the operation did not end by {record.operation.deadline:%Y-%m-%d %H:%M:%S} UTC",
                reason="OPERATION_TIMEOUT",
            )

    def _remaining_s(self) -> float:
        deadline = self._record.rollback_deadline or self._record.operation.deadline
        return max((deadline - self._engine.clock()).total_seconds(), 0.0) + 0.001

    @contextmanager
    def rollback(self) -> Iterator[None]:
        with self._engine.changed:
            self._record.rollback_deadline = self._engine.clock() + ROLLBACK_TIME
            self._record.operation = replace(self._record.operation, state=OperationState.ROLLING_BACK)
        yield
