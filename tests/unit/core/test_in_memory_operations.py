"""The operation engine in memory."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cse_core.errors import (
    CancelledError,
    ConflictError,
    CseError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from cse_core.operations import Json, Operation, OperationContext, OperationKind, OperationRequest, OperationState
from cse_core.operations.in_memory import InMemoryOperations
from cse_core.secret import Secret
from cse_testing.waiting import LIMIT_S

Run = Callable[[OperationContext], Json]


class Engine:
    """An engine whose kinds are functions, with what `finish` was told."""

    def __init__(self, **options: int) -> None:
        self.finished: list[Operation] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.runs: dict[str, Run] = {}
        kind = OperationKind(
            name="TEST", run=lambda ctx: self.runs[str(ctx.input["run"])](ctx), finish=self.finished.append
        )
        self.operations = InMemoryOperations([kind], clock=lambda: self.now, **options)

    def submit(
        self, run: Run, *, partition: str = "p", request_id: str | None = None, owner: str = "acme"
    ) -> Operation:
        key = str(len(self.runs))
        self.runs[key] = run
        request = OperationRequest(
            kind="TEST",
            target="t",
            partition=partition,
            request_id=request_id or f"r{key}",
            owner=owner,
            input={"run": key},
            secrets={"token": Secret("s")},
            deadline=timedelta(minutes=1),
        )
        return self.operations.submit(request)

    def end_of(self, operation: Operation) -> Operation:
        ended = self.operations.wait(operation.id, LIMIT_S)
        assert ended.state.is_final
        return ended


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    assert made.operations.close(LIMIT_S)


def test_an_operation_ends_with_its_result_and_says_so(engine: Engine) -> None:
    def run(ctx: OperationContext) -> Json:
        secret = ctx.secret("token")
        assert secret is not None
        first = ctx.step("first", lambda: 1, message="doing the first")
        ctx.progress("half done", percent=50)
        return {"sum": ctx.step("second", lambda: 2), "first": first}

    ended = engine.end_of(engine.submit(run))
    assert (ended.state, ended.result, ended.progress_percent) == (
        OperationState.SUCCEEDED,
        {"sum": 2, "first": 1},
        100,
    )
    assert [operation.state for operation in engine.finished] == [OperationState.SUCCEEDED]
    events = list(engine.operations.watch(ended.id, 0, is_wanted=lambda: True))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.message for event in events][:4] == ["queued", "started", "doing the first", "half done"]
    assert events[-1].state is OperationState.SUCCEEDED
    assert next(engine.operations.watch(ended.id, 3, is_wanted=lambda: True)).sequence == 3


def test_a_domain_error_fails_it_with_its_reason_and_any_other_hides_its_text(engine: Engine) -> None:
    def refuse(_: OperationContext) -> Json:
        raise ConflictError("busy", reason="BUSY", vapp="a")

    def crash(_: OperationContext) -> Json:
        raise ZeroDivisionError("secret inside")

    failed, crashed = engine.end_of(engine.submit(refuse)), engine.end_of(engine.submit(crash))
    assert failed.error is not None
    assert crashed.error is not None
    assert (failed.error.error_type, failed.error.reason, failed.error.details) == (
        "ConflictError",
        "BUSY",
        {"vapp": "a"},
    )
    assert crashed.error.reason == "INTERNAL"
    assert "secret inside" not in crashed.error.message


def test_a_repeated_request_id_is_the_same_operation_for_the_same_owner_only(engine: Engine) -> None:
    first = engine.submit(lambda _: 1, request_id="same")
    assert engine.submit(lambda _: 2, request_id="same").id == first.id
    with pytest.raises(ConflictError):
        engine.submit(lambda _: 3, request_id="same", owner="globex")


def test_operations_of_one_partition_run_in_order_and_those_of_others_meanwhile(engine: Engine) -> None:
    release, order = threading.Event(), list[str]()

    def wait(_: OperationContext) -> Json:
        assert release.wait(LIMIT_S)
        order.append("first")
        return None

    first = engine.submit(wait)
    second = engine.submit(lambda _: order.append("second"))
    other = engine.submit(lambda _: order.append("other"), partition="q")
    engine.end_of(other)
    assert engine.operations.get(second.id).state is OperationState.QUEUED
    release.set()
    engine.end_of(first), engine.end_of(second)
    assert order == ["other", "first", "second"]


def test_cancelling_ends_a_waiting_branch_and_rolls_back(engine: Engine) -> None:
    waiting, undone = threading.Event(), list[str]()

    def branch(ctx: OperationContext) -> Json:
        waiting.set()
        return ctx.wait_for("never")

    def run(ctx: OperationContext) -> Json:
        try:
            return dict(ctx.parallel({"n1": branch}))
        except CseError:
            with ctx.rollback():
                ctx.check()  # neither cancellation nor the deadline hinders taking back
                ctx.step("undo", lambda: undone.append("n1"))
            raise

    operation = engine.submit(run)
    assert waiting.wait(LIMIT_S)
    engine.operations.cancel(operation.id)
    ended = engine.end_of(operation)
    assert (ended.state, undone) == (OperationState.CANCELLED, ["n1"])
    states = [event.state for event in engine.operations.watch(operation.id, 0, is_wanted=lambda: True)]
    assert states[-1] is OperationState.CANCELLED


def test_a_queued_operation_is_cancelled_at_once_and_finished(engine: Engine) -> None:
    release = threading.Event()
    first = engine.submit(lambda _: release.wait(LIMIT_S))
    second = engine.submit(lambda _: pytest.fail("must not run"))
    engine.operations.cancel(second.id)
    assert engine.end_of(second).state is OperationState.CANCELLED
    assert [operation.id for operation in engine.finished] == [second.id]
    release.set()
    engine.end_of(first)


def test_a_failing_branch_ends_its_siblings_and_its_error_counts(engine: Engine) -> None:
    told, waiting = list[str](), threading.Event()

    def fails(_: OperationContext) -> Json:
        assert waiting.wait(LIMIT_S)
        raise NotFoundError("no such disk")

    def waits(ctx: OperationContext) -> Json:
        waiting.set()
        try:
            return ctx.wait_for("never")
        except CancelledError as exc:
            told.append(exc.code)
            raise

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"a": waits, "b": fails}))))
    assert ended.error is not None
    assert (ended.error.message, told) == ("no such disk", ["SIBLING_FAILED"])


def test_branches_get_what_earlier_ones_publish(engine: Engine) -> None:
    def control_plane(ctx: OperationContext) -> Json:
        ctx.publish("endpoint", "10.0.0.2")
        return "up"

    def worker(ctx: OperationContext) -> Json:
        return ctx.wait_for("endpoint")

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"m": control_plane, "n": worker}))))
    assert ended.result == {"m": "up", "n": "10.0.0.2"}


def test_an_operation_past_its_deadline_fails(engine: Engine) -> None:
    def run(ctx: OperationContext) -> Json:
        engine.now += timedelta(minutes=2)
        return ctx.step("late", lambda: pytest.fail("must not run"))

    ended = engine.end_of(engine.submit(run))
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"


def test_closing_refuses_new_work_and_interrupts_what_does_not_end() -> None:
    engine = Engine()
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
    engine = Engine(keep=2)
    release = threading.Event()
    running = engine.submit(lambda _: release.wait(LIMIT_S), partition="other")
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
