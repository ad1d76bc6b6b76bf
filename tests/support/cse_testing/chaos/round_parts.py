"""The operations of a round, one of every kind: what each finds, what it does, and a point amid its work."""

from dataclasses import dataclass
from typing import Final

from cse_testing.chaos.lanes import Shape
from cse_testing.chaos.life import (
    ADD,
    ADD_NFS,
    CREATE,
    CREATE_WITH_NFS,
    DELETE,
    GROW,
    RECLAIM,
    REMOVE,
    ROLL_BACK,
    SHRINK,
    Act,
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One operation of the round: what it finds, what it does, and a point amid its work."""

    act: Act
    midway: str
    before: Act | None = None


def _there(workers: int) -> Act:
    return Act(
        name="prepare",
        kind=CREATE,
        begin=lambda lane, act: lane.create(act, workers=workers),
        shape=Shape(exists=True, workers=workers),
    )


_LEFT: Final = Act(
    name="prepare",
    kind=CREATE,
    begin=lambda lane, act: lane.create(act, workers=1, rolls_back=False),
    shape=Shape(exists=True, workers=1),
    fails_at="record_endpoint",
)
_PARTS: Final = (
    Part(
        act=Act(
            name="act",
            kind=CREATE,
            begin=lambda lane, act: lane.create(act, workers=2),
            shape=Shape(exists=True, workers=2),
        ),
        midway="join_worker@node1:before",
    ),
    Part(
        act=Act(
            name="act",
            kind=CREATE_WITH_NFS,
            begin=lambda lane, act: lane.create(act, workers=1, nfs=True),
            shape=Shape(exists=True, workers=1, nfs=1),
        ),
        midway="set_up_nfs@nfsd1:before",
    ),
    Part(
        act=Act(
            name="act",
            kind=ROLL_BACK,
            begin=lambda lane, act: lane.create(act, workers=1),
            shape=Shape(),
            fails_at="verify_nodes",
        ),
        midway="undo take_back_vapp:before",
    ),
    Part(
        before=_there(1),
        act=Act(name="act", kind=DELETE, begin=lambda lane, act: lane.delete(act), shape=Shape()),
        midway="delete_vapp:before",
    ),
    Part(
        before=_there(1),
        act=Act(
            name="act",
            kind=ADD,
            begin=lambda lane, act: lane.add_nodes(act, 1, cpu_count=4),
            shape=Shape(exists=True, workers=2),
        ),
        midway="join_worker@node1:before",
    ),
    Part(
        before=_there(1),
        act=Act(
            name="act",
            kind=ADD_NFS,
            begin=lambda lane, act: lane.add_nodes(act, 1, nfs=True),
            shape=Shape(exists=True, workers=1, nfs=1),
        ),
        midway="set_up_nfs@nfsd1:before",
    ),
    Part(
        before=_there(2),
        act=Act(
            name="act",
            kind=REMOVE,
            begin=lambda lane, act: lane.remove_nodes(act, lane.names("node")[0]),
            shape=Shape(exists=True, workers=1),
        ),
        midway="stop_machine@node1:before",
    ),
    Part(
        before=_there(1),
        act=Act(
            name="act",
            kind=GROW,
            begin=lambda lane, act: lane.resize(act, 2),
            shape=Shape(exists=True, workers=2),
        ),
        midway="add_machines:before",
    ),
    Part(
        before=_there(2),
        act=Act(
            name="act",
            kind=SHRINK,
            begin=lambda lane, act: lane.resize(act, 1),
            shape=Shape(exists=True, workers=1),
        ),
        midway="drain_node@node1:before",
    ),
    Part(
        before=_LEFT,
        act=Act(name="act", kind=RECLAIM, begin=lambda lane, act: lane.reclaim(act), shape=Shape()),
        midway="reclaim@vapp1:before",
    ),
)
ROUND: Final = {part.act.kind: part for part in _PARTS}
"""By kind."""
