"""Everything that the simulator can make go wrong in a guest ends operations in time, with a reason, and tidily.

A fault of the simulator that has no case fails the first test. Each case runs while nodes of each role are made, with a
cluster and later, with and without rollback.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product, starmap

import pytest
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2
from cse_templates.adapters.directories import builtin_directory, shared_directory
from cse_testing.clusters.guest_fault_cases import CASES
from cse_testing.clusters.guest_faults import Case, Role, faults_of_guests
from cse_testing.clusters.guest_trials import LANES, LIMITS, Tenant, each_trial, side_by_side
from cse_testing.clusters.site import VCLOUD, Site, site
from cse_testing.operation_ends import metadata_of, reason_of
from cse_testing.waiting import wait_until
from vcd_simulator.faults import ProgramHangs

CREATE, ADD = "create", "add"


@dataclass(frozen=True)
class Trial:
    """A case, and what is done while it goes wrong."""

    case: Case
    role: Role
    operation: str
    rollback: bool

    def __str__(self) -> str:
        verb = f"{self.operation}-{self.role.name.lower().replace('_', '-')}"
        return f"{self.case.name}-{verb}" + ("" if self.rollback else "-left")

    @property
    def reason(self) -> str:
        """What it has to end with; empty for a success."""
        if self.operation == ADD and self.role is Role.CONTROL_PLANE:
            return self.case.on_old or ""
        return self.case.reason

    @property
    def is_possible(self) -> bool:
        """Whether the fault can happen then, and whether a rollback would make a difference."""
        there = self.role in self.case.roles
        if self.operation == ADD and self.role is Role.CONTROL_PLANE:
            there = self.case.on_old is not None
        return there and (self.rollback or bool(self.reason))

    @property
    def is_quick(self) -> bool:
        """Each fault once in a creation and once in an addition, the roles taking turns."""
        role = self.case.roles[CASES.index(self.case) % len(self.case.roles)]
        return self.role is role and (self.operation == CREATE) is self.rollback


@dataclass(frozen=True)
class Ending:
    """How an operation has ended, and what there was then."""

    operation: operations_pb2.Operation
    task: tuple[str, str, str]
    """The vCD task's status, and its error's code and message."""
    nodes: list[str] | None
    """None when the vApp is gone."""
    nodes_before: list[str] | None


def create(alice: Tenant, trial: Trial, name: str, lane: str) -> Ending:
    with going_wrong(alice, trial, lane):
        creation = alice.create(name, lane, workers=1, nfs_enabled=True, rollback_on_failure=trial.rollback)
        return ending_of(alice, creation, name, None)


def add(alice: Tenant, trial: Trial, name: str, lane: str) -> Ending:
    alice.have(name, lane, workers=0)
    before = alice.machines(name)
    role = cluster_pb2.Node.ROLE_NFS if trial.role is Role.NFS else cluster_pb2.Node.ROLE_WORKER
    with going_wrong(alice, trial, lane):
        addition = alice.site.add_nodes(alice.metadata, name, role=role, rollback_on_failure=trial.rollback)
        return ending_of(alice, addition, name, before)


@contextmanager
def going_wrong(alice: Tenant, trial: Trial, lane: str) -> Iterator[None]:
    with alice.going_wrong(trial.case, trial.role, lane) as fault:
        yield
        assert fault.injected, "the fault has not hit anything"


def ending_of(alice: Tenant, operation: operations_pb2.Operation, name: str, before: list[str] | None) -> Ending:
    ended = alice.ended(operation)
    task = alice.site.send("GET", metadata_of(ended).task_href, alice.metadata)
    error = task.find("v:Error", VCLOUD)
    told = ("", "") if error is None else (error.get("minorErrorCode", ""), error.get("message", ""))
    return Ending(ended, (task.get("status", ""), *told), alice.machines(name), before)


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Workers of `ubuntu-16.04` join, but their kubelet stops."""
    folder = tmp_path_factory.mktemp("templates")
    shutil.copytree(str(builtin_directory() / "ubuntu-16.04"), folder / "ubuntu-16.04")
    join = (shared_directory() / "node.sh").read_text()
    (folder / "ubuntu-16.04" / "node.sh").write_text(f"{join}systemctl stop kubelet\n")
    with site(limits=LIMITS, lanes=LANES, templates_dir=folder) as running:
        yield running


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Tenant:
    return Tenant(vcd, vcd.login("alice", "acme", "alice-secret"))


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, alice: Tenant) -> Iterator[Callable[[Trial], Ending]]:
    def try_it(trial: Trial, name: str, lane: str) -> Ending:
        ending = (create if trial.operation == CREATE else add)(alice, trial, name, lane)
        if ending.nodes is not None:
            alice.drop(name)
        return ending

    with side_by_side(request, try_it) as ending:
        yield ending


def test_every_fault_that_a_guest_can_have_is_tried() -> None:
    assert {case.kind for case in CASES} == set(faults_of_guests())


def test_a_node_that_never_becomes_ready_is_named(alice: Tenant) -> None:
    ended = alice.ended(alice.site.create(alice.metadata, "unready", workers=2, template="ubuntu-16.04"))
    assert reason_of(ended) == "NODES_NOT_READY"
    assert re.search(
        r" failed at step verify_nodes on mstr-\w+: after 0:00:12: (node-\w+ is not Ready(, )?){2}\. Everything was",
        ended.error.message,
    )


def test_a_guest_that_is_restarted_amid_its_script_is_set_up_all_the_same(alice: Tenant) -> None:
    simulator = alice.site.vcd
    hanging = simulator.faults.add(program="kubeadm join*", vcenter="vc1", error=ProgramHangs())
    operation = alice.site.create(alice.metadata, "restarted", workers=1)
    wait_until(lambda: hanging.injected == 1, "a worker to join")
    (worker,) = (each for each in simulator.hypervisor.guests_of("vc1") if each.names[0].startswith("node-"))
    simulator.hypervisor.reset(worker.moid)
    alice.site.succeeded(operation, alice.metadata)


@each_trial(starmap(Trial, product(CASES, Role, (CREATE, ADD), (True, False))))
def test_an_operation_ends_whatever_happens_in_a_guest(run: Callable[[Trial], Ending], trial: Trial) -> None:
    ending = run(trial)
    message = ending.operation.error.message
    assert reason_of(ending.operation) == trial.reason, message
    if not trial.reason:
        assert ending.task[0] == "success"
        return
    assert trial.case.says in message
    assert f" on {trial.role.value}-" in message
    assert ending.task == ("error", trial.reason, message)
    if trial.rollback:
        assert message.endswith("Everything was taken back." if trial.operation == CREATE else "were taken back.")
        assert ending.nodes == ending.nodes_before
    else:
        assert "left" in message
        assert ending.nodes is not None
        assert len(ending.nodes) == (3 if trial.operation == CREATE else 2)
