"""Everything that the simulator can make go wrong in a guest ends operations in time, with a reason, and tidily.

A fault of the simulator that has no case fails the first test. Each case runs while nodes of each role are made, with a
cluster and later, with and without rollback. The cases share one site; each has a VDC and a vCenter to itself while it
runs, so that several can run side by side: nearly all of their time is waiting for limits.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from queue import SimpleQueue
from typing import Any

import pytest
from google.longrunning import operations_pb2
from google.rpc import error_details_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2
from cse_templates.adapters.directories import builtin_directory, shared_directory
from cse_testing.clusters.guest_faults import CASES, LANES, LIMITS, Case, Role, faults_of_guests
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.faults import ProgramHangs

VCLOUD = {"v": "http://www.vmware.com/vcloud/v1.5"}
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
        """Whether `make test` has it: each fault once in a creation and once in an addition, the roles taking turns."""
        role = self.case.roles[CASES.index(self.case) % len(self.case.roles)]
        return self.role is role and (self.operation == CREATE) is self.rollback


def trials() -> Iterator[Trial]:
    for case, role, operation, rollback in product(CASES, Role, (CREATE, ADD), (True, False)):
        trial = Trial(case, role, operation, rollback)
        if trial.is_possible:
            yield trial


TRIALS = [pytest.param(each, marks=() if each.is_quick else pytest.mark.long, id=str(each)) for each in trials()]


@dataclass(frozen=True)
class Ending:
    """How an operation has ended, and what there was then."""

    operation: operations_pb2.Operation
    task: tuple[str, str, str]
    """The vCD task's status, and its error's code and message."""
    nodes: list[str] | None
    """None when the vApp is gone."""
    nodes_before: list[str] | None


def reason_of(operation: operations_pb2.Operation) -> str:
    """Why it has failed; empty if it has not."""
    for detail in operation.error.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


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
        self._endings[str(trial)] = self._pool.submit(self._run, trial, f"c{number}")

    def ending(self, trial: Trial) -> Ending:
        return self._endings[str(trial)].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, trial: Trial, name: str) -> Ending:
        lane = self._lanes.get()
        try:
            run = self._create if trial.operation == CREATE else self._add
            ending = run(trial, name, lane)
            if ending.nodes is not None:
                self._delete(name)
            return ending
        finally:
            self._lanes.put(lane)

    def _create(self, trial: Trial, name: str, lane: str) -> Ending:
        with self._going_wrong(trial, lane):
            operation = self._vcd.create(
                self._alice,
                name,
                workers=1,
                nfs_enabled=True,
                vdc=f"{lane}-vdc",
                rollback_on_failure=trial.rollback,
            )
            return self._ending(operation, name, None)

    def _add(self, trial: Trial, name: str, lane: str) -> Ending:
        created = self._vcd.ended(self._vcd.create(self._alice, name, workers=0, vdc=f"{lane}-vdc"), self._alice)
        assert not created.HasField("error"), created.error.message
        before = self._nodes(name)
        request = cluster_service_pb2.AddNodesRequest(
            name=_named(name),
            pool=cluster_pb2.NodePool(node_count=1),
            role=cluster_pb2.Node.ROLE_NFS if trial.role is Role.NFS else cluster_pb2.Node.ROLE_WORKER,
            rollback_on_failure=trial.rollback,
        )
        with self._going_wrong(trial, lane):
            operation = self._vcd.clusters.AddNodes(request, metadata=self._alice, timeout=LIMIT_S)
            return self._ending(operation, name, before)

    @contextmanager
    def _going_wrong(self, trial: Trial, lane: str) -> Iterator[None]:
        faults = self._vcd.vcd.faults
        fault = faults.add(**trial.case.fault(trial.role, lane))
        try:
            yield
            assert fault.injected, "the fault has not hit anything"
        finally:
            faults.remove(fault)

    def _ending(self, operation: operations_pb2.Operation, name: str, before: list[str] | None) -> Ending:
        ended = self._vcd.ended(operation, self._alice)
        metadata = operation_pb2.OperationMetadata()
        assert ended.metadata.Unpack(metadata)
        task = self._vcd.send("GET", metadata.task_href, self._alice)
        error = task.find("v:Error", VCLOUD)
        told = ("", "") if error is None else (error.get("minorErrorCode", ""), error.get("message", ""))
        return Ending(ended, (task.get("status", ""), *told), self._nodes(name), before)

    def _nodes(self, name: str) -> list[str] | None:
        """Names of the machines in the vApp."""
        query = f"{self._vcd.vcd.url}/api/query?type=vApp&format=records&filter=name=={name}"
        record = self._vcd.send("GET", query, self._alice).find("v:VAppRecord", VCLOUD)
        if record is None:
            return None
        vapp = self._vcd.send("GET", str(record.get("href")), self._alice)
        return sorted(str(machine.get("name")) for machine in vapp.iterfind("v:Children/v:Vm", VCLOUD))

    def _delete(self, name: str) -> None:
        request = cluster_service_pb2.DeleteClusterRequest(name=_named(name))
        deleted = self._vcd.ended(
            self._vcd.clusters.DeleteCluster(request, metadata=self._alice, timeout=LIMIT_S), self._alice
        )
        assert not deleted.HasField("error"), deleted.error.message


def _named(cluster: str) -> str:
    return f"orgs/-/vdcs/-/clusters/{cluster}"


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
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, vcd: Site, alice: Metadata) -> Iterator[Callable[[Trial], Ending]]:
    """Begins all trials that were asked for at once."""
    wanted: list[Any] = [
        item.callspec.params["trial"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]
    running = Trials(vcd, alice)
    try:
        for number, trial in enumerate(wanted):
            running.begin(trial, number)
        yield running.ending
    finally:
        running.close()


def test_every_fault_that_a_guest_can_have_is_tried() -> None:
    assert {case.kind for case in CASES} == set(faults_of_guests())


def test_a_node_that_never_becomes_ready_is_named(vcd: Site, alice: Metadata) -> None:
    ended = vcd.ended(vcd.create(alice, "unready", workers=2, template="ubuntu-16.04"), alice)
    assert reason_of(ended) == "NODES_NOT_READY"
    assert re.search(
        r" failed at step verify_nodes on mstr-\w+: after 0:00:12: (node-\w+ is not Ready(, )?){2}\. Everything was",
        ended.error.message,
    )


def test_a_guest_that_is_restarted_amid_its_script_is_set_up_all_the_same(vcd: Site, alice: Metadata) -> None:
    simulator = vcd.vcd
    hanging = simulator.faults.add(program="kubeadm join*", vcenter="vc1", error=ProgramHangs())
    operation = vcd.create(alice, "restarted", workers=1)
    wait_until(lambda: hanging.injected == 1, "a worker to join")
    (worker,) = (each for each in simulator.hypervisor.guests_of("vc1") if each.names[0].startswith("node-"))
    simulator.hypervisor.reset(worker.moid)
    ended = vcd.ended(operation, alice)
    assert not ended.HasField("error"), ended.error.message


@pytest.mark.parametrize("trial", TRIALS)
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
