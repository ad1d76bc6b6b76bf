"""`ClusterService` as clients see it: over real gRPC."""

import threading
import uuid
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2, empty_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2, operation_service_pb2
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.clients import Clients, token
from cse_testing.waiting import LIMIT_S

ALICE, CAROL, ADMIN = token("alice"), token("carol"), token("admin")
NAME = "orgs/acme/vdcs/dev/clusters/demo"


def a_request(**fields: Any) -> cluster_service_pb2.CreateClusterRequest:
    cluster = cluster_pb2.Cluster(network="net", worker_pool=cluster_pb2.NodePool(node_count=fields.pop("workers", 1)))
    defaults: dict[str, Any] = {"parent": "orgs/-/vdcs/dev", "cluster_id": "demo", "rollback_on_failure": True}
    return cluster_service_pb2.CreateClusterRequest(**{**defaults, "cluster": cluster, **fields})


def ended(clients: Clients, operation: operations_pb2.Operation) -> operations_pb2.Operation:
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=duration_pb2.Duration(seconds=int(LIMIT_S))
    )
    found: operations_pb2.Operation = clients.operations.WaitOperation(request, metadata=ADMIN, timeout=LIMIT_S)
    assert found.done
    return found


def refused(call: Any, request: Any, metadata: Any = ALICE) -> errors.CseError:
    with pytest.raises(grpc.RpcError) as raised:
        call(request, metadata=metadata, timeout=LIMIT_S)
    return error_of(raised.value)


def test_a_cluster_from_beginning_to_end(clients: Clients) -> None:
    operation = clients.clusters.CreateCluster(a_request(workers=2), metadata=ALICE)
    metadata = operation_pb2.OperationMetadata()
    assert operation.metadata.Unpack(metadata)
    assert (metadata.kind, metadata.target) == ("CREATE_CLUSTER", NAME)
    assert str(uuid.UUID(metadata.target_uid)) == metadata.target_uid
    assert metadata.task_href.startswith("https://vcd.example.com/api/task/")

    cluster = cluster_pb2.Cluster()
    assert ended(clients, operation).response.Unpack(cluster)
    assert (cluster.name, cluster.state) == (NAME, cluster_pb2.Cluster.STATE_READY)
    assert (cluster.worker_pool.node_count, cluster.control_plane_pool.node_count) == (2, 1)

    shown = clients.clusters.GetCluster(cluster_service_pb2.GetClusterRequest(name=NAME), metadata=ALICE)
    assert shown == cluster
    assert [node.role for node in shown.nodes] == [
        cluster_pb2.Node.ROLE_CONTROL_PLANE,
        cluster_pb2.Node.ROLE_WORKER,
        cluster_pb2.Node.ROLE_WORKER,
    ]
    assert shown.nodes[0].name.startswith(f"{NAME}/nodes/mstr-")
    assert (shown.vapp.vdc_name, shown.vapp.status, shown.vapp.vm_count) == ("dev", "POWERED_ON", 3)

    request = cluster_service_pb2.GetKubeconfigRequest(name="orgs/-/vdcs/-/clusters/demo")
    assert clients.clusters.GetKubeconfig(request, metadata=ALICE).kubeconfig.startswith("apiVersion: v1")

    deletion = clients.clusters.DeleteCluster(cluster_service_pb2.DeleteClusterRequest(name=NAME), metadata=ALICE)
    assert ended(clients, deletion).response.Is(empty_pb2.Empty.DESCRIPTOR)
    assert refused(clients.clusters.GetCluster, cluster_service_pb2.GetClusterRequest(name=NAME)).code == (
        "CLUSTER_NOT_FOUND"
    )


def test_watching_replays_and_follows_to_the_end(clients: Clients) -> None:
    operation = clients.clusters.CreateCluster(a_request(), metadata=ALICE)
    request = operation_service_pb2.WatchOperationRequest(name=operation.name)
    events = [each.event for each in clients.watching.WatchOperation(request, metadata=ALICE, timeout=LIMIT_S)]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].state == operation_pb2.OPERATION_STATE_SUCCEEDED
    assert events[-1].progress_percent == 100
    assert [event.progress_percent for event in events] == sorted(event.progress_percent for event in events)
    assert any(event.node.startswith("node-") for event in events)
    resumed = operation_service_pb2.WatchOperationRequest(name=operation.name, from_sequence=len(events))
    assert [each.event for each in clients.watching.WatchOperation(resumed, metadata=ALICE, timeout=LIMIT_S)] == events[
        -1:
    ]


