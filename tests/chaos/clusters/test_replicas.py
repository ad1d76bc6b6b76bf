"""Several replicas on one PostgreSQL: one dies or freezes amid operations of every kind, the database goes away."""

import time
from collections.abc import Callable

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_testing.chaos.field import AS_DEPLOYED, BRISK, DECLARED_DEAD, LIMIT_S, Field, open_field
from cse_testing.chaos.life import KINDS
from cse_testing.chaos.plan import read_history
from cse_testing.chaos.report import Row
from cse_testing.chaos.rounds import Round

TAKEN_OVER_WITHIN_S = 30.0
AWAY_S = 20.0

Tell = Callable[[list[Row]], None]


@pytest.mark.timeout(600)
def test_another_replica_takes_over_within_30_s_as_it_is_deployed(field_on: Callable[[str], Field], tell: Tell) -> None:
    field = field_on("postgres")
    field.timing = AS_DEPLOYED
    work = Round(field, "taken over")
    work.plan()
    first = field.start()
    work.prepare()
    work.begin()
    work.wait_until_held()
    second = field.start()
    first.kill()
    killed = time.monotonic()
    field.retire(first)
    field.wait_until(lambda: work.begun_by(second.pid) == set(KINDS), "the other one to take up all of them")
    assert time.monotonic() - killed < TAKEN_OVER_WITHIN_S
    tell(work.end())
    assert second.wait(0) is None


@pytest.mark.timeout(600)
def test_a_frozen_replica_changes_nothing_when_it_wakes_up(field_on: Callable[[str], Field], tell: Tell) -> None:
    field = field_on("postgres")
    field.timing = BRISK
    work = Round(field, "frozen and replaced")
    work.plan()
    frozen = field.start()
    work.prepare()
    work.begin()
    work.wait_until_held()
    frozen.freeze()
    field.retire(frozen)
    field.start()
    rows = work.end()
    mark = time.monotonic()
    work.let_go()
    frozen.thaw()
    assert frozen.wait(LIMIT_S) == DECLARED_DEAD, field.log()
    woken = [each.point for each in read_history(field.plan) if each.process == frozen.pid and each.time > mark]
    assert [point for point in woken if point.endswith((":sent", ":started", ":effect", ":after"))] == []
    work.check()
    tell(rows)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("away_s", [0.0, AWAY_S], ids=["crash-restart", "away-20-s"])
def test_operations_outlast_their_database(own_postgres: PrivatePostgres, tell: Tell, away_s: float) -> None:
    with open_field(own_postgres.create_database()) as field:
        field.timing = AS_DEPLOYED
        work = Round(field, f"database away for {away_s:.0f} s")
        work.plan()
        replicas = [field.start() for _ in range(2)]
        work.prepare()
        work.begin()
        work.wait_until_held()
        own_postgres.crash()
        work.let_go()
        time.sleep(away_s)  # this is the condition: away for so long
        own_postgres.start()
        tell(work.end())
        assert [replica.wait(0) for replica in replicas] == [None, None], field.log()
