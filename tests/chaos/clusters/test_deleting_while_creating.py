"""A cluster is deleted while it is being created, at every step of that; nothing stays, even if the process dies."""

from collections.abc import Callable, Sequence

import pytest

from cse_testing.chaos.field import Field
from cse_testing.chaos.kills import at_once, check_nothing_is_left, clean_life
from cse_testing.chaos.lanes import Lane
from cse_testing.chaos.life import CREATE_WITH_NFS, DELETE, LIFE
from cse_testing.chaos.plan import HOLD
from cse_testing.chaos.report import Row

ACT = next(act for act in LIFE if act.kind == CREATE_WITH_NFS)


def points_of_creating(points: Sequence[str]) -> list[str]:
    """Of each step one: when it begins, when vCD or the guest works on it, when it is done but not journaled."""
    found: dict[tuple[str, str], str] = {}
    for point in points:
        step, _, moment = point.rpartition(":")
        if moment != "after" and not step.startswith(("accept", "claim", "publish", "outcome", "end")):
            found.setdefault((step.partition("@")[0].partition("/")[0], moment), point)
    return list(found.values())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
def test_deleting_ends_the_creation_and_leaves_nothing(
    field_on: Callable[[str], Field], tell: Callable[[list[Row]], None], killed: bool, store: str
) -> None:
    field = field_on(store)
    points = points_of_creating(clean_life(field, [ACT, LIFE[-1]])[ACT.name])
    lanes = {point: Lane(field, f"c{number}") for number, point in enumerate(points)}
    field.make_plan(actions={lane.request_id(ACT.name): {point: HOLD} for point, lane in lanes.items()})
    with field.kept_alive():
        creating = {point: ACT.begin(lane, ACT.name) for point, lane in lanes.items()}
        for point, lane in lanes.items():
            marker = field.plan.marker(lane.request_id(ACT.name), point)
            field.wait_until(marker.exists, f"a creation to come to {point}")
        deleting = {point: lane.delete(DELETE) for point, lane in lanes.items()}
        if killed:
            field.replicas[-1].kill()
        for point, lane in lanes.items():
            field.plan.let_go(lane.request_id(ACT.name), point)

        def check(point: str, lane: Lane) -> None:
            ended = lane.end(creating[point])
            assert ended.reason in ("OPERATION_CANCELLED", ""), f"{point}: {ended.operation.error.message}"
            lane.check_told(ended, ended.reason)
            lane.check_told(lane.end(deleting[point]))
            lane.check()

        at_once([lambda point=point, lane=lane: check(point, lane) for point, lane in lanes.items()])  # type: ignore[misc]
    check_nothing_is_left(field)
    name, count = "deleted while created" + (", killed" if killed else ""), len(points)
    kinds = (CREATE_WITH_NFS, DELETE)
    tell([Row(test=name, store=store, kind=kind, operations=count, disturbed=count) for kind in kinds])
