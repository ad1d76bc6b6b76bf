"""The machine's clock jumps: what is at work goes on, and has the time that it was given, no less and no more."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cse_core.errors import CseError
from cse_core.operations import Json, OperationContext, OperationState
from cse_testing.operations.benches import EngineBench, durable, sqlite_url
from cse_testing.waiting import LIMIT_S

GIVEN_S = 60.0
"""How long an operation of the bench may take."""


class Stopwatch:
    """Seconds that go forward when a test says so, whatever the clock does."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def bench(tmp_path: Path, stopwatch: Stopwatch) -> Iterator[EngineBench]:
    made = EngineBench(durable(sqlite_url(tmp_path), elapsed=stopwatch))
    yield made
    made.operations.close(LIMIT_S)


def test_a_clock_that_jumps_ahead_ends_nothing_that_is_at_work(bench: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        bench.now += timedelta(days=365)
        return ctx.step("go on", lambda: "went on")

    ended = bench.end_of(bench.submit(run))
    assert (ended.state, ended.result) == (OperationState.SUCCEEDED, "went on")


def test_the_time_of_what_is_at_work_is_over_all_the_same(bench: EngineBench, stopwatch: Stopwatch) -> None:
    def run(ctx: OperationContext) -> Json:
        bench.now -= timedelta(days=365)
        stopwatch.seconds += GIVEN_S
        return ctx.step("late", lambda: pytest.fail("must not run"))

    ended = bench.end_of(bench.submit(run))
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"


def test_a_clock_that_jumps_ahead_ends_no_rollback(bench: EngineBench, stopwatch: Stopwatch) -> None:
    undone: list[str] = []

    def run(ctx: OperationContext) -> Json:
        stopwatch.seconds += GIVEN_S
        try:
            ctx.check()
        except CseError:
            with ctx.rollback():
                bench.now += timedelta(days=365)
                ctx.step("undo", lambda: undone.append("undone"))
            raise
        return None

    ended = bench.end_of(bench.submit(run))
    assert ended.error is not None
    assert (ended.error.reason, undone) == ("OPERATION_TIMEOUT", ["undone"])


def test_a_clock_that_was_set_back_before_the_turn_of_an_operation_gives_it_no_longer(
    bench: EngineBench, stopwatch: Stopwatch
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: OperationContext) -> Json:
        begun.set()
        return release.wait(LIMIT_S)

    def run(ctx: OperationContext) -> Json:
        stopwatch.seconds += GIVEN_S
        return ctx.step("late", lambda: pytest.fail("must not run"))

    first, second = bench.submit(hold, partition="p"), bench.submit(run, partition="p")
    assert begun.wait(LIMIT_S)
    bench.now -= timedelta(days=365)
    release.set()
    bench.end_of(first)
    ended = bench.end_of(second)
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"
