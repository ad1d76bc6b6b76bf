"""What the engines promise that outlive their process: nothing accepted is lost, nothing done is done again."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cse_core.errors import ConflictError, CseError, NotFoundError
from cse_core.operations import Json, OperationContext, OperationState
from cse_testing.operations.benches import EngineBench, durable, sqlite_url
from cse_testing.waiting import LIMIT_S, Halt, wait_until


class Interrupted:
    """Work in steps that a restart cuts off within the step `at`; counts how often each was begun."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.begun: dict[str, int] = {}
        self.reached = threading.Event()
        self.go_on = False

    def step(self, ctx: OperationContext, name: str, result: Json = None) -> Json:
        def action() -> Json:
            self.begun[name] = self.begun.get(name, 0) + 1
            if name == self.at and not self.go_on:
                self.reached.set()
                while True:
                    ctx.pause(60)
            return result

        return ctx.step(name, action)

    def cut_off(self, engine: EngineBench, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Restarts the engine when the step is reached; it does not stop there again."""
        assert self.reached.wait(LIMIT_S)
        meanwhile()
        self.go_on = True
        engine.restart()


def test_ended_steps_are_not_taken_again_and_the_one_cut_off_is(lasting: EngineBench) -> None:
    work = Interrupted(at="second")

    def run(ctx: OperationContext) -> Json:
        results = [work.step(ctx, name, {"of": name}) for name in ("first", "second", "third")]
        ctx.progress("all done")
        return results

    operation = lasting.submit(run)
    work.cut_off(lasting)
    ended = lasting.end_of(operation)
    assert ended.result == [{"of": "first"}, {"of": "second"}, {"of": "third"}]
    assert work.begun == {"first": 1, "second": 2, "third": 1}
    assert [event.message for event in lasting.events_of(ended)] == [
        "queued",
        "started",
        "taken up again",
        "all done",
        "all done",
    ]
    assert len(lasting.finished) == 1


def test_queued_operations_run_after_a_restart_in_their_order(lasting: EngineBench) -> None:
    work, order = Interrupted(at="wait"), list[str]()
    first = lasting.submit(lambda ctx: work.step(ctx, "wait"), partition="p")
    rest = [
        lasting.submit(lambda ctx, n=n: ctx.step("note", lambda: order.append(n)), partition="p")  # type: ignore[misc]
        for n in "abc"
    ]
    work.cut_off(lasting)
    for operation in (first, *rest):
        assert lasting.end_of(operation).state is OperationState.SUCCEEDED
    assert order == ["a", "b", "c"]


def test_what_does_not_end_with_the_engine_writes_no_more_and_is_done_again(lasting: EngineBench) -> None:
    stuck, released, ended, tries = threading.Event(), threading.Event(), threading.Event(), list[str]()

    def call_vcd() -> Json:
        tries.append("call")
        if len(tries) == 1:
            stuck.set()
            released.wait(LIMIT_S)
            raise OSError("its session was closed")
        return "done"

    def run(ctx: OperationContext) -> Json:
        try:
            return ctx.step("call vCD", call_vcd)
        finally:
            ended.set()

    operation = lasting.submit(run)
    assert stuck.wait(LIMIT_S)
    assert not lasting.operations.close(0)
    released.set()
    assert ended.wait(LIMIT_S)
    lasting.restart()
    assert lasting.end_of(operation).result == "done"
    assert len(tries) == 2


def test_an_engine_that_ends_leaves_to_others_what_is_queued(tmp_path: Path) -> None:
    """However long it takes to end: what it took would wait for that."""
    bench = EngineBench(durable(sqlite_url(tmp_path), running=2))
    short, long = Halt("the short one"), Halt("the long one")
    at_work = [bench.submit(lambda _, halt=halt: halt.stay()) for halt in (short, long)]  # type: ignore[misc]
    for halt in (short, long):
        halt.wait_until_reached()
    queued = bench.submit(lambda _: "done")
    with ThreadPoolExecutor(1) as threads:
        ending = threads.submit(bench.operations.close, LIMIT_S)
        wait_until(lambda: bench.operations._runner._stopping, "the engine to begin its end")  # type: ignore[attr-defined]
        short.let_go()
        wait_until(lambda: len(bench.operations._runner.workflows()) == 1, "a place to be free")  # type: ignore[attr-defined]
        long.let_go()
        assert ending.result(LIMIT_S)
    store = sqlite3.connect(tmp_path / "operations.db")
    found = store.execute("SELECT status FROM workflow_status WHERE workflow_uuid = ?", (queued.id,)).fetchall()
    store.close()
    assert found == [("ENQUEUED",)]
    bench.operations = bench._start()
    for each in (*at_work, queued):
        assert bench.end_of(each).state is OperationState.SUCCEEDED
    assert bench.operations.close(LIMIT_S)


def test_branches_go_on_and_still_know_what_was_published(lasting: EngineBench) -> None:
    work = Interrupted(at="join")

    def control_plane(ctx: OperationContext) -> Json:
        address = work.step(ctx, "init", "10.0.0.2")
        ctx.publish("endpoint", address)
        return address

    def worker(ctx: OperationContext) -> Json:
        return work.step(ctx, "join", [ctx.wait_for("endpoint")])

    operation = lasting.submit(lambda ctx: dict(ctx.parallel({"m": control_plane, "n": worker})))
    work.cut_off(lasting)
    assert lasting.end_of(operation).result == {"m": "10.0.0.2", "n": ["10.0.0.2"]}
    assert work.begun == {"init": 1, "join": 2}


def test_a_step_that_failed_fails_again_without_being_taken(lasting: EngineBench) -> None:
    work = Interrupted(at="undo 2")
    tries = list[str]()

    def refuse() -> Json:
        tries.append("step")
        raise ConflictError("busy", reason="BUSY", vapp="v")

    def run(ctx: OperationContext) -> Json:
        try:
            work.step(ctx, "make", "v1")
            return ctx.step("fail", refuse)
        except CseError as exc:
            with ctx.rollback():
                work.step(ctx, "undo 1")
                work.step(ctx, "undo 2")
            raise ConflictError(f"{exc.message}, taken back", reason=exc.code, **exc.details) from exc

    operation = lasting.submit(run)
    work.cut_off(lasting)
    ended = lasting.end_of(operation)
    assert ended.error is not None
    assert (ended.error.message, ended.error.reason, ended.error.details) == (
        "busy, taken back",
        "BUSY",
        {"vapp": "v"},
    )
    assert (tries, work.begun) == (["step"], {"make": 1, "undo 1": 1, "undo 2": 2})


@pytest.mark.parametrize("in_branch", [False, True])
def test_once_rolling_back_nothing_goes_forward_after_a_restart(lasting: EngineBench, in_branch: bool) -> None:
    work, at_work, forward = Interrupted(at="undo"), threading.Event(), list[str]()

    def wait(ctx: OperationContext) -> Json:
        work.step(ctx, "make", "v1")
        at_work.set()
        if not work.go_on:
            ctx.pause(3600)  # cancelled here; in a second run nothing would keep it from going on
        return ctx.step("more", lambda: forward.append("more"))

    def run(ctx: OperationContext) -> Json:
        made = None
        try:
            if in_branch:
                return dict(ctx.parallel({"n": wait}))
            made = work.step(ctx, "name", "v1")
            return wait(ctx)
        except CseError:
            with ctx.rollback():
                work.step(ctx, "undo", made)
            raise

    operation = lasting.submit(run)
    assert at_work.wait(LIMIT_S)
    lasting.operations.cancel(operation.id)
    work.cut_off(lasting)
    assert lasting.end_of(operation).state is OperationState.CANCELLED
    assert forward == []
    assert work.begun["make"] == 1
    assert work.begun["undo"] == 2


def test_what_was_cancelled_while_nobody_ran_it_rolls_back_what_was_made(lasting: EngineBench) -> None:
    """Replaying goes on to where the run was, so that the code knows what to take back."""
    work, undone = Interrupted(at="third"), list[Json]()

    def run(ctx: OperationContext) -> Json:
        made = None
        try:
            made = work.step(ctx, "first", "v1")
            ctx.check()
            work.step(ctx, "second")
            ctx.pause(0.001)
            return work.step(ctx, "third")
        except CseError:
            with ctx.rollback():
                ctx.step("undo", lambda: undone.append(made))
            raise

    operation = lasting.submit(run)
    assert work.reached.wait(LIMIT_S)
    lasting.operations.close(LIMIT_S)
    other = EngineBench(lambda *_: lasting._make([], lambda: lasting.now))
    other.operations.cancel(operation.id)
    other.operations.close(LIMIT_S)
    lasting.restart()
    assert lasting.end_of(operation).state is OperationState.CANCELLED
    assert undone == ["v1"]
    assert work.begun == {"first": 1, "second": 1, "third": 2}


def test_the_ledger_survives(lasting: EngineBench) -> None:
    work = Interrupted(at="wait")

    def run(ctx: OperationContext) -> Json:
        ctx.creating("vapp", "v1")
        work.step(ctx, "wait")
        return [entry.key for entry in ctx.created()]

    operation = lasting.submit(run)
    work.cut_off(lasting)
    assert lasting.end_of(operation).result == ["v1"]


def test_a_queued_operation_does_not_wait_for_its_turn_to_fail_by_its_deadline(lasting: EngineBench) -> None:
    started, release = threading.Event(), threading.Event()

    def hold(_: OperationContext) -> Json:
        started.set()
        return release.wait(LIMIT_S)

    first = lasting.submit(hold, partition="p")
    second = lasting.submit(lambda _: pytest.fail("must not run"), partition="p")
    assert started.wait(LIMIT_S)
    lasting.now += timedelta(minutes=2)
    ended = lasting.end_of(second)
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"
    assert [operation.id for operation in lasting.finished] == [second.id]
    release.set()
    lasting.end_of(first)


def test_a_request_id_is_known_after_a_restart(lasting: EngineBench) -> None:
    first = lasting.end_of(lasting.submit(lambda _: 1, request_id="same"))
    lasting.restart()
    assert lasting.submit(lambda _: 2, request_id="same") == first


def test_ended_operations_are_forgotten_after_the_retention_time(lasting: EngineBench) -> None:
    old = lasting.end_of(lasting.submit(lambda _: None))
    lasting.now += timedelta(days=20)
    young = lasting.end_of(lasting.submit(lambda _: None))
    lasting.now += timedelta(days=20)
    lasting.restart()  # which looks at once
    wait_until(lambda: [each.id for each in lasting.operations.find()] == [young.id], "the old one to be forgotten")
    with pytest.raises(NotFoundError):
        lasting.operations.get(old.id)
    assert lasting.operations.get(young.id) == young


def test_what_older_code_began_is_ended_by_newer_code_in_its_order(tmp_path: Path) -> None:
    url, key = sqlite_url(tmp_path), Fernet.generate_key().decode()
    bench = EngineBench(durable(url, key=key, generation=1))
    work, order = Interrupted(at="second"), list[str]()

    def run(ctx: OperationContext) -> Json:
        work.step(ctx, "first")
        work.step(ctx, "second")
        order.append("first operation")
        return None

    began = bench.submit(run, partition="p")
    queued = bench.submit(lambda _: order.append("second operation"), partition="p")
    bench._make = durable(url, key=key, generation=2)
    work.cut_off(bench)
    for operation in (began, queued):
        assert bench.end_of(operation).state is OperationState.SUCCEEDED
    assert work.begun == {"first": 1, "second": 2}
    assert order == ["first operation", "second operation"]
    assert bench.operations.close(LIMIT_S)


def test_older_code_leaves_alone_what_newer_code_began(tmp_path: Path) -> None:
    url, key = sqlite_url(tmp_path), Fernet.generate_key().decode()
    bench = EngineBench(durable(url, key=key, generation=2))
    work = Interrupted(at="wait")
    operation = bench.submit(lambda ctx: work.step(ctx, "wait"))
    bench._make = durable(url, key=key, generation=1)
    work.cut_off(bench)
    assert bench.end_of(bench.submit(lambda _: 1)).result == 1
    assert not bench.operations.wait(operation.id, 1).state.is_final
    assert work.begun == {"wait": 1}
    bench._make = durable(url, key=key, generation=2)
    bench.restart()
    assert bench.end_of(operation).state is OperationState.SUCCEEDED
    assert bench.operations.close(LIMIT_S)


def test_an_operation_that_ends_its_process_every_time_is_given_up(tmp_path: Path) -> None:
    bench = EngineBench(durable(sqlite_url(tmp_path), most_stalled_runs=3))
    runs, undone = list[int](), list[str]()

    def run(ctx: OperationContext) -> Json:
        runs.append(1)
        try:
            return ctx.step("deadly", die)
        except CseError:
            with ctx.rollback():
                ctx.step("undo", lambda: undone.append("made"))
            raise

    def die() -> Json:
        raise Killed

    class Killed(BaseException):
        """Ends the run as the end of its process would: nothing is written any more."""

    ended = bench.end_of(bench.submit(run))
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_KEEPS_CRASHING"
    assert (len(runs), undone) == (4, ["made"])
    assert bench.operations.close(LIMIT_S)
