"""One operation of every kind at once, each on a cluster of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cse_testing.chaos.field import LIMIT_S, Field
from cse_testing.chaos.kills import at_once, wait_for
from cse_testing.chaos.lanes import Lane, Outcome, Shape
from cse_testing.chaos.life import ADD, CREATE, DELETE, GROW, KINDS, REMOVE, SHRINK, Act
from cse_testing.chaos.plan import HOLD, read_history
from cse_testing.chaos.report import Row

_BEFORE: Final = Shape(exists=True, workers=2)
ROUND: Final = (
    Act(
        name=CREATE,
        kind=CREATE,
        begin=lambda lane, act: lane.create(act, workers=2, nfs=True),
        shape=Shape(exists=True, workers=2, nfs=1),
    ),
    Act(name=DELETE, kind=DELETE, begin=lambda lane, act: lane.delete(act), shape=Shape()),
    Act(
        name=ADD,
        kind=ADD,
        begin=lambda lane, act: lane.add_nodes(act, 1, cpu_count=4),
        shape=Shape(exists=True, workers=3),
    ),
    Act(
        name=REMOVE,
        kind=REMOVE,
        begin=lambda lane, act: lane.remove_nodes(act, lane.names("node")[0]),
        shape=Shape(exists=True, workers=1),
    ),
    Act(name=GROW, kind=GROW, begin=lambda lane, act: lane.resize(act, 3), shape=Shape(exists=True, workers=3)),
    Act(name=SHRINK, kind=SHRINK, begin=lambda lane, act: lane.resize(act, 1), shape=Shape(exists=True, workers=1)),
)
MIDWAY: Final = {
    CREATE: "join_worker@node1:before",
    DELETE: "delete_vapp:before",
    ADD: "join_worker@node1:before",
    REMOVE: "stop_machine@node1:before",
    GROW: "add_machines:before",
    SHRINK: "drain_node@node1:before",
}
"""A point of each kind amid its work."""


@dataclass
class Round:
    """Six clusters, of which five are there before it begins."""

    field: Field
    name: str

    def __post_init__(self) -> None:
        self.begun: dict[str, Outcome] = {}
        self.lanes: Mapping[str, Lane] = {kind: Lane(self.field, kind.replace(" ", "-")) for kind in KINDS}

    def held(self) -> dict[str, dict[str, str]]:
        """Actions of a plan by which every operation is held amid its work."""
        return {self.lanes[kind].request_id(kind): {point: HOLD} for kind, point in MIDWAY.items()}

    def prepare(self) -> None:
        """Makes the clusters that there are to be."""
        at_once([partial(self._prepare, lane) for kind, lane in self.lanes.items() if kind != CREATE])

    @staticmethod
    def _prepare(lane: Lane) -> None:
        act = Act(name="prepare", kind=CREATE, begin=lambda lane, act: lane.create(act, workers=2), shape=_BEFORE)
        act.run(lane, within_s=LIMIT_S)
        lane.outcomes.clear()

    def begin(self) -> None:
        """Begins all of them."""
        at_once([partial(self._begin, act) for act in ROUND])

    def _begin(self, act: Act) -> None:
        self.begun[act.kind] = act.begin(self.lanes[act.kind], act.name)

    def wait_until_held(self) -> None:
        for kind, point in MIDWAY.items():
            marker = self.field.plan.marker(self.lanes[kind].request_id(kind), point)
            wait_for(marker.exists, f"{kind} does not come to {point}")

    def let_go(self) -> None:
        for kind, point in MIDWAY.items():
            self.field.plan.let_go(self.lanes[kind].request_id(kind), point)

    def begun_by(self, process: int) -> set[str]:
        """The kinds whose operation this process has taken up."""
        ids = {
            each.request_id
            for each in read_history(self.field.plan)
            if each.process == process and each.point == "claim:after"
        }
        return {kind for kind, lane in self.lanes.items() if lane.request_id(kind) in ids}

    def end(self, *, within_s: float = LIMIT_S) -> list[Row]:
        """Waits for all of them and checks that each has its right result; a row per kind."""
        at_once([partial(self._end, act, within_s) for act in ROUND])
        return [Row(test=self.name, kind=kind, operations=1, disturbed=1, ended=1, right=1) for kind in self.lanes]

    def _end(self, act: Act, within_s: float) -> None:
        lane = self.lanes[act.kind]
        outcome = lane.end(self.begun[act.kind], within_s=within_s)
        assert act.shape is not None
        lane.shape = act.shape
        lane.check_told(outcome)
        lane.check()
