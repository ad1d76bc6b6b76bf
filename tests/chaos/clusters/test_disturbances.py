"""vCD and vCenter misbehave while operations of every kind are at work; all end as if they had not."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from cse_testing.chaos.field import Field
from cse_testing.chaos.kills import clean_life, deal_out, live_many
from cse_testing.chaos.life import KINDS, LIFE, Act
from cse_testing.chaos.plan import LOGOUT
from cse_testing.chaos.report import Row
from cse_testing.chaos.rounds import Round
from vcd_simulator.faults import BusyEntity, ConnectionReset, Effect, HttpError

LANES = 4
TIMEOUT_S = 2.0
AWAY_S = 60.0
STORMS_S = 60.0

Tell = Callable[[list[Row]], None]


def rows_of(name: str, field: Field, lanes: int) -> list[Row]:
    """Of whole lives that went well."""
    injected = sum(fault.injected for fault in field.vcd.faults)
    counts = {kind: lanes * sum(act.kind == kind for act in LIFE) for kind in KINDS}
    share = injected // sum(counts.values())
    return [
        Row(test=name, kind=kind, operations=n, disturbed=n * share, ended=n, right=n) for kind, n in counts.items()
    ]


@pytest.mark.timeout(900)
def test_a_tenth_of_all_calls_fails(field_on: Callable[..., Field], tell: Tell) -> None:
    """Errors of the server, connections that break before and after the work is done, and answers that never come."""
    field = field_on("sqlite")
    field.read_timeout_s = TIMEOUT_S
    faults = field.vcd.faults
    errors: tuple[Effect, ...] = (
        *(HttpError(status=500), HttpError(status=503)),
        *(ConnectionReset(), ConnectionReset(after=True)),
    )
    for seed, error in enumerate(errors):
        faults.add(route="/api/*", error=error, times=None, chance=0.0225, seed=seed)
    faults.add(route="/api/*", delay_s=2 * TIMEOUT_S, times=None, chance=0.01, seed=9)
    live_many(field, [{}] * LANES, "")
    tell(rows_of("10 % of vCD's calls fail", field, LANES))


@pytest.mark.timeout(900)
def test_everything_is_busy_again_and_again(field_on: Callable[..., Field], tell: Tell) -> None:
    """vCD refuses half of all changes as busy, at once or once their task starts, and all of them for a while."""
    field = field_on("sqlite")
    faults = field.vcd.faults
    faults.add(method="POST", route="/api/vApp/*", error=BusyEntity(), times=None, chance=0.5, seed=1)
    faults.add(method="DELETE", route="/api/vApp/*", error=BusyEntity(), times=None, chance=0.5, seed=2)
    for seed, task in enumerate(("vdcRecompose*", "vdcDelete*", "vdcUpdate*", "vapp*", "vm*"), start=3):
        faults.add(task=task, error=BusyEntity(), times=None, chance=0.2, seed=seed)
    ended = threading.Event()

    def storms() -> None:
        while not ended.wait(5):
            storm = faults.add(method="POST", route="/api/vApp/*", error=BusyEntity(), times=None)
            ended.wait(15)
            faults.remove(storm)

    thread = threading.Thread(target=storms)
    thread.start()
    try:
        live_many(field, [{}] * LANES, "")
    finally:
        ended.set()
        thread.join()
    tell(rows_of("BUSY_ENTITY storms", field, LANES))


@pytest.mark.timeout(600)
def test_a_vcenter_is_away_for_a_minute(field_on: Callable[..., Field], tell: Tell) -> None:
    field = field_on("sqlite")
    work = Round(field, "vCenter away for 60 s")
    field.make_plan(actions=work.held())
    with field.kept_alive():
        work.prepare()
        work.begin()
        work.wait_until_held()
        away = field.vcd.faults.add(vcenter="*", error=ConnectionReset(), times=None)
        work.let_go()
        time.sleep(AWAY_S)  # this is the condition: away for so long
        field.vcd.faults.remove(away)
        tell(work.end())


@pytest.mark.timeout(900)
def test_the_tenants_session_ends_before_every_step(field_on: Callable[..., Field], tell: Tell) -> None:
    """What needs it fails and is taken back; the rest goes on without. Done again, it goes well."""
    field = field_on("sqlite")
    points = clean_life(field)
    steps = {act: _first_of_each_step(found) for act, found in points.items()}
    lanes = max(len(found) for found in steps.values())
    lived = live_many(field, deal_out(steps, lanes), LOGOUT, run=Act.run_without_session)
    assert field.plan.missed() == {}
    rows = {kind: Row(test="the session ends before every step", kind=kind) for kind in KINDS}
    kinds = {act.name: act.kind for act in LIFE}
    for lane in lived:
        for outcome in lane.outcomes:
            row = rows[kinds[outcome.act]]
            row.operations, row.ended, row.right = row.operations + 1, row.ended + 1, row.right + 1
            row.disturbed += field.plan.taken()[outcome.request_id]
    tell(list(rows.values()))


def _first_of_each_step(points: Sequence[str]) -> list[str]:
    found: dict[str, str] = {}
    for point in points:
        step, _, moment = point.rpartition(":")
        if moment == "before" and "/" not in step and step not in ("rollback", "outcome", "end", "publish"):
            found.setdefault(step.partition("@")[0], point)
    return list(found.values())
