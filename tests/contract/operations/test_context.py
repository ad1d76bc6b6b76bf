"""What every operation engine promises to the code of operations."""

import threading

import pytest

from cse_core.errors import CancelledError, CseError, InternalError, NotFoundError
from cse_core.operations import Json, OperationContext, OperationState
from cse_testing.operations.benches import EngineBench
from cse_testing.waiting import LIMIT_S


def test_cancelling_ends_a_waiting_branch_and_rolls_back(engine: EngineBench) -> None:
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
                states.append(engine.operations.get(ctx.operation_id).state)
            raise

    states = list[OperationState]()
    operation = engine.submit(run)
    assert waiting.wait(LIMIT_S)
    engine.operations.cancel(operation.id)
    ended = engine.end_of(operation)
    assert (ended.state, undone, states) == (OperationState.CANCELLED, ["n1"], [OperationState.ROLLING_BACK])
    assert engine.events_of(ended)[-1].state is OperationState.CANCELLED


@pytest.mark.parametrize("waits", ["pause", "poll"])
def test_cancelling_ends_pauses_and_polling_loops(engine: EngineBench, waits: str) -> None:
    begun = threading.Event()

    def pause(ctx: OperationContext) -> Json:
        begun.set()
        ctx.pause(3600)
        return None

    def poll(ctx: OperationContext) -> Json:
        begun.set()
        while True:
            ctx.check()
            ctx.pause(0.01)

    run = pause if waits == "pause" else poll
    operation = engine.submit(lambda ctx: ctx.step("wait", lambda: run(ctx)))
    assert begun.wait(LIMIT_S)
    engine.operations.cancel(operation.id)
    ended = engine.end_of(operation)
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_CANCELLED"


def test_a_failing_branch_ends_its_siblings_and_its_error_counts(engine: EngineBench) -> None:
    told, waiting = list[str](), threading.Event()

    def fails(_: OperationContext) -> Json:
        assert waiting.wait(LIMIT_S)
        raise NotFoundError("no such disk", disk="d")

    def waits(ctx: OperationContext) -> Json:
        waiting.set()
        try:
            return ctx.step("wait", lambda: ctx.wait_for("never"))
        except CancelledError as exc:
            told.append(exc.code)
            raise

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"a": waits, "b": fails}))))
    assert ended.error is not None
    assert (ended.error.message, ended.error.details, told) == ("no such disk", {"disk": "d"}, ["SIBLING_FAILED"])


def test_a_crash_in_a_branch_is_its_failure_and_hides_its_text(engine: EngineBench) -> None:
    def crashes(_: OperationContext) -> Json:
        raise KeyError("secret inside")

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"a": crashes}))))
    assert ended.error is not None
    assert ended.error.reason == "INTERNAL"
    assert "secret inside" not in ended.error.message


def test_branches_get_what_earlier_ones_publish(engine: EngineBench) -> None:
    def control_plane(ctx: OperationContext) -> Json:
        ctx.publish("endpoint", {"ip": "10.0.0.2"})
        return "up"

    def worker(ctx: OperationContext) -> Json:
        return ctx.wait_for("endpoint")

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"m": control_plane, "n": worker}))))
    assert ended.result == {"m": "up", "n": {"ip": "10.0.0.2"}}


def test_more_branches_than_threads_all_run(engine: EngineBench) -> None:
    def branch(ctx: OperationContext) -> Json:
        return ctx.step("work", lambda: 1)

    many = {f"n{number}": branch for number in range(200)}
    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel(many))))
    assert ended.result == dict.fromkeys(many, 1)


def test_branches_run_side_by_side(engine: EngineBench) -> None:
    barrier = threading.Barrier(8)

    def branch(ctx: OperationContext) -> Json:
        return ctx.step("meet", lambda: barrier.wait(LIMIT_S) >= 0)

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({f"n{n}": branch for n in range(8)}))))
    assert ended.state is OperationState.SUCCEEDED


def test_events_name_the_step_and_the_node(engine: EngineBench) -> None:
    def branch(ctx: OperationContext) -> Json:
        ctx.step("join", lambda: None, message="joining")
        return None

    ended = engine.end_of(engine.submit(lambda ctx: dict(ctx.parallel({"n1": branch}))))
    told = [(event.node, event.step, event.message) for event in engine.events_of(ended)]
    assert told[2:-1] == [("n1", "join", "joining")]


