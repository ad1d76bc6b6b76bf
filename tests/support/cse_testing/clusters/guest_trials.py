"""What trials of guest faults share: a tenant's work in lanes of its own, side by side.

A lane is a VDC with a vCenter, so what goes wrong in one does not touch the others. Nearly all of a trial's time is
waiting for limits, which is why many run at once.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from queue import SimpleQueue
from typing import Any, Final, Protocol, TypeVar

import pytest
from google.longrunning import operations_pb2

from cse_clusters.application.guest_work import Limits
from cse_testing.clusters.guest_faults import Case, Role
from cse_testing.clusters.site import Metadata, Site
from vcd_simulator.faults import Fault

LANES: Final = 12
LIMITS: Final = Limits(
    placing=timedelta(seconds=40),
    boot=timedelta(seconds=20),
    script=timedelta(seconds=25),
    mint=timedelta(seconds=20),
    drain=timedelta(seconds=20),
    ready=timedelta(seconds=12),
    busy=timedelta(seconds=40),
    outage=timedelta(seconds=8),
)
"""Long enough for a guest in which nothing goes wrong on a machine that is busy, short enough to wait for."""


class Trial(Protocol):
    """A case, and what is done while it goes wrong; as a string it is the name of the test."""

    @property
    def is_possible(self) -> bool:
        """Whether the fault can happen then, and tells what others do not."""
        ...

    @property
    def is_quick(self) -> bool:
        """Whether `make test` has it."""
        ...


AnyTrial = TypeVar("AnyTrial", bound=Trial)
Ending = TypeVar("Ending")


def each_trial(trials: Iterable[Trial]) -> pytest.MarkDecorator:
    """A test for each that is possible; it takes a `trial`."""
    possible = (trial for trial in trials if trial.is_possible)
    return pytest.mark.parametrize(
        "trial",
        [pytest.param(each, marks=() if each.is_quick else pytest.mark.long, id=str(each)) for each in possible],
    )


@contextmanager
def side_by_side(
    request: pytest.FixtureRequest, run: Callable[[AnyTrial, str, str], Ending]
) -> Iterator[Callable[[AnyTrial], Ending]]:
    """While inside, all trials run whose tests were asked for, one at a time in each lane; tells how one has ended.

    Args:
        request: of a fixture of the module whose tests take a `trial`, and nothing else is a parameter there.
        run: is given a trial, the name of its cluster and its lane.
    """
    wanted: list[Any] = [
        item.callspec.params["trial"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]
    lanes: SimpleQueue[str] = SimpleQueue()
    for number in range(LANES):
        lanes.put(f"lane{number}")

    def run_in_a_lane(trial: AnyTrial, name: str) -> Ending:
        lane = lanes.get()
        try:
            return run(trial, name, lane)
        finally:
            lanes.put(lane)

    with ThreadPoolExecutor(LANES) as pool:
        endings = {
            str(trial): pool.submit(run_in_a_lane, trial, f"trial{number}") for number, trial in enumerate(wanted)
        }
        try:
            yield lambda trial: endings[str(trial)].result()
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Tenant:
    """Somebody whose clusters are in lanes."""

    site: Site
    metadata: Metadata

    def ended(self, operation: operations_pb2.Operation) -> operations_pb2.Operation:
        """The operation as it ended."""
        return self.site.ended(operation, self.metadata)

    def create(self, name: str, lane: str, *, workers: int, **fields: Any) -> operations_pb2.Operation:
        """Begins to create a cluster."""
        return self.site.create(self.metadata, name, workers=workers, vdc=f"{lane}-vdc", **fields)

    def have(self, name: str, lane: str, *, workers: int) -> None:
        """Creates a cluster while nothing goes wrong."""
        self.site.succeeded(self.create(name, lane, workers=workers), self.metadata)

    def drop(self, name: str) -> None:
        """Deletes a cluster while nothing goes wrong."""
        self.site.succeeded(self.site.delete(self.metadata, name), self.metadata)

    def machines(self, name: str) -> list[str] | None:
        """Names of a cluster's machines; None when its vApp is gone."""
        cloud = self.site.vcd.cloud
        with cloud.lock:
            vapp = next((vapp for vapp in cloud.vapps if vapp.name == name), None)
            return None if vapp is None else sorted(vm.name for vm in cloud.vms_of(vapp))

    @contextmanager
    def going_wrong(self, case: Case, role: Role, lane: str) -> Iterator[Fault]:
        """While inside, the case happens in all guests of the role in the lane."""
        faults = self.site.vcd.faults
        fault = faults.add(**case.fault(role, lane))
        try:
            yield fault
        finally:
            faults.remove(fault)
