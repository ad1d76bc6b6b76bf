"""What an operation's code works with, when the engine is durable."""

import concurrent.futures
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, wait
from contextlib import contextmanager
from contextvars import copy_context
from sys import exception

import structlog

from cse_core.errors import CseError
from cse_core.operations import Json, JsonObject, LedgerEntry, OperationContext
from cse_core.operations.failures import mistake
from cse_core.operations.port import Branch
from cse_core.secret import Secret
from cse_operations.journal import AbandonedError
from cse_operations.run import Run

log = structlog.get_logger()


class DurableContext:
    """Implements `OperationContext` for a run, or for one of its branches (`node` set)."""

    def __init__(self, run: Run, branches: Executor, node: str = "") -> None:
        self._run = run
        self._branches = branches
        self._node = node

    @property
    def operation_id(self) -> str:
        return self._run.claim.operation.id

    @property
    def input(self) -> JsonObject:
        return self._run.claim.operation.input

    def secret(self, name: str) -> Secret | None:
        return self._run.claim.secrets.get(name)

    def step(self, name: str, action: Callable[[], Json], *, message: str = "") -> Json:
        return self._run.step(self._node, name, action, message)

    def parallel(self, branches: Mapping[str, Branch]) -> dict[str, Json]:
        self.check()
        try:
            futures = {
                node: self._branches.submit(copy_context().run, self._run_branch, node, branch)
                for node, branch in branches.items()
            }
            wait(futures.values())
            results = {node: future.result() for node, future in futures.items()}  # raises where one was abandoned
        except (concurrent.futures.CancelledError, RuntimeError) as exc:  # the engine's threads end with it
            raise AbandonedError from exc
        failure = self._run.take_failure()
        if failure is not None:
            raise self._run.earlier_cause() or failure
        return results

    def _run_branch(self, node: str, branch: Branch) -> Json:
        context: OperationContext = DurableContext(self._run, self._branches, node)
        with structlog.contextvars.bound_contextvars(node=node):
            try:
                context.check()
                return branch(context)
            except CseError as exc:
                self._run.fail_branch(exc)
            except Exception:
                log.exception("branch_crashed")
                self._run.fail_branch(mistake(self.operation_id))
        return None

    def publish(self, key: str, value: Json) -> None:
        self._run.publish(key, value)

    def wait_for(self, key: str) -> Json:
        return self._run.wait_for(self._node, key)

    def progress(self, message: str, *, percent: int | None = None) -> None:
        if not self._run.is_replaying(self._node):
            self._run.journal.event(message, node=self._node, percent=percent or 0)

    def pause(self, seconds: float) -> None:
        self._run.pause(self._node, seconds)

    def check(self) -> None:
        self._run.check(self._node)

    @contextmanager
    def rollback(self) -> Iterator[None]:
        self._run.begin_rollback(exception())
        yield

    def creating(self, kind: str, key: str) -> None:
        self._run.journal.note_creation(kind, key)

    def removed(self, kind: str, key: str) -> None:
        self._run.journal.note_removal(kind, key)

    def created(self) -> list[LedgerEntry]:
        return self._run.journal.created()