def test_an_operation_past_its_deadline_fails(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        engine.now = ctx_deadline
        return ctx.step("late", lambda: pytest.fail("must not run"))

    ctx_deadline = engine.now.replace(year=engine.now.year + 1)
    ended = engine.end_of(engine.submit(run))
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"


def test_rolling_back_goes_on_past_the_deadline_but_not_for_ever(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        engine.now = engine.now.replace(year=engine.now.year + 1)
        try:
            ctx.check()
        except CseError:
            with ctx.rollback():
                ctx.step("undo", lambda: None)
                engine.now = engine.now.replace(year=engine.now.year + 1)
                ctx.step("late", lambda: pytest.fail("must not run"))
        return None

    ended = engine.end_of(engine.submit(run))
    assert ended.error is not None
    assert ended.error.reason == "ROLLBACK_TIMEOUT"


def test_a_step_name_is_used_once_each_way(engine: EngineBench) -> None:
    def fine(ctx: OperationContext) -> Json:
        try:
            ctx.step("same", lambda: None)
            raise NotFoundError("gone")
        except NotFoundError:
            with ctx.rollback():
                ctx.step("same", lambda: None)
        return "fine"

    def twice(ctx: OperationContext) -> Json:
        ctx.step("same", lambda: 1)
        return ctx.step("same", lambda: 2)

    assert engine.end_of(engine.submit(fine)).result == "fine"
    ended = engine.end_of(engine.submit(twice))
    assert ended.error is not None
    assert ended.error.reason == "INTERNAL"


def test_a_steps_error_reaches_its_code(engine: EngineBench) -> None:
    def refuse() -> Json:
        raise NotFoundError("no vApp", reason="VAPP_GONE", vapp="v")

    def run(ctx: OperationContext) -> Json:
        try:
            return ctx.step("look", refuse)
        except NotFoundError as exc:
            return [exc.code, exc.message, dict(exc.details)]

    assert engine.end_of(engine.submit(run)).result == ["VAPP_GONE", "no vApp", {"vapp": "v"}]


@pytest.mark.parametrize("in_branch", [False, True], ids=["top", "branch"])
def test_a_mistake_in_a_step_is_rolled_back_like_any_failure(engine: EngineBench, in_branch: bool) -> None:
    undone = list[str]()

    def mistake() -> Json:
        raise KeyError("secret inside")

    def crash(ctx: OperationContext) -> Json:
        return ctx.step("crash", mistake)

    def run(ctx: OperationContext) -> Json:
        try:
            return dict(ctx.parallel({"n1": crash})) if in_branch else crash(ctx)
        except InternalError:
            with ctx.rollback():
                ctx.step("undo", lambda: undone.append("crash"))
            raise

    ended = engine.end_of(engine.submit(run))
    assert (ended.state, undone) == (OperationState.FAILED, ["crash"])
    assert ended.error is not None
    assert (ended.error.reason, ended.error.error_type) == ("INTERNAL", "InternalError")
    assert ended.id in ended.error.message
    assert "secret inside" not in ended.error.message


def test_what_an_operation_made_is_known_until_it_is_removed(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        for key in ("v1", "v2", "v1"):
            ctx.creating("vapp", key)
        ctx.creating("disk", "v1")
        made = [(entry.kind, entry.key) for entry in ctx.created()]
        assert sorted(made) == [("disk", "v1"), ("vapp", "v1"), ("vapp", "v2")]
        ctx.removed("vapp", "v1")
        ctx.removed("vapp", "never there")
        raise NotFoundError("failed")

    ended = engine.end_of(engine.submit(run))
    left = {(entry.kind, entry.key) for entry in engine.operations.ledger(ended.id)}
    assert left == {("vapp", "v2"), ("disk", "v1")}
    assert {entry.operation_id for entry in engine.operations.ledger()} == {ended.id}
    assert engine.operations.ledger("unknown") == []


def test_what_a_successful_operation_made_is_in_nobodys_way(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        ctx.creating("vapp", "v1")
        return None

    engine.end_of(engine.submit(run))
    assert engine.operations.ledger() == []
