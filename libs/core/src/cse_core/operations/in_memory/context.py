"""What an operation's code works with, when the engine is in memory."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta

import structlog

from cse_core.errors import CseError
from cse_core.operations.failures import mistake
from cse_core.operations.in_memory.record import Journal, Record
from cse_core.operations.model import Json, JsonObject, LedgerEntry, as_stored
from cse_core.operations.port import Branch, OperationContext
from cse_core.secret import Secret

log = structlog.get_logger()


class InMemoryContext:
    """Implements `OperationContext` for an operation, or for one of its branches (`node` set)."""

    def __init__(self, journal: Journal, branches: ThreadPoolExecutor, record: Record, node: str = "") -> None:
        self._journal = journal
        self._branches = branches
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
        self._journal.begin_step(self._record, name, node=self._node)
        if message:
            self.progress(message)
        started = self._journal.clock()
        try:
            result = as_stored(action())
        except CseError:
            raise
        except Exception as exc:
            log.exception("step_crashed", step=name, node=self._node or None)
            raise mistake(self.operation_id) from exc
        took_s = (self._journal.clock() - started).total_seconds()
        log.info("step_done", step=name, node=self._node or None, seconds=round(took_s, 3))
        return result

    def parallel(self, branches: Mapping[str, Branch]) -> dict[str, Json]:
        self.check()
        futures = {
            node: self._branches.submit(copy_context().run, self._run_branch, node, branch)
            for node, branch in branches.items()
        }
        results = {node: future.result() for node, future in futures.items()}
        failure = self._journal.take_failure(self._record)
        if failure is not None:
            raise failure
        return results

    def _run_branch(self, node: str, branch: Branch) -> Json:
        context: OperationContext = InMemoryContext(self._journal, self._branches, self._record, node)
        with structlog.contextvars.bound_contextvars(node=node):
            try:
                context.check()
                return branch(context)
            except CseError as exc:
                self._journal.fail_branch(self._record, exc)
            except Exception:
                log.exception("branch_crashed")
                self._journal.fail_branch(self._record, mistake(self.operation_id))
        return None

    def publish(self, key: str, value: Json) -> None:
        self._journal.publish(self._record, key, value)

    def wait_for(self, key: str) -> Json:
        with self._journal.changed:
            while key not in self._record.published:
                self.check()
                self._journal.changed.wait(self._remaining_s())
            return self._record.published[key]

    def progress(self, message: str, *, percent: int | None = None) -> None:
        self._journal.update(self._record, message, node=self._node, percent=percent or 0)

    def pause(self, seconds: float) -> None:
        until = self._journal.clock() + timedelta(seconds=seconds)
        with self._journal.changed:
            while True:
                self.check()
                left = (until - self._journal.clock()).total_seconds()
                if left <= 0:
                    return
                self._journal.changed.wait(min(left, self._remaining_s()))

    def check(self) -> None:
        self._record.check(self._journal.clock(), in_branch=bool(self._node))

    def _remaining_s(self) -> float:
        return max((self._record.limit - self._journal.clock()).total_seconds(), 0.0) + 0.001

    @contextmanager
    def rollback(self) -> Iterator[None]:
        self._journal.begin_rollback(self._record)
        yield

    def creating(self, kind: str, key: str) -> None:
        self._journal.note_creation(self._record, kind, key)

    def removed(self, kind: str, key: str) -> None:
        self._journal.note_removal(self._record, kind, key)

    def created(self) -> list[LedgerEntry]:
        with self._journal.changed:
            return list(self._record.ledger.values())
