"""What only the operation engine in memory does; the rest is the contract of all engines."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from cse_core.errors import FailedPreconditionError, NotFoundError, UnavailableError
from cse_core.operations import Json, OperationContext, OperationEngine, OperationKind
from cse_core.operations.in_memory import InMemoryOperations
from cse_testing.operations.benches import EngineBench, in_memory
from cse_testing.waiting import LIMIT_S


def test_closing_refuses_new_work_and_interrupts_what_does_not_end() -> None:
    engine = EngineBench(in_memory)
    started = threading.Event()

    def run(ctx: OperationContext) -> Json:
        started.set()
        return ctx.wait_for("never")

    operation = engine.submit(run)
    assert started.wait(LIMIT_S)
    closer = threading.Thread(target=engine.operations.close, args=(0.2,))
    closer.start()
    ended = engine.end_of(operation)
    assert ended.error is not None
    assert ended.error.reason == "SERVICE_STOPPING"
    with pytest.raises(UnavailableError):
        engine.submit(lambda _: None)
    closer.join(LIMIT_S)
    assert not closer.is_alive()


def test_only_ended_operations_are_deleted_and_only_so_many_kept() -> None:
    def make(kinds: list[OperationKind], clock: Callable[[], datetime]) -> OperationEngine:
        return InMemoryOperations(kinds, clock=clock, keep=2)

    engine = EngineBench(make)
    release = threading.Event()
    running = engine.submit(lambda _: release.wait(LIMIT_S))
    with pytest.raises(FailedPreconditionError):
        engine.operations.delete(running.id)
    ended = [engine.end_of(engine.submit(lambda _: None)) for _ in range(3)]
    assert {operation.id for operation in engine.operations.find(active=False)} == {ended[1].id, ended[2].id}
    engine.operations.delete(ended[1].id)
    with pytest.raises(NotFoundError):
        engine.operations.get(ended[1].id)
    assert [operation.id for operation in engine.operations.find(active=True)] == [running.id]
    release.set()
    assert engine.operations.close(LIMIT_S)
