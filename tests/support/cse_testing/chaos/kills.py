"""The kill matrix: a clean life shows which points there are, then processes are killed at each of them."""

import os
import random
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, count
from typing import Final

from cse_testing.chaos.field import LIMIT_S, Field
from cse_testing.chaos.lanes import Lane
from cse_testing.chaos.life import KINDS, LIFE, Act
from cse_testing.chaos.plan import FALL, KILL, Passed, read_history
from cse_testing.chaos.reaper import Reaper
from cse_testing.chaos.report import Row
from cse_testing.chaos.steps import untried_steps
from cse_vcd.service_tasks import NAMESPACE

SEED: Final = int(os.environ.get("CHAOS_SEED", "20261122"))
"""Decides what is not said otherwise: which cluster dies where, which calls fail."""
LANES: Final = 6
"""Clusters at once. Each dies at a point of its own before the process is killed for all."""
_PASSES: Final = 5
_PATIENCE_S: Final = 1200.0
"""For an operation in whose time a process is killed many times."""
_AT_WORK: Final = ("sent", "started")
"""Moments at which vCD or a guest works on something: the process is killed at once, while they do."""
_TRIED_ELSEWHERE: Final = {"find_vapp"}
"""Steps of what is done while other operations are under way: clusters are deleted that have no vApp yet."""

Deal = Mapping[str, Sequence[str]]
"""By name of act, the points at which something is to happen."""


def clean_life(field: Field, acts: Sequence[Act] = LIFE) -> Deal:
    """Lives undisturbed, and returns the points of each act that no earlier act of its kind has."""
    lane = Lane(field, "clean")
    field.make_plan(fails={lane.request_id(act.name): act.fails_at for act in acts if act.fails_at})
    with field.kept_alive():
        for act in acts:
            act.run(lane, within_s=LIMIT_S)
    known: dict[str, set[str]] = {kind: set() for kind in KINDS}
    points: dict[str, list[str]] = {}
    for act in sorted(acts, key=lambda each: bool(each.fails_at)):  # those that go well have most of them
        found = [point for point in field.passed(lane.request_id(act.name)) if point not in known[act.kind]]
        known[act.kind].update(found)
        points[act.name] = found
    return points


def live_many(
    field: Field,
    deals: Sequence[Deal],
    action: str,
    *,
    acts: Sequence[Act] = LIFE,
    prefix: str = "lane",
    run: Callable[..., object] = Act.run,
) -> list[Lane]:
    """Lives of several clusters side by side, in which `action` happens at the points dealt to each."""
    lanes = [Lane(field, f"{prefix}{number}") for number in range(len(deals))]
    actions = {
        lane.request_id(act.name): {point: _at(point, action) for point in deal[act.name]}
        for lane, deal in zip(lanes, deals, strict=True)
        for act in acts
        if deal.get(act.name)
    }
    fails = {lane.request_id(act.name): act.fails_at for lane in lanes for act in acts if act.fails_at}
    field.make_plan(actions=actions, fails=fails)
    living = set(range(len(lanes)))

    def live(number: int) -> None:
        try:
            for act in acts:
                run(act, lanes[number], within_s=_PATIENCE_S)
        finally:
            living.discard(number)

    with field.kept_alive(), Reaper(field, lambda: len(living)):
        at_once([partial(live, number) for number in range(len(lanes))])
        field.wait_until(lambda: not running_tasks(field), "the end of all tasks in vCD")
        left = lanes[0].orphans()
        assert not left, f"orphans are left: {left}"
    return lanes


def _at(point: str, action: str) -> str:
    return KILL if action == FALL and point.rpartition(":")[2] in _AT_WORK else action