def test_repeating_a_request_id_returns_the_first_operation(clients: Clients) -> None:
    request = a_request(request_id=str(uuid.uuid4()))
    first, again = (clients.clusters.CreateCluster(request, metadata=ALICE) for _ in range(2))
    assert again.name == first.name


def test_lists_come_in_pages(clients: Clients) -> None:
    for number in range(3):
        metadata = {CLUSTER_ID: f"{number}", CONTROL_PLANE_IP: "10.0.0.1"}
        clients.world.vcd.add_vapp(clients.world.dev, f"c{number}", metadata=metadata)
    request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-", page_size=2)
    first = clients.clusters.ListClusters(request, metadata=ALICE)
    request.page_token = first.next_page_token
    second = clients.clusters.ListClusters(request, metadata=ALICE)
    assert [[each.name.rpartition("/")[2] for each in page.clusters] for page in (first, second)] == [
        ["c0", "c1"],
        ["c2"],
    ]
    assert second.next_page_token == ""
    assert not first.clusters[0].nodes


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "TOKEN_MISSING"),
        ((("x-vcloud-authorization", "a b"),), "TOKEN_INVALID"),
        ((("authorization", "Bearer nobody's"),), "UNAUTHENTICATED"),
    ],
)
def test_a_call_without_a_good_token_is_refused(clients: Clients, metadata: Any, reason: str) -> None:
    for call, request in (
        (clients.clusters.ListClusters, cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")),
        (clients.clusters.CreateCluster, a_request()),
        (clients.clusters.ResizeCluster, cluster_service_pb2.ResizeClusterRequest(name=NAME)),
        (clients.operations.GetOperation, operations_pb2.GetOperationRequest(name="operations/x")),
    ):
        error = refused(call, request, metadata)
        assert isinstance(error, errors.UnauthenticatedError)
        assert error.code == reason


def test_operations_are_for_their_org_and_for_administrators(clients: Clients) -> None:
    operation = clients.clusters.CreateCluster(a_request(), metadata=ALICE)
    ended(clients, operation)
    get = operations_pb2.GetOperationRequest(name=operation.name)
    assert clients.operations.GetOperation(get, metadata=token("bob")).name == operation.name
    assert clients.operations.GetOperation(get, metadata=ADMIN).name == operation.name
    for call, request in (
        (clients.operations.GetOperation, get),
        (clients.operations.CancelOperation, operations_pb2.CancelOperationRequest(name=operation.name)),
        (clients.operations.WaitOperation, operations_pb2.WaitOperationRequest(name=operation.name)),
        (clients.operations.DeleteOperation, operations_pb2.DeleteOperationRequest(name=operation.name)),
    ):
        assert refused(call, request, CAROL).code == "OPERATION_NOT_FOUND"
    watch = operation_service_pb2.WatchOperationRequest(name=operation.name)
    assert refused(lambda *a, **k: list(clients.watching.WatchOperation(*a, **k)), watch, CAROL).code == (
        "OPERATION_NOT_FOUND"
    )
    listed = clients.operations.ListOperations(operations_pb2.ListOperationsRequest(), metadata=CAROL)
    assert not listed.operations


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"parent": "vdcs/dev"}, "parent"),
        ({"parent": "orgs/%ff/vdcs/dev"}, "parent"),
        ({"cluster_id": ""}, "cluster_id"),
        ({"request_id": "7"}, "request_id"),
        ({"cluster": cluster_pb2.Cluster()}, "cluster.network"),
    ],
)
def test_a_malformed_request_names_its_field(clients: Clients, fields: dict[str, Any], field: str) -> None:
    error = refused(clients.clusters.CreateCluster, a_request(**fields))
    assert isinstance(error, errors.InvalidArgumentError)
    assert error.field == field
    assert error.message.startswith(f"{field}: ")


@pytest.mark.parametrize("page_token", ["%%%", "AAA", "/w=="])
def test_a_page_token_that_is_not_ours_is_refused(clients: Clients, page_token: str) -> None:
    request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-", page_token=page_token)
    error = refused(clients.clusters.ListClusters, request)
    assert isinstance(error, errors.InvalidArgumentError)
    assert error.field == "page_token"


