"""Whatever goes wrong in guests, nodes and clusters go: not in this attempt, then in the next, or by force at once.

Nodes are removed, clusters resized and deleted while the faults of `REMOVALS` are on the control plane.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product, starmap

import pytest
from google.longrunning import operations_pb2

from cse_testing.clusters.guest_fault_cases import REMOVALS
from cse_testing.clusters.guest_faults import Case, Role
from cse_testing.clusters.guest_trials import LANES, LIMITS, Tenant, each_trial, side_by_side
from cse_testing.clusters.site import site
from cse_testing.operation_ends import reason_of
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
        return self.case.name == "drain-fails"


@dataclass(frozen=True)
class Ending:
    """How the first attempt has ended, and what there was then; and how the next one has."""

    operation: operations_pb2.Operation
    workers: int
    next_operation: operations_pb2.Operation | None
    workers_at_last: int
    injected: int


def attempt(alice: Tenant, operation: str, name: str) -> operations_pb2.Operation:
    """The operation as it ended."""
    vcd, metadata = alice.site, alice.metadata
    if operation == SHRINK:
        return alice.ended(vcd.resize(metadata, name, 0))
    if operation == DELETE:
        return alice.ended(vcd.delete(metadata, name))
    return alice.ended(vcd.remove_nodes(metadata, name, *workers(alice, name), force=operation == FORCE))


def workers(alice: Tenant, name: str) -> list[str]:
    return [machine for machine in alice.machines(name) or () if machine.startswith(Role.WORKER.value)]


def restart_hanging_guests(alice: Tenant, lane: str) -> None:
    """As an administrator would, before he tries again."""
    hypervisor = alice.site.vcd.hypervisor
    for guest in hypervisor.guests_of(lane):
        hypervisor.reset(guest.moid)


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Trial], Ending]]:
    with site(limits=LIMITS, lanes=LANES) as vcd:
        alice = Tenant(vcd, vcd.login("alice", "acme", "alice-secret"))

        def try_it(trial: Trial, name: str, lane: str) -> Ending:
            alice.have(name, lane, workers=1)
            with alice.going_wrong(trial.case, Role.CONTROL_PLANE, lane) as fault:
                operation = attempt(alice, trial.operation, name)
            left, again = len(workers(alice, name)), None
            if trial.reason:
                restart_hanging_guests(alice, lane)
                again = attempt(alice, trial.operation, name)
            at_last = len(workers(alice, name))
            if trial.operation != DELETE:
                alice.drop(name)
            return Ending(operation, left, again, at_last, fault.injected)

        with side_by_side(request, try_it) as ending:
            yield ending


@pytest.mark.timeout(900)
@each_trial(starmap(Trial, product(REMOVALS, (REMOVE, FORCE, SHRINK, DELETE))))
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
