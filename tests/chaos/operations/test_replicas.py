"""Several replicas on one PostgreSQL: work of dead ones is taken over, frozen ones do no harm, the database may go."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_operations import Timing
from cse_testing.operations.driver import Job
from cse_testing.operations.supervisor import LIMIT_S, Field, check

TIMING = asdict(
    Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.3, doubt_s=1.5, dead_after_s=3.0, reconcile_s=1.0)
)
DECLARED_DEAD = 75


def held(count: int, **options: object) -> list[Job]:
    return [Job(request_id=f"r{n}", partition=f"p{n}", hold_at="boot@n1", **options) for n in range(count)]  # type: ignore[arg-type]


def let_go(field: Field) -> None:
    field.cloud.ensure("test", "test", "signal", "go")


@pytest.mark.timeout(900)
def test_another_replica_takes_over_from_one_that_was_killed(field_on: Callable[[str], Field]) -> None:
    field = field_on("postgres")
    field.timing = TIMING
    jobs = held(4)
    first = field.start(field.spec(jobs))
    field.wait_for("begin", "boot@n1")
    second = field.start(field.spec([], stays=True))
    first.kill()
    killed = time.monotonic()
    first.wait(LIMIT_S)
    let_go(field)
    field.wait_until_all_ended(jobs)
    assert time.monotonic() - killed < 30
    check(field, jobs)
    assert second.poll() is None


@pytest.mark.timeout(900)
def test_another_replica_takes_over_from_one_whose_main_thread_has_ended(field_on: Callable[[str], Field]) -> None:
    """Python begins no thread in it any more; left to itself it would keep what it cannot run."""
    field = field_on("postgres")
    field.timing = TIMING
    jobs = held(2, hold_blindly=True)
    first = field.start(field.spec(jobs, leaves_at="boot@n1"))
    field.wait_for("begin", "boot@n1", times=len(jobs))
    field.start(field.spec([], stays=True))
    field.wait_for("begin", "boot@n1", times=2 * len(jobs))
    assert first.poll() is None  # its calls have not returned
    let_go(field)
    field.wait_until_all_ended(jobs)
    assert first.wait(LIMIT_S) == 0, field.log()
    check(field, jobs)


@pytest.mark.timeout(900)
def test_a_newer_replica_goes_on_with_what_older_ones_began_when_none_of_them_is_left(
    field_on: Callable[[str], Field],
) -> None:
    field = field_on("postgres")
    field.timing = TIMING
    began = held(2)
    older = field.start(field.spec(began, generation=1))
    field.wait_for("begin", "boot@n1", times=len(began))
    own = [Job(request_id="newer", partition="newer")]
    newer = field.start(field.spec(own, generation=2, stays=True))
    field.wait_for("journaled", "verify")
    assert {each.operation for each in field.cloud.history() if each.process == newer.pid}.isdisjoint(
        {each.operation for each in field.cloud.history() if each.process == older.pid}
    )
    older.kill()
    older.wait(LIMIT_S)
    let_go(field)
    field.wait_until_all_ended(began + own)
    check(field, began + own)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("blindly", [False, True], ids=["polling", "in-a-call"])
def test_a_frozen_replica_that_wakes_up_writes_nothing_and_ends(
    field_on: Callable[[str], Field],
    blindly: bool,
) -> None:
    field = field_on("postgres")
    field.timing = TIMING
    jobs = held(2, hold_blindly=blindly)
    frozen = field.start(field.spec(jobs, stays=True))
    for what, name in (("begin", "boot@n1"), ("journaled", "join@n2")):  # all other branches have nothing left to do
        field.wait_for(what, name, times=len(jobs))
    field.freeze(frozen)
    field.start(field.spec([], stays=True))
    let_go(field)
    before = field.wait_until_all_ended(jobs)
    mark = field.cloud.history()[-1].number
    os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.wait(LIMIT_S) == DECLARED_DEAD, field.log()
    assert field.operations() == before
    by_the_frozen = [h.what for h in field.cloud.history() if h.process == frozen.pid and h.number > mark]
    assert set(by_the_frozen) <= ({"adopted", "effect"} if blindly else set())
    check(field, jobs)


@pytest.mark.timeout(900)
def test_replicas_share_the_work_and_survive_a_crash_of_the_database(
    own_postgres: PrivatePostgres, field_on: Callable[[str], Field]
) -> None:
    field = field_on("postgres")
    field.timing, field.store = TIMING, own_postgres.create_database()
    jobs = [Job(request_id=f"r{n}", partition=f"p{n // 2}", fails=n % 3 == 0) for n in range(40)]
    replicas = [field.start(field.spec(jobs, stays=True, latency_s=0.1, running=4)) for _ in range(2)]
    field.wait_for("begin", "verify")
    own_postgres.crash()
    own_postgres.start()
    field.wait_until_all_ended(jobs)
    assert [replica.poll() for replica in replicas] == [None, None], field.log()
    check(field, jobs)
    assert {happening.process for happening in field.cloud.history()} == {replica.pid for replica in replicas}
