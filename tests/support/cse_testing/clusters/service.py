"""The cluster manager's use cases over an in-memory world."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from cse_clusters.application.accepting import Acceptance, Submission
from cse_clusters.application.changing_nodes import NodeChanges
from cse_clusters.application.creating import ClusterCreation
from cse_clusters.application.deleting import ClusterDeletion
from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.kubeconfig import Kubeconfigs
from cse_clusters.application.material import Materials
from cse_clusters.application.nodes import NodeReader
from cse_clusters.application.operation_access import OperationAccess
from cse_clusters.application.operation_kinds import operation_kinds
from cse_clusters.application.orphans import Orphans
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.reclaiming import ReclaimOperation
from cse_clusters.application.service import ClusterUseCases
from cse_clusters.application.sweep import Sweep
from cse_clusters.application.system import SystemState
from cse_clusters.domain.access import Caller
from cse_clusters.domain.new_cluster import NewCluster, NodePool
from cse_clusters.domain.node_changes import NewNodes
from cse_core.names import ClusterName, VdcName
from cse_core.operations import Operation, Operations
from cse_core.operations.in_memory import InMemoryOperations
from cse_testing.clusters.fake_cloud import credentials
from cse_testing.clusters.guests import FakeGuests, FakeTemplates
from cse_testing.clusters.world import FakeBoard, FakeVcd
from cse_testing.waiting import LIMIT_S

UNKNOWN_AFTER = timedelta(hours=2)
PATIENT = Limits(
    **dict.fromkeys(("placing", "boot", "script", "mint", "drain", "ready", "busy", "outage"), timedelta(minutes=1))
)
"""For what takes no time here, whatever else the machine does."""
HURRIED = replace(PATIENT, **dict.fromkeys(("ready", "busy", "outage"), timedelta(seconds=1)))
"""For tests in which somebody waits in vain."""


def a_cluster(
    name: str = "demo", *, vdc: str = "dev", org: str = "acme", workers: int = 2, **fields: Any
) -> NewCluster:
    """A request for a cluster that is fine."""
    pool = NodePool(
        node_count=workers,
        cpu_count=fields.pop("cpu_count", 0),
        memory_mb=fields.pop("memory_mb", 0),
        storage_profile=fields.pop("storage_profile", ""),
    )
    return NewCluster(vdc=VdcName(org, vdc), name=name, network=fields.pop("network", "net"), workers=pool, **fields)


class ClustersInMemory:
    """Everything but gRPC and vCD. Orgs `acme` (alice, bob) and `globex` (carol), VDCs `dev` and `prod`, an admin."""

    def __init__(
        self,
        *,
        enforce_rights: bool = False,
        max_running: int = 8,
        limits: Limits = PATIENT,
        exports_within_s: float = LIMIT_S,
    ) -> None:
        self.vcd = FakeVcd()
        self.vcd.add_org("System", "admin")
        self.vcd.add_org("acme", "alice", "bob")
        self.vcd.add_org("globex", "carol")
        self.dev = self.vcd.add_vdc("acme", "dev", profiles=("*", "gold"))
        self.prod = self.vcd.add_vdc("acme", "prod")
        self.vcd.add_vdc("globex", "dev")
        self.guests = FakeGuests()
        self.templates = FakeTemplates()
        self.board = FakeBoard(self.vcd)
        ports = OperationPorts(
            inventory=self.vcd, host=self.vcd, guests=self.guests, board=self.board, templates=self.templates
        )
        self._lookups = ThreadPoolExecutor(8)
        reclaiming = ReclaimOperation(ports, limits, self._sweep)
        self.operations = InMemoryOperations(
            [*operation_kinds(ports, version="0.1.0", limits=limits), reclaiming.kind()], max_running=max_running
        )
        self.reclaiming = reclaiming.kind()
        self.sweep = reclaiming.use(self.operations)
        deadline = timedelta(minutes=5)
        acceptance = Acceptance(self.vcd, self.board, self.operations, enforce_rights=enforce_rights)
        directory = ClusterDirectory(self.vcd, self.operations)
        self._materials = materials = Materials(self.vcd, self.templates, lookups=self._lookups)
        access = OperationAccess(self.vcd, acceptance, self.vcd)
        self.use_cases = ClusterUseCases(
            callers=self.vcd,
            state=SystemState(self.operations),
            directory=directory,
            creation=ClusterCreation(acceptance, self.vcd, materials, self.operations, deadline=deadline),
            deletion=ClusterDeletion(acceptance, directory, self.operations, access, deadline=deadline),
            kubeconfigs=Kubeconfigs(directory, self.vcd, self.vcd, self.guests, self.templates),
            nodes=NodeReader(
                directory,
                self.vcd,
                self.guests,
                self.templates,
                asking=self._lookups,
                exports_within_s=exports_within_s,
            ),
            node_changes=NodeChanges(acceptance, directory, self.vcd, materials, deadline=deadline),
            operation_access=access,
            orphans=Orphans(self.sweep, self.operations, deadline=deadline),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.operations.close(LIMIT_S)
        self._lookups.shutdown(wait=True)

    def another_creation(self) -> ClusterCreation:
        """The use case as another replica has it, which shares vCD and the operations with this one."""
        acceptance = Acceptance(self.vcd, self.board, self.operations, enforce_rights=False)
        return ClusterCreation(acceptance, self.vcd, self._materials, self.operations, deadline=timedelta(minutes=5))

    def _sweep(self, operations: Operations) -> Sweep:
        return Sweep(
            self.vcd,
            operations,
            unknown_after=UNKNOWN_AFTER,
            clock=lambda: datetime.now(UTC),
            lookups=self._lookups,
        )

    def reclaim(self, *names: str, execute: bool = True, user: str = "admin") -> Operation:
        submission = Submission.of("", lambda: True)
        return self.use_cases.orphans.reclaim(self.caller(user), names, submission, execute=execute)

    def caller(self, user: str = "alice") -> Caller:
        return self.vcd.identify(credentials(user))

    def create(
        self,
        request: NewCluster | None = None,
        *,
        user: str = "alice",
        request_id: str = "",
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Operation:
        submission = Submission.of(request_id, is_wanted)
        return self.use_cases.creation.accept(self.caller(user), request or a_cluster(), submission)

    def delete(self, name: str = "demo", *, user: str = "alice", request_id: str = "", vdc: str = "-") -> Operation:
        submission = Submission.of(request_id, lambda: True)
        return self.use_cases.deletion.accept(self.caller(user), ClusterName("-", vdc, name), submission)

    def add_nodes(
        self, count: int = 1, *, name: str = "demo", user: str = "alice", request_id: str = "", **fields: Any
    ) -> Operation:
        pool = NodePool(
            node_count=count,
            cpu_count=fields.pop("cpu_count", 0),
            memory_mb=fields.pop("memory_mb", 0),
            storage_profile=fields.pop("storage_profile", ""),
        )
        request, submission = NewNodes(pool=pool, **fields), Submission.of(request_id, lambda: True)
        return self.use_cases.node_changes.add(self.caller(user), ClusterName("-", "-", name), request, submission)

    def remove_nodes(
        self, *nodes: str, name: str = "demo", user: str = "alice", request_id: str = "", force: bool = False
    ) -> Operation:
        submission = Submission.of(request_id, lambda: True)
        return self.use_cases.node_changes.remove(
            self.caller(user), ClusterName("-", "-", name), nodes, submission, force=force
        )

    def resize(self, workers: int, *, name: str = "demo", user: str = "alice", request_id: str = "") -> Operation:
        submission = Submission.of(request_id, lambda: True)
        return self.use_cases.node_changes.resize(self.caller(user), ClusterName("-", "-", name), workers, submission)

    def nodes(self, prefix: str, name: str = "demo") -> list[str]:
        """Names of the nodes of one role, oldest first."""
        (vapp,) = (each for each in self.vcd.vapps.values() if each.name == name)
        return [node for node in vapp.machines if node.startswith(f"{prefix}-")]

    def finished(self, operation: Operation) -> Operation:
        """The operation as it ended; fails if it does not end."""
        ended = self.operations.wait(operation.id, LIMIT_S)
        assert ended.state.is_final, ended
        return ended

    def created(self, request: NewCluster | None = None, **arguments: Any) -> Operation:
        """A creation that has ended well."""
        ended = self.finished(self.create(request, **arguments))
        assert ended.error is None, ended.error
        return ended
