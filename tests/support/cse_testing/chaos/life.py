"""The life of a cluster: every kind of operation, and those that can be rolled back once more, failing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cse_testing.chaos.lanes import SESSION_ENDED, Lane, Outcome, Shape
from cse_testing.chaos.plan import FAILURE

CREATE: Final = "create"
CREATE_WITH_NFS: Final = "create with NFS"
ROLL_BACK: Final = "create, rolled back"
DELETE: Final = "delete"
ADD: Final = "add nodes"
ADD_NFS: Final = "add NFS"
REMOVE: Final = "remove nodes"
GROW: Final = "resize up"
SHRINK: Final = "resize down"
RECLAIM: Final = "reclaim"
KINDS: Final = (CREATE, CREATE_WITH_NFS, ROLL_BACK, DELETE, ADD, ADD_NFS, REMOVE, GROW, SHRINK, RECLAIM)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One operation in the life of a cluster.

    `shape` is what the cluster is like afterwards (None: as before). `fails_at` names the step that fails on purpose.
    """

    name: str
    kind: str
    begin: Callable[[Lane, str], Outcome]
    shape: Shape | None = None
    fails_at: str = ""

    def run(self, lane: Lane, *, within_s: float) -> Outcome:
        """Does it and checks everything that must be true then."""
        outcome = lane.end(self.begin(lane, self.name), within_s=within_s)
        self.check(lane, outcome)
        return outcome

    def run_without_session(self, lane: Lane, *, within_s: float) -> Outcome:
        """The same, in a session that may end on the way; then it is done again in another one."""
        lane.log_in()
        outcome = lane.end(self.begin(lane, self.name), within_s=within_s)
        if outcome.reason != SESSION_ENDED:
            self.check(lane, outcome)
            return outcome
        lane.check_told(outcome, SESSION_ENDED)
        if self.kind not in (REMOVE, SHRINK):  # what of that was done stays done
            lane.check()
        if self.fails_at:  # the plan knows no second request, which would go well
            return outcome
        del lane.request_ids[self.name]
        lane.log_in()
        return self.run(lane, within_s=within_s)

    def check(self, lane: Lane, outcome: Outcome) -> None:
        """That it has ended as it should, and the cluster is what it is to be."""
        if self.shape is not None:
            lane.shape = self.shape
        lane.check_told(outcome, FAILURE if self.fails_at else "")
        lane.check()


LIFE: Final = (
    Act(
        name="create",
        kind=CREATE,
        begin=lambda lane, act: lane.create(act, workers=1, cpu_count=4, memory_mb=4096),
        shape=Shape(exists=True, workers=1),
    ),
    Act(name="delete", kind=DELETE, begin=lambda lane, act: lane.delete(act), shape=Shape()),
    Act(
        name="create, left for inspection",
        kind=CREATE,
        begin=lambda lane, act: lane.create(act, workers=1, rolls_back=False),
        shape=Shape(exists=True, workers=1),
        fails_at="record_endpoint",
    ),
    Act(name="reclaim a vApp", kind=RECLAIM, begin=lambda lane, act: lane.reclaim(act), shape=Shape()),
    Act(
        name="create, rolled back",
        kind=ROLL_BACK,
        begin=lambda lane, act: lane.create(act, workers=1),
        fails_at="verify_nodes",
    ),
    Act(
        name="create with NFS",
        kind=CREATE_WITH_NFS,
        begin=lambda lane, act: lane.create(act, workers=2, nfs=True),
        shape=Shape(exists=True, workers=2, nfs=1),
    ),
    Act(
        name="add nodes, left for inspection",
        kind=ADD,
        begin=lambda lane, act: lane.add_nodes(act, 1, rolls_back=False),
        shape=Shape(exists=True, workers=3, nfs=1),
        fails_at="read_cluster",
    ),
    Act(
        name="reclaim a machine",
        kind=RECLAIM,
        begin=lambda lane, act: lane.reclaim(act),
        shape=Shape(exists=True, workers=2, nfs=1),
    ),
    Act(
        name="add nodes, rolled back",
        kind=ADD,
        begin=lambda lane, act: lane.add_nodes(act, 1),
        fails_at="verify_nodes",
    ),
    Act(
        name="add nodes",
        kind=ADD,
        begin=lambda lane, act: lane.add_nodes(act, 1, cpu_count=4),
        shape=Shape(exists=True, workers=3, nfs=1),
    ),
    Act(
        name="add NFS",
        kind=ADD_NFS,
        begin=lambda lane, act: lane.add_nodes(act, 1, nfs=True),
        shape=Shape(exists=True, workers=3, nfs=2),
    ),
    Act(
        name="resize up",
        kind=GROW,
        begin=lambda lane, act: lane.resize(act, 4),
        shape=Shape(exists=True, workers=4, nfs=2),
    ),
    Act(
        name="resize down",
        kind=SHRINK,
        begin=lambda lane, act: lane.resize(act, 3),
        shape=Shape(exists=True, workers=3, nfs=2),
    ),
    Act(
        name="remove nodes, taken back",
        kind=REMOVE,
        begin=lambda lane, act: lane.remove_nodes(act, lane.names("node")[0]),
        fails_at="forget_nodes",
    ),
    Act(
        name="remove nodes",
        kind=REMOVE,
        begin=lambda lane, act: lane.remove_nodes(act, lane.names("node")[0], lane.names("nfsd")[0]),
        shape=Shape(exists=True, workers=2, nfs=1),
    ),
    Act(
        name="remove nodes by force",
        kind=REMOVE,
        begin=lambda lane, act: lane.remove_nodes(act, lane.names("node")[0], force=True),
        shape=Shape(exists=True, workers=1, nfs=1),
    ),
    Act(name="delete what is left", kind=DELETE, begin=lambda lane, act: lane.delete(act), shape=Shape()),
)
NOTHING_LEFT: Final = tuple(act for act in LIFE if act.kind != RECLAIM and not act.name.endswith("left for inspection"))
"""The same life without what is made to be reclaimed."""
