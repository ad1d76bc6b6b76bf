"""Whatever goes wrong in guests, nodes and clusters go: not in this attempt, then in the next, or by force at once.

Nodes are removed, clusters resized and deleted while the faults of `REMOVALS` are on the control plane. Cases run side
by side, each in a VDC and a vCenter of its own, for nearly all of their time is waiting for limits.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from queue import SimpleQueue
from typing import Any

import pytest
from google.longrunning import operations_pb2
from google.rpc import error_details_pb2

from cse.clusters.v1 import cluster_service_pb2
from cse_testing.clusters.guest_faults import LANES, LIMITS, REMOVALS, Case, Role
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.faults import Place

REMOVE, FORCE, SHRINK, DELETE = "remove", "remove-by-force", "resize-down", "delete"


@dataclass(frozen=True)
class Trial:
    """A case, and what is done while it goes wrong."""

    case: Case
    operation: str

    def __str__(self) -> str:
        return f"{self.case.name}-{self.operation}"

    @property
    def reason(self) -> str:
        """What it has to end with; empty for a success."""
        return "" if self.operation in (FORCE, DELETE) else self.case.reason

    @property
    def is_possible(self) -> bool:
        """Whether it tells what others do not: resizing removes nodes, deleting asks neither guest nor vCenter."""
        where = {SHRINK: Place.PROGRAM, DELETE: Place.SOAP}.get(self.operation, self.case.at)
        return self.case.at is where and (self.operation != FORCE or bool(self.case.reason))

    @property
    def is_quick(self) -> bool:
        """Whether `make test` has it."""
        return self.case.name == "drain-fails"


def trials() -> Iterator[Trial]:
    for case, operation in product(REMOVALS, (REMOVE, FORCE, SHRINK, DELETE)):
        trial = Trial(case, operation)
        if trial.is_possible:
            yield trial


TRIALS = [pytest.param(each, marks=() if each.is_quick else pytest.mark.long, id=str(each)) for each in trials()]


@dataclass(frozen=True)
class Ending:
    """How the first attempt has ended, and what there was then; and how the next one has."""

    operation: operations_pb2.Operation
    workers: int
    next_operation: operations_pb2.Operation | None
    workers_at_last: int
    injected: int


class Trials:
    """Runs trials side by side, one at a time in each lane."""

    def __init__(self, vcd: Site, alice: Metadata) -> None:
        self._vcd = vcd
        self._alice = alice
        self._lanes: SimpleQueue[str] = SimpleQueue()
        for number in range(LANES):
            self._lanes.put(f"lane{number}")
        self._pool = ThreadPoolExecutor(LANES)
        self._endings: dict[str, Future[Ending]] = {}

    def begin(self, trial: Trial, number: int) -> None:
        self._endings[str(trial)] = self._pool.submit(self._run, trial, f"r{number}")

    def ending(self, trial: Trial) -> Ending:
        return self._endings[str(trial)].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, trial: Trial, name: str) -> Ending:
        lane = self._lanes.get()
        try:
            created = self._ended(self._vcd.create(self._alice, name, workers=1, vdc=f"{lane}-vdc"))
            assert not created.HasField("error"), created.error.message
            fault = self._vcd.vcd.faults.add(**trial.case.fault(Role.CONTROL_PLANE, lane))
            try:
                operation = self._ended(self._begin(trial.operation, name))
            finally:
                self._vcd.vcd.faults.remove(fault)
            workers, again = self._workers(name), None
            if trial.reason:
                self._restart_hanging_guests(lane)
                again = self._ended(self._begin(trial.operation, name))
            at_last = self._workers(name)
            if trial.operation != DELETE:
                self._ended(self._begin(DELETE, name))
            return Ending(operation, workers, again, at_last, fault.injected)
        finally:
            self._lanes.put(lane)

    def _restart_hanging_guests(self, lane: str) -> None:
        """As an administrator would, before he tries again."""
        for guest in self._vcd.vcd.hypervisor.guests_of(lane):
            self._vcd.vcd.hypervisor.reset(guest.moid)

    def _begin(self, operation: str, name: str) -> operations_pb2.Operation:
        cluster, stub = f"orgs/-/vdcs/-/clusters/{name}", self._vcd.clusters
        call: Callable[..., operations_pb2.Operation]
        request: Any
        if operation in (REMOVE, FORCE):
            nodes = [vm.name for vm in self._machines(name) if vm.name.startswith(Role.WORKER.value)]
            request = cluster_service_pb2.RemoveNodesRequest(name=cluster, node_ids=nodes, force=operation == FORCE)
            call = stub.RemoveNodes
        elif operation == SHRINK:
            request, call = cluster_service_pb2.ResizeClusterRequest(name=cluster, worker_count=0), stub.ResizeCluster
        else:
            request, call = cluster_service_pb2.DeleteClusterRequest(name=cluster), stub.DeleteCluster
        return call(request, metadata=self._alice, timeout=LIMIT_S)

    def _ended(self, operation: operations_pb2.Operation) -> operations_pb2.Operation:
        request = operations_pb2.GetOperationRequest(name=operation.name)

        def look() -> operations_pb2.Operation | None:
            found: operations_pb2.Operation = self._vcd.operations.GetOperation(request, metadata=self._alice)
            return found if found.done else None

        return wait_until(look, f"the end of {operation.name}", within_s=2 * LIMIT_S)

    def _machines(self, name: str) -> list[Any]:
        cloud = self._vcd.vcd.cloud
        with cloud.lock:
            return [vm for vapp in cloud.vapps if vapp.name == name for vm in cloud.vms_of(vapp)]

    def _workers(self, name: str) -> int:
        return sum(vm.name.startswith(Role.WORKER.value) for vm in self._machines(name))


def reason_of(operation: operations_pb2.Operation) -> str:
    """Why it has failed; empty if it has not."""
    for detail in operation.error.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Trial], Ending]]:
    """Begins all trials that were asked for at once."""
    wanted: list[Any] = [
        item.callspec.params["trial"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]
    with site(limits=LIMITS, lanes=LANES) as vcd:
        running = Trials(vcd, vcd.login("alice", "acme", "alice-secret"))
        try:
            for number, trial in enumerate(wanted):
                running.begin(trial, number)
            yield running.ending
        finally:
            running.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", TRIALS)
def test_nodes_go_whatever_happens_in_a_guest(run: Callable[[Trial], Ending], trial: Trial) -> None:
    ending = run(trial)
    message = ending.operation.error.message
    assert reason_of(ending.operation) == trial.reason, message
    assert ending.workers_at_last == 0
    if trial.operation != DELETE:  # which asks no guest
        assert ending.injected, "the fault has not hit anything"
    if trial.reason:
        assert trial.case.says in message
        assert re.search(r" failed at step \w+ on (mstr|node)-\w{4}: ", message)
        assert ending.workers == 1
        assert ending.next_operation is not None
        assert reason_of(ending.next_operation) == "", ending.next_operation.error.message
