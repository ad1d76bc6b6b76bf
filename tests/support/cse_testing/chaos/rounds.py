"""One operation of every kind at once, each on a cluster of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from cse_testing.chaos.field import LIMIT_S, Field
from cse_testing.chaos.kills import at_once
from cse_testing.chaos.lanes import Lane, Outcome
from cse_testing.chaos.life import KINDS
from cse_testing.chaos.plan import HOLD, read_history
from cse_testing.chaos.report import Row
from cse_testing.chaos.round_parts import ROUND


@dataclass
class Round:
    """A cluster for each kind of operation; those that it needs are made before it begins."""

    field: Field
    name: str

    def __post_init__(self) -> None:
        self.begun: dict[str, Outcome] = {}
        self.lanes: Mapping[str, Lane] = {kind: Lane(self.field, f"round{n}") for n, kind in enumerate(KINDS)}

    def plan(self, *, held: bool = True) -> None:
        """Plans that every operation is held amid its work, unless told otherwise."""
        actions, fails = {}, {}
        for kind, part in ROUND.items():
            lane = self.lanes[kind]
            if held:
                actions[lane.request_id(part.act.name)] = {part.midway: HOLD}
            for act in filter(None, (part.before, part.act)):
                if act.fails_at:
                    fails[lane.request_id(act.name)] = act.fails_at
        self.field.make_plan(actions=actions, fails=fails)

    def prepare(self) -> None:
        """Makes what there is to be before."""
        at_once([partial(self._prepare, kind) for kind in KINDS])

    def _prepare(self, kind: str) -> None:
        before, lane = ROUND[kind].before, self.lanes[kind]
        if before is not None:
            before.run(lane, within_s=LIMIT_S)
            lane.outcomes.clear()

    def begin(self) -> None:
        """Begins all of them."""
        at_once([partial(self._begin, kind) for kind in KINDS])

    def _begin(self, kind: str) -> None:
        act = ROUND[kind].act
        self.begun[kind] = act.begin(self.lanes[kind], act.name)

    def wait_until_held(self) -> None:
        for kind, part in ROUND.items():
            marker = self.field.plan.marker(self.lanes[kind].request_id(part.act.name), part.midway)
            self.field.wait_until(marker.exists, f"{kind} to come to {part.midway}")

    def let_go(self) -> None:
        for kind, part in ROUND.items():
            self.field.plan.let_go(self.lanes[kind].request_id(part.act.name), part.midway)

    def begun_by(self, process: int) -> set[str]:
        """The kinds whose operation this process has taken up."""
        ids = {
            each.request_id
            for each in read_history(self.field.plan)
            if each.process == process and each.point == "claim:after"
        }
        return {kind for kind, part in ROUND.items() if self.lanes[kind].request_id(part.act.name) in ids}

    def end(self, *, within_s: float = LIMIT_S) -> list[Row]:
        """Waits for all of them and checks that each has its right result; a row per kind."""
        at_once([partial(self._end, kind, within_s) for kind in KINDS])
        return [
            Row(test=self.name, store=self.field.store_kind, kind=kind, operations=1, disturbed=1) for kind in KINDS
        ]

    def _end(self, kind: str, within_s: float) -> None:
        lane, act = self.lanes[kind], ROUND[kind].act
        act.check(lane, lane.end(self.begun[kind], within_s=within_s))

    def check(self) -> None:
        """That all is as it was at the end."""
        for kind, part in ROUND.items():
            for outcome in self.lanes[kind].outcomes:
                part.act.check(self.lanes[kind], outcome)
