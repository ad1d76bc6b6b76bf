"""vCD and vCenter misbehave while operations of every kind are at work; all end as if they had not."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest

from cse_testing.chaos.field import LIMIT_S, Field
from cse_testing.chaos.kills import SEED, check_nothing_is_left, clean_life, deal_out, live_many
from cse_testing.chaos.lanes import Lane, Shape
from cse_testing.chaos.life import CREATE, KINDS, LIFE, NOTHING_LEFT, Act
from cse_testing.chaos.plan import KILL, LOGOUT
from cse_testing.chaos.report import Row
from cse_testing.chaos.rounds import Round
from vcd_simulator.faults import BusyEntity, ConnectionReset, Effect, Fault, Faults, HttpError, TaskFails

LANES = 2
TIMEOUT_S = 2.0
AWAY_S = 60.0
STORM_S = 5.0
CALM_S = 5.0

Tell = Callable[[list[Row]], None]

stores = pytest.mark.parametrize("store", ["sqlite", "postgres"])


def rows_of(name: str, field: Field, lanes: int) -> list[Row]:
    """Of whole lives that went well; what was injected is shared out evenly, for a fault knows no operation."""
    injected = sum(fault.injected for fault in field.vcd.faults)
    counts = {kind: lanes * sum(act.kind == kind for act in LIFE) for kind in KINDS}
    share = injected // sum(counts.values())
    return [
        Row(test=name, store=field.store_kind, kind=kind, operations=count, disturbed=count * share)
        for kind, count in counts.items()
    ]


@pytest.mark.timeout(900)
@stores
def test_a_tenth_of_all_calls_fails(field_on: Callable[..., Field], tell: Tell, store: str) -> None:
    """Errors of the server, connections that break before and after the work is done, and answers that never come."""
    field = field_on(store)
    field.read_timeout_s = TIMEOUT_S
    faults = field.vcd.faults
    errors: tuple[Effect, ...] = (
        *(HttpError(status=500), HttpError(status=503)),
        *(ConnectionReset(), ConnectionReset(after=True)),
    )
    for number, error in enumerate(errors):
        faults.add(route="/api/*", error=error, times=None, chance=0.0225, seed=SEED + number)
    faults.add(route="/api/*", delay_s=2 * TIMEOUT_S, times=None, chance=0.01, seed=SEED + len(errors))
    live_many(field, [{}] * LANES, "")
    check_nothing_is_left(field)
    tell(rows_of("10 % of vCD's calls fail", field, LANES))


@pytest.mark.timeout(900)
@stores
def test_everything_is_busy_again_and_again(field_on: Callable[..., Field], tell: Tell, store: str) -> None:
    """vCD refuses half of all changes as busy, at once or once their task starts, and all of them for a while."""
    field = field_on(store)
    work = Round(field, "BUSY_ENTITY storms")
    work.plan(held=False)
    with field.kept_alive():
        work.prepare()
        with storms(field.vcd.faults) as faults:
            work.begin()
            rows = work.end()
    for row in rows:
        row.disturbed = sum(fault.injected for fault in faults) // len(rows)
    tell(rows)


@contextmanager
def storms(faults: Faults) -> Iterator[list[Fault]]:
    """While inside, much is busy, and everything for some seconds again and again; tells the faults that there were."""
    busy = partial(faults.add, error=BusyEntity(), times=None)
    tasks = ("vdcCompose*", "vdcRecompose*", "vdcDelete*", "vdcUpdate*", "vapp*", "vm*")
    found = [
        busy(method="POST", route="/api/vApp/*", chance=0.5, seed=SEED),
        busy(method="DELETE", route="/api/vApp/*", chance=0.5, seed=SEED + 1),
        *(busy(task=task, chance=0.2, seed=number) for number, task in enumerate(tasks, start=SEED + 2)),
    ]
    over = threading.Event()

    def rage() -> None:
        while not over.wait(CALM_S):
            found.append(busy(method="POST", route="/api/vApp/*"))
            over.wait(STORM_S)
            faults.remove(found[-1])

    thread = threading.Thread(target=rage)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(600)
@stores
def test_vcd_begins_to_make_vapps_and_fails(field_on: Callable[..., Field], tell: Tell, store: str) -> None:
    """While nobody looks, for the process was killed; as busy; for good, which ends the creation. Nothing is left."""
    field = field_on(store)
    act = next(each for each in LIFE if each.kind == CREATE)
    unseen, busy, told = (Lane(field, name) for name in ("unseen", "busy", "told"))
    field.make_plan(actions={unseen.request_id(act.name): {"compose_vapp/POST composeVApp:sent": KILL}})
    composing = "vdcComposeVapp"
    with field.kept_alive():
        faults = [field.vcd.faults.add(task=composing, error=TaskFails())]
        act.run(unseen, within_s=LIMIT_S)
        faults.append(field.vcd.faults.add(task=composing, error=BusyEntity()))
        act.run(busy, within_s=LIMIT_S)
        faults.append(field.vcd.faults.add(task=composing, error=TaskFails()))
        outcome = told.end(act.begin(told, act.name))
        told.check_told(outcome, "VCD_TASK_FAILED")
        told.check()
        for lane in (unseen, busy):
            lane.shape = Shape()
            lane.check_told(lane.end(lane.delete("delete")))
            lane.check()
    assert [fault.injected for fault in faults] == [1, 1, 1]
    assert field.kills == 1
    check_nothing_is_left(field)
    tell([Row(test="vCD fails to make a vApp", store=store, kind=CREATE, operations=3, disturbed=3)])


@pytest.mark.timeout(600)
@stores
def test_a_vcenter_is_away_for_a_minute(field_on: Callable[..., Field], tell: Tell, store: str) -> None:
    field = field_on(store)
    work = Round(field, f"vCenter away for {AWAY_S:.0f} s")
    work.plan()
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
@stores
def test_the_tenants_session_ends_before_every_step(field_on: Callable[..., Field], tell: Tell, store: str) -> None:
    """What needs it fails and is taken back; the rest goes on without. Done again, it goes well."""
    field = field_on(store)
    points = clean_life(field, NOTHING_LEFT)
    steps = {act: _first_of_each_step(found) for act, found in points.items()}
    lanes = max(len(found) for found in steps.values())
    lived = live_many(field, deal_out(steps, lanes), LOGOUT, acts=NOTHING_LEFT, run=Act.run_without_session)
    assert field.plan.missed() == {}
    check_nothing_is_left(field)
    kinds = {act.name: act.kind for act in NOTHING_LEFT}
    rows = {
        kind: Row(test="the session ends before every step", store=store, kind=kind)
        for kind in dict.fromkeys(kinds.values())
    }
    for lane in lived:
        for outcome in lane.outcomes:
            rows[kinds[outcome.act]].count(disturbed=field.plan.taken()[outcome.request_id])
    tell(list(rows.values()))


def _first_of_each_step(points: Sequence[str]) -> list[str]:
    found: dict[str, str] = {}
    for point in points:
        step, _, moment = point.rpartition(":")
        if moment == "before" and "/" not in step and step not in ("rollback", "outcome", "end", "publish"):
            found.setdefault(step.partition("@")[0], point)
    return list(found.values())
