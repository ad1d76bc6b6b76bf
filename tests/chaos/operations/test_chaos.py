"""What takes too long for every run: `make chaos-operations`. Nothing here is faster than in production."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_operations import Timing
from cse_testing.chaos.kills import SEED
from cse_testing.chaos.report import Row
from cse_testing.operations.driver import ENGINE_POINTS, MOMENTS, NOT_STARTED, STEPS, Job, Spec
from cse_testing.operations.supervisor import LIMIT_S, Field, check, kill_at_every
from cse_testing.waiting import wait_until

ALL_POINTS = [*(f"{step}:{moment}" for step in STEPS for moment in MOMENTS), *ENGINE_POINTS]
DATABASE_AWAY_S = 20.0
DECLARED_DEAD = 75
RANDOM_KILLS = 25
RANDOM_FREEZES = 9
TAKEN_OVER_WITHIN_S = 30.0


def jobs(count: int, **options: object) -> list[Job]:
    return [
        Job(request_id=f"r{n}", partition=f"p{n // 3}", fails=n % 4 == 0, **options)  # type: ignore[arg-type]
        for n in range(count)
    ]


Tell = Callable[[list[Row]], None]


def row(name: str, store: str, *, operations: int, disturbed: int) -> list[Row]:
    """Of operations of the engine's own tests, which were checked."""
    return [Row(test=f"engine: {name}", store=store, kind="build", operations=operations, disturbed=disturbed)]


def revive(field: Field, replicas: list["subprocess.Popen[bytes]"], spec: Spec) -> None:
    """Starts those again that ended because they were declared dead, as all of them may be where the machine stalls."""
    for number, replica in enumerate(replicas):
        if replica.poll() is not None:
            assert replica.returncode in (DECLARED_DEAD, NOT_STARTED), field.log()
            replicas[number] = field.start(spec)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("half", [0, 1])
def test_one_operation_after_the_other_survives_a_kill_at_every_point(
    half: int, field_on: Callable[[str], Field], tell: Tell
) -> None:
    """Alone in its process each."""
    field = field_on("sqlite")
    points = ALL_POINTS[half::2]
    work = [
        Job(request_id=point, partition="p", fails="undo" in point or number % 2 == 0, kill_at=point)
        for number, point in enumerate(points)
    ]
    for job in work:
        assert field.run_to_the_end(field.spec([job]), most_starts=3) == 1
    assert {point for _, point in field.cloud.kills()} == set(points)
    check(field, work)
    tell(row("killed at every point", "sqlite", operations=len(work), disturbed=len(work)))


@pytest.mark.timeout(1800)
def test_many_operations_survive_a_kill_at_every_point(field_on: Callable[[str], Field], tell: Tell) -> None:
    """All in one process."""
    kill_at_every(ALL_POINTS, field_on("postgres"))
    tell(row("killed at every point", "postgres", operations=len(ALL_POINTS), disturbed=len(ALL_POINTS)))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_random_kills(store: str, field_on: Callable[[str], Field], tell: Tell) -> None:
    """One replica on SQLite, three on PostgreSQL, killed and started again at random; 60 operations."""
    chance = random.Random(SEED)
    field = field_on(store)
    work = jobs(60)
    field.timing = asdict(Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.5, doubt_s=2, dead_after_s=4))
    spec = field.spec(work, stays=True, latency_s=0.05, running=6)
    replicas = [field.start(spec) for _ in range(1 if store == "sqlite" else 3)]
    for _ in range(RANDOM_KILLS):
        time.sleep(chance.uniform(0.5, 4))
        victim = chance.randrange(len(replicas))
        replicas[victim].kill()
        replicas[victim].wait(LIMIT_S)
        replicas[victim] = field.start(spec)
    field.wait_until_all_ended(work, meanwhile=lambda: revive(field, replicas, spec))
    check(field, work)
    tell(row("killed at random", store, operations=len(work), disturbed=RANDOM_KILLS))


@pytest.mark.timeout(900)
def test_a_dead_replica_is_replaced_within_30_s_as_it_is_deployed(field_on: Callable[[str], Field], tell: Tell) -> None:
    field = field_on("postgres")
    field.timing = asdict(Timing())
    work = [Job(request_id=f"r{n}", partition=f"p{n}", hold_at="boot@n1") for n in range(8)]
    first = field.start(field.spec(work))
    field.wait_for("begin", "boot@n1", times=len(work))
    second = field.start(field.spec([], stays=True))
    first.kill()
    killed = time.monotonic()
    first.wait(LIMIT_S)
    wait_until(
        lambda: any(each.process == second.pid for each in field.cloud.history()),
        "the other one to take up what was held",
        seen=field.log,
        within_s=LIMIT_S,
    )
    assert time.monotonic() - killed < TAKEN_OVER_WITHIN_S
    field.cloud.ensure("test", "test", "signal", "go")
    field.wait_until_all_ended(work)
    check(field, work)
    tell(row("taken over", "postgres", operations=len(work), disturbed=len(work)))


@pytest.mark.timeout(900)
def test_replicas_outlast_a_database_that_is_away(
    own_postgres: PrivatePostgres, field_on: Callable[[str], Field], tell: Tell
) -> None:
    field = field_on("postgres")
    field.timing, field.store = asdict(Timing()), own_postgres.create_database()
    work = jobs(40)
    replicas = [field.start(field.spec(work, stays=True, latency_s=0.3, running=8)) for _ in range(2)]
    field.wait_for("begin", "verify")
    own_postgres.crash()
    time.sleep(DATABASE_AWAY_S)  # this is the condition: away for so long
    own_postgres.start()
    field.wait_until_all_ended(work)
    assert [replica.poll() for replica in replicas] == [None, None], field.log()
    check(field, work)
    tell(row(f"database away for {DATABASE_AWAY_S:.0f} s", "postgres", operations=len(work), disturbed=1))


@pytest.mark.timeout(1800)
def test_replicas_freeze_and_wake_up_at_random(field_on: Callable[[str], Field], tell: Tell) -> None:
    """Long enough to be declared dead, or not; one that was ends and is started again.

    One that is frozen while it starts may find that the database has hung up, and is started again, too.
    """
    chance = random.Random(SEED)
    field = field_on("postgres")
    field.timing = asdict(Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.5, doubt_s=1.5, dead_after_s=3))
    work = jobs(60)
    spec = field.spec(work, stays=True, latency_s=0.05, running=6)
    replicas = [field.start(spec) for _ in range(3)]
    for _ in range(RANDOM_FREEZES):
        time.sleep(chance.uniform(0.2, 2))
        victim = chance.randrange(len(replicas))
        field.freeze(replicas[victim])
        time.sleep(chance.uniform(0.2, 8))
        os.kill(replicas[victim].pid, signal.SIGCONT)
        revive(field, replicas, spec)
    field.wait_until_all_ended(work, meanwhile=lambda: revive(field, replicas, spec))
    check(field, work)
    tell(row("frozen at random", "postgres", operations=len(work), disturbed=RANDOM_FREEZES))