def test_nodes_come_and_go(clients: Clients) -> None:
    ended(clients, clients.clusters.CreateCluster(a_request(workers=1), metadata=ALICE))
    pool = cluster_pb2.NodePool(node_count=1)
    request_id = str(uuid.uuid4())
    adding = cluster_service_pb2.AddNodesRequest(name=NAME, pool=pool, request_id=request_id)
    first, again = (clients.clusters.AddNodes(adding, metadata=ALICE) for _ in range(2))
    assert again.name == first.name
    metadata = operation_pb2.OperationMetadata()
    assert first.metadata.Unpack(metadata)
    assert (metadata.kind, metadata.target) == ("ADD_NODES", NAME)
    assert _cluster(ended(clients, first)).worker_pool.node_count == 2

    adding = cluster_service_pb2.AddNodesRequest(name=NAME, pool=pool, role=cluster_pb2.Node.ROLE_NFS)
    found = _cluster(ended(clients, clients.clusters.AddNodes(adding, metadata=ALICE)))
    assert found.nfs_enabled
    nfs = found.nodes[-1]
    shown = clients.clusters.GetNode(cluster_service_pb2.GetNodeRequest(name=nfs.name), metadata=ALICE)
    assert (shown.role, list(shown.exports)) == (cluster_pb2.Node.ROLE_NFS, ["/home *"])

    removing = cluster_service_pb2.RemoveNodesRequest(name=NAME, node_ids=[nfs.name.rpartition("/")[2]])
    assert not _cluster(ended(clients, clients.clusters.RemoveNodes(removing, metadata=ALICE))).nfs_enabled
    resizing = cluster_service_pb2.ResizeClusterRequest(name=NAME, worker_count=0)
    assert _cluster(ended(clients, clients.clusters.ResizeCluster(resizing, metadata=ALICE))).vapp.vm_count == 1


def test_a_malformed_change_of_nodes_names_its_field(clients: Clients) -> None:
    node = f"{NAME}/nodes/node-aaaa"
    for call, request, field in (
        (clients.clusters.GetNode, cluster_service_pb2.GetNodeRequest(name=NAME), "name"),
        (clients.clusters.GetNode, cluster_service_pb2.GetNodeRequest(name=f"{NAME}/nodes/"), "name"),
        (clients.clusters.AddNodes, cluster_service_pb2.AddNodesRequest(name=node), "name"),
        (clients.clusters.AddNodes, cluster_service_pb2.AddNodesRequest(name=NAME), "pool.node_count"),
        (clients.clusters.AddNodes, cluster_service_pb2.AddNodesRequest(name=NAME, request_id="7"), "request_id"),
        (clients.clusters.RemoveNodes, cluster_service_pb2.RemoveNodesRequest(name=NAME), "node_ids"),
        (clients.clusters.ResizeCluster, cluster_service_pb2.ResizeClusterRequest(name=node), "name"),
        (
            clients.clusters.ResizeCluster,
            cluster_service_pb2.ResizeClusterRequest(name=NAME, worker_count=-1),
            "worker_count",
        ),
    ):
        error = refused(call, request)
        assert isinstance(error, errors.InvalidArgumentError), request
        assert error.field == field
        assert error.message.startswith(f"{field}: ")


def _cluster(operation: operations_pb2.Operation) -> cluster_pb2.Cluster:
    found = cluster_pb2.Cluster()
    assert operation.response.Unpack(found), operation
    return found


def test_a_call_that_is_given_up_starts_nothing(clients: Clients) -> None:
    asking, given_up = threading.Event(), threading.Event()

    def ask() -> None:
        asking.set()
        assert given_up.wait(LIMIT_S)

    clients.world.vcd.during("vdc", ask)
    waiting = clients.clusters.CreateCluster.future(a_request(), metadata=ALICE)
    assert asking.wait(LIMIT_S)
    assert waiting.cancel()  # type: ignore[no-untyped-call]  # grpc-stubs leave it so
    clients.operations.ListOperations(operations_pb2.ListOperationsRequest(), metadata=ALICE)  # behind it on the wire
    given_up.set()
    with clients.world.use_cases.creation._acceptance.exclusively("acme", "demo"):
        assert not clients.world.vcd.tasks