def at_once(actions: Iterable[Callable[[], object]]) -> None:
    """Does all side by side; fails with what went wrong in any of them."""
    problems: list[str] = []

    def guarded(action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException:  # noqa: BLE001  # told by the thread that waits
            problems.append(traceback.format_exc())

    threads = [threading.Thread(target=guarded, args=(action,), daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, "\n".join(problems)


def deal_out(points: Deal, lanes: int) -> list[Deal]:
    """Each point to one lane, neighbours to different ones; the seed says where the first of an act goes."""
    first = {act: random.Random(f"{SEED} {act}").randrange(lanes) for act in points}
    return [
        {act: found[(number + first[act]) % lanes :: lanes] for act, found in points.items()} for number in range(lanes)
    ]


def kill_at_every_point(field: Field, name: str, *, lanes: int = LANES, every: int = 1) -> list[Row]:
    """Kills a process at every point of every kind of operation, and checks that all is as without.

    Where a point was not reached, because a kill in another lane changed what there was left to do, it is tried again.

    Args:
        field: where; nothing must have been done there.
        name: of the test.
        lanes: clusters at once.
        every: 1 takes all points, 2 every second one, and so on.

    Returns:
        A row per kind, and one for the processes.
    """
    numbers = count(1)
    found = clean_life(field)
    untried = untried_steps(chain.from_iterable(found.values())) - _TRIED_ELSEWHERE
    assert not untried, f"no operation of the life takes {sorted(untried)}"
    left: Deal = {act: [each for each in points if next(numbers) % every == 0] for act, points in found.items()}
    rows = {kind: Row(test=name, store=field.store_kind, kind=kind) for kind in KINDS}
    for attempt in range(_PASSES):
        lived = live_many(field, deal_out(left, lanes), FALL, prefix=f"lane{attempt}x")
        left = _count(field, lived, rows)
        if not any(left.values()):
            break
        lanes = min(lanes, max(len(points) for points in left.values()))
    assert not any(left.values()), f"no process came to {left}"
    check_nothing_is_left(field)
    return [*rows.values(), Row(test=name, store=field.store_kind, kind="(processes)", deaths=field.kills)]


def _count(field: Field, lanes: Sequence[Lane], rows: Mapping[str, Row]) -> Deal:
    """Adds to the rows; returns the points that were missed."""
    kinds = {act.name: act.kind for act in LIFE}
    taken, missed = field.plan.taken(), field.plan.missed()
    passed: dict[str, list[Passed]] = {}
    for each in read_history(field.plan):
        passed.setdefault(each.request_id, []).append(each)
    left: dict[str, list[str]] = {}
    for lane in lanes:
        for outcome in lane.outcomes:
            check_steps(passed.get(outcome.request_id, ()))
            rows[kinds[outcome.act]].count(disturbed=taken[outcome.request_id])
            left.setdefault(outcome.act, []).extend(missed.get(outcome.request_id, ()))
    return left


def check_steps(passed: Iterable[Passed]) -> None:
    """No step of an operation was taken again once it was journaled."""
    done: set[str] = set()
    for each in passed:
        step, _, moment = each.point.rpartition(":")
        if moment == "before" and "/" not in step and step not in ("rollback", "publish", "outcome", "end"):
            assert step not in done, f"{step} was taken again after it was journaled"
        if moment == "after":
            done.add(step)


def check_nothing_is_left(field: Field) -> None:
    """No vApp, no machine, no running task of ours, when every cluster has been deleted."""
    cloud = field.vcd.cloud
    with cloud.lock:
        vapps = [vapp.name for vapp in cloud.vapps]
        machines = [vm.name for vm in cloud.vms if vm.vapp_id is not None]
    assert not vapps, f"vApps are left: {vapps}"
    assert not machines, f"machines are left: {machines}"
    left = running_tasks(field)
    assert not left, f"vCD tasks are left running: {left}"


def running_tasks(field: Field) -> list[str]:
    """What those of our tasks are called that vCD shows as running."""
    cloud = field.vcd.cloud
    with cloud.lock:
        return [
            task.operation_name
            for task in cloud.tasks.tasks
            if task.service_namespace == NAMESPACE and not task.status.is_final
        ]
