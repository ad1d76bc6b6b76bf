"""What is done to one cluster, one operation after the other, and what must be true after each."""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import requests
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2
from cse.system.v1 import orphan_pb2, system_service_pb2
from cse_testing.chaos.field import LIMIT_S, Field, Stubs
from cse_testing.clusters.landscape import session_id
from cse_testing.operation_ends import metadata_of, reason_of
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.task import Task

SESSION_ENDED: Final = "SESSION_ENDED"
_KUBECTL: Final = "kubectl --kubeconfig /root/.kube/config get nodes -o json"


@dataclass
class Shape:
    """What a cluster consists of; no control plane: there is no cluster."""

    exists: bool = False
    workers: int = 0
    nfs: int = 0


@dataclass
class Outcome:
    """How one operation ended."""

    act: str
    request_id: str
    operation: operations_pb2.Operation

    @property
    def metadata(self) -> operation_pb2.OperationMetadata:
        return metadata_of(self.operation)

    @property
    def reason(self) -> str:
        """Why it failed; empty if it did not."""
        return reason_of(self.operation)


@dataclass
class Lane:
    """One cluster, by its name; `request_ids` of its acts are known before they begin, so that they can be planned."""

    field: Field
    name: str
    vdc: str = "acme-vdc"
    network: str = "acme-net"
    shape: Shape = dataclasses.field(default_factory=Shape)
    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    request_ids: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._token = self._lasting_token = ""

    def request_id(self, act: str) -> str:
        return self.request_ids.setdefault(act, str(uuid.uuid4()))

    def log_in(self) -> None:
        """Begins a session of its own."""
        self._token = self._session("alice", "acme", "alice-secret")

    def metadata(self, request_id: str = "") -> tuple[tuple[str, str], ...]:
        if not self._token:
            self.log_in()
        call = (("x-vcloud-authorization", self._token), ("x-vcloud-api-version", "31.0"))
        return (*call, ("x-request-id", request_id)) if request_id else call

    @property
    def target(self) -> str:
        return f"orgs/-/vdcs/-/clusters/{self.name}"

    # ---- what can be done

    def begin(self, act: str, call: Callable[[Stubs, str, Any], operations_pb2.Operation]) -> Outcome:
        """Begins an operation, with the same request id until an answer came."""
        request_id = self.request_id(act)
        metadata = self.metadata(request_id)
        operation = self.field.call(lambda stubs: call(stubs, request_id, metadata))
        return Outcome(act, request_id, operation)

    def end(self, outcome: Outcome, *, within_s: float = LIMIT_S) -> Outcome:
        """Waits for its end."""
        outcome.operation = self.field.ended(outcome.operation.name, self.metadata_that_lasts, within_s=within_s)
        self.outcomes.append(outcome)
        return outcome

    def metadata_that_lasts(self) -> tuple[tuple[str, str], ...]:
        """Of an administrator, whose session the lane's acts do not end."""
        if not self._lasting_token:
            self._lasting_token = self._session("administrator", "System", "vcd-secret")
        return (("x-vcloud-authorization", self._lasting_token), ("x-vcloud-api-version", "31.0"))

    def _session(self, user: str, org: str, password: str) -> str:
        """Logs in, as often as a vCD that is disturbed makes necessary."""
        until = time.monotonic() + LIMIT_S
        while True:
            try:
                return session_id(self.field.vcd, user, org, password)
            except requests.RequestException:
                assert time.monotonic() < until, f"{user} cannot log in"
                time.sleep(0.05)

    def create(self, act: str, *, workers: int = 2, nfs: bool = False, rolls_back: bool = True, **pool: Any) -> Outcome:
        cluster = cluster_pb2.Cluster(
            network=self.network, worker_pool=cluster_pb2.NodePool(node_count=workers, **pool), nfs_enabled=nfs
        )
        return self.begin(
            act,
            lambda stubs, request_id, metadata: stubs.clusters.CreateCluster(
                cluster_service_pb2.CreateClusterRequest(
                    parent=f"orgs/-/vdcs/{self.vdc}",
                    cluster_id=self.name,
                    cluster=cluster,
                    request_id=request_id,
                    rollback_on_failure=rolls_back,
                ),
                metadata=metadata,
                timeout=20,
            ),
        )

    def delete(self, act: str) -> Outcome:
        return self.begin(
            act,
            lambda stubs, request_id, metadata: stubs.clusters.DeleteCluster(
                cluster_service_pb2.DeleteClusterRequest(name=self.target, request_id=request_id),
                metadata=metadata,
                timeout=20,
            ),
        )

    def add_nodes(self, act: str, count: int, *, nfs: bool = False, rolls_back: bool = True, **pool: Any) -> Outcome:
        return self.begin(
            act,
            lambda stubs, request_id, metadata: stubs.clusters.AddNodes(
                cluster_service_pb2.AddNodesRequest(
                    name=self.target,
                    pool=cluster_pb2.NodePool(node_count=count, **pool),
                    role=cluster_pb2.Node.ROLE_NFS if nfs else cluster_pb2.Node.ROLE_WORKER,
                    rollback_on_failure=rolls_back,
                    request_id=request_id,
                ),
                metadata=metadata,
                timeout=20,
            ),
        )

    def remove_nodes(self, act: str, *nodes: str, force: bool = False) -> Outcome:
        return self.begin(
            act,
            lambda stubs, request_id, metadata: stubs.clusters.RemoveNodes(
                cluster_service_pb2.RemoveNodesRequest(
                    name=self.target, node_ids=nodes, force=force, request_id=request_id
                ),
                metadata=metadata,
                timeout=20,
            ),
        )

    def resize(self, act: str, workers: int) -> Outcome:
        return self.begin(
            act,
            lambda stubs, request_id, metadata: stubs.clusters.ResizeCluster(
                cluster_service_pb2.ResizeClusterRequest(name=self.target, worker_count=workers, request_id=request_id),
                metadata=metadata,
                timeout=20,
            ),
        )

    def reclaim(self, act: str) -> Outcome:
        """Deletes what was left behind under the name of this cluster, as an administrator who has looked for it."""
        names = [orphan.name for orphan in self.orphans() if orphan.cluster == self.name]
        assert len(names) == 1, f"{self.name}: the orphans are {names}"
        request_id = self.request_id(act)
        request = system_service_pb2.ReclaimRequest(names=names, execute=True, request_id=request_id)
        metadata = (*self.metadata_that_lasts(), ("x-request-id", request_id))
        operation = self.field.call(lambda stubs: stubs.system.Reclaim(request, metadata=metadata, timeout=20))
        return Outcome(act, request_id, operation)

    # ---- what there is

    def orphans(self) -> list[orphan_pb2.Orphan]:
        """What the service says was left behind, whatever cluster it is of."""
        request, metadata = system_service_pb2.ListOrphansRequest(), self.metadata_that_lasts()
        found = self.field.call(lambda stubs: stubs.system.ListOrphans(request, metadata=metadata, timeout=20))
        return list(found.orphans)

    def vapps(self) -> list[Vapp]:
        cloud = self.field.vcd.cloud
        with cloud.lock:
            return [vapp for vapp in cloud.vapps if vapp.name == self.name]

    def machines(self, role: str = "") -> list[Vm]:
        """The machines of the cluster, or those of a role (`mstr`, `node`, `nfsd`), oldest first."""
        cloud = self.field.vcd.cloud
        with cloud.lock:
            found = [vm for vapp in self.vapps() for vm in cloud.vms_of(vapp) if vm.name.startswith(role)]
        return sorted(found, key=lambda vm: (vm.created, vm.name))

    def names(self, role: str) -> list[str]:
        return [vm.name for vm in self.machines(role)]

    def kubernetes_nodes(self) -> dict[str, tuple[bool, bool]]:
        """What kubectl says: whether each node is ready, and takes pods."""
        (control_plane,) = self.machines("mstr")
        code, out, error = self.field.vcd.hypervisor.execute(control_plane.moid, _KUBECTL)
        assert code == 0, error
        return {
            item["metadata"]["name"]: (
                any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"]["conditions"]),
                not item["spec"].get("unschedulable", False),
            )
            for item in json.loads(out)["items"]
        }

    def task(self, outcome: Outcome) -> Task | None:
        """What shows the operation in vCD; reclaiming, which is nobody's, is not shown."""
        if not outcome.metadata.task_href:
            return None
        cloud = self.field.vcd.cloud
        with cloud.lock:
            return cloud.tasks.tasks[outcome.metadata.task_href.rpartition("/")[2]]

    def check(self) -> None:
        """The cluster is as its shape says, and nothing more, or less."""
        if not self.shape.exists:
            assert not self.vapps(), f"{self.name}: a vApp is left"
            return
        assert len(self.vapps()) == 1, f"{self.name}: {len(self.vapps())} vApps"
        counted = {role: len(self.machines(role)) for role in ("mstr", "node", "nfsd")}
        assert counted == {"mstr": 1, "node": self.shape.workers, "nfsd": self.shape.nfs}, f"{self.name}: {counted}"
        assert len(self.machines()) == sum(counted.values()), f"{self.name}: other machines"
        off = [vm.name for vm in self.machines() if not vm.is_on]
        assert not off, f"{self.name}: {off} are off"
        known = self.kubernetes_nodes()
        wanted = {vm.name: (True, True) for vm in self.machines() if not vm.name.startswith("nfsd")}
        assert known == wanted, f"{self.name}: Kubernetes knows {known}, there are {sorted(wanted)}"

    def check_told(self, outcome: Outcome, expected: str = "") -> None:
        """The operation ended with this reason, or well, and vCD's task says the same."""
        message = outcome.operation.error.message
        assert outcome.reason == expected, f"{self.name}, {outcome.act}: {outcome.reason}: {message}"
        task = self.task(outcome)
        if task is not None:
            wanted = "error" if expected else "success"
            assert task.status == wanted, f"{self.name}, {outcome.act}: its task is {task.status}"
            return
        answer = system_service_pb2.ReclaimResponse()
        assert outcome.operation.response.Unpack(answer), f"{self.name}, {outcome.act}: it has no task"
        outcomes = [each.outcome for each in answer.results]
        assert outcomes == [orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED], f"{self.name}, {outcome.act}: {answer}"
