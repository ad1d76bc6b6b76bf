"""Two organisations and every RPC: nothing of one is there for the other, and administrators act for both."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.system.v1 import system_service_pb2
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.rpcs import CASES, Target, call, served
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.waiting import LIMIT_S

FORMS = {"as it is": ("acme", "acme-vdc"), "anywhere": ("-", "-"), "in his own org": ("globex", "-")}
"""Where a stranger may say that a cluster is."""


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture(scope="module")
def target(vcd: Site, alice: Metadata) -> Target:
    """What alice owns: a cluster, its nodes, and the operation that has made it."""
    operation = vcd.succeeded(vcd.create(alice, "fenced", workers=1), alice)
    target = Target("fenced", "", operation.name, "acme", "acme-vdc", "acme-net")
    (worker,) = (node for node in nodes(vcd, alice, target) if node.startswith("node-"))
    return replace(target, node=worker)


@pytest.fixture(scope="module")
def methods(vcd: Site) -> dict[str, MethodDescriptor]:
    return served(vcd.channel)


def nodes(vcd: Site, metadata: Metadata, target: Target) -> list[str]:
    cluster = vcd.clusters.GetCluster(
        cluster_service_pb2.GetClusterRequest(name=target.name), metadata=metadata, timeout=LIMIT_S
    )
    return [node.name.rpartition("/")[2] for node in cluster.nodes]


def refusal(
    vcd: Site, methods: dict[str, MethodDescriptor], name: str, target: Target, metadata: Metadata
) -> errors.CseError:
    """How the RPC refuses; fails if it does not."""
    with pytest.raises(grpc.RpcError) as caught:
        call(vcd.channel, name, methods[name], CASES[name].request(target), metadata)
    return error_of(caught.value)


def test_every_rpc_that_is_served_has_a_case(methods: dict[str, MethodDescriptor]) -> None:
    assert set(methods) == set(CASES)


HARMLESS: dict[str, Callable[[Any], bool]] = {
    "cse.clusters.v1.ClusterService/ListClusters": lambda answer: not answer.clusters,
    "google.longrunning.Operations/ListOperations": lambda answer: not answer.operations,
    "cse.system.v1.SystemService/GetSystem": lambda answer: not (answer.config_file or answer.replicas),
}
"""RPCs that answer a stranger, and what their answers must be like."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_stranger_gets_nothing_by_any_rpc(
    vcd: Site, methods: dict[str, MethodDescriptor], target: Target, carol: Metadata, name: str, form: str
) -> None:
    org, vdc = FORMS[form]
    theirs, case = replace(target, org=org, vdc=vdc), CASES[name]
    if name in HARMLESS:
        assert HARMLESS[name](call(vcd.channel, name, methods[name], case.request(theirs), carol))
    elif not case.is_public:
        error = refusal(vcd, methods, name, theirs, carol)
        if case.administrators_only:
            assert isinstance(error, errors.PermissionDeniedError)
        elif name.endswith("/CreateCluster") and vdc == "-":
            assert isinstance(error, errors.InvalidArgumentError)
        else:
            assert isinstance(error, errors.NotFoundError), error
        assert "acme-net" not in error.message.replace(repr(target.network), "")


def test_nothing_came_of_what_the_stranger_tried(vcd: Site, target: Target, alice: Metadata, carol: Metadata) -> None:
    assert len(nodes(vcd, alice, target)) == 2
    request = operations_pb2.ListOperationsRequest()
    (only,) = vcd.operations.ListOperations(request, metadata=alice, timeout=LIMIT_S).operations
    assert (only.name, only.done) == (target.operation, True)
    assert not vcd.operations.ListOperations(request, metadata=carol, timeout=LIMIT_S).operations
    listed = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
    assert not vcd.clusters.ListClusters(listed, metadata=carol, timeout=LIMIT_S).clusters


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "TOKEN_MISSING"),
        ((("x-vcloud-authorization", "0123456789abcdef0123456789abcdef"),), "UNAUTHENTICATED"),
        ((("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbmlzdHJhdG9yIn0."),), "UNAUTHENTICATED"),
    ],
    ids=["no token", "an invented session", "a forged JWT"],
)
@pytest.mark.parametrize("name", sorted(CASES))
def test_without_a_token_of_vcds_only_the_state_is_told(
    vcd: Site, methods: dict[str, MethodDescriptor], target: Target, name: str, metadata: Metadata, reason: str
) -> None:
    if CASES[name].is_public:
        answer = call(vcd.channel, name, methods[name], CASES[name].request(target), metadata)
        assert isinstance(answer, system_service_pb2.GetServiceStateResponse)
    else:
        error = refusal(vcd, methods, name, target, metadata)
        assert isinstance(error, errors.UnauthenticatedError)
        assert error.code == reason


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.administrators_only))
def test_a_tenant_does_not_steer_the_service(
    vcd: Site, methods: dict[str, MethodDescriptor], target: Target, alice: Metadata, name: str
) -> None:
    assert refusal(vcd, methods, name, target, alice).code == "SYSTEM_ADMINISTRATOR_REQUIRED"


def test_administrators_act_for_a_tenant_and_what_they_make_is_his(vcd: Site, alice: Metadata, admin: Metadata) -> None:
    """By every RPC that changes something."""
    done = set[str]()

    def act(name: str, request: Any) -> Any:
        done.add(name)
        stub = vcd.clusters if name.startswith("cse.clusters") else vcd.operations
        return getattr(stub, name.rpartition("/")[2])(request, metadata=admin, timeout=LIMIT_S)

    def finish(operation: operations_pb2.Operation) -> None:
        vcd.succeeded(operation, admin)

    service, operations = "cse.clusters.v1.ClusterService", "google.longrunning.Operations"
    target = Target("for-acme", "", "", "acme", "acme-vdc", "acme-net")
    cluster = cluster_pb2.Cluster(network="acme-net", worker_pool=cluster_pb2.NodePool(node_count=0))
    new = cluster_service_pb2.CreateClusterRequest(parent=target.parent, cluster_id="for-acme", cluster=cluster)
    begun = act(f"{service}/CreateCluster", new)
    finish(begun)
    assert vcd.operations.GetOperation(
        operations_pb2.GetOperationRequest(name=begun.name), metadata=alice, timeout=LIMIT_S
    ).done
    pool = cluster_pb2.NodePool(node_count=1)
    finish(act(f"{service}/AddNodes", cluster_service_pb2.AddNodesRequest(name=target.name, pool=pool)))
    (worker,) = (node for node in nodes(vcd, alice, target) if node.startswith("node-"))
    gone = cluster_service_pb2.RemoveNodesRequest(name=target.name, node_ids=[worker])
    finish(act(f"{service}/RemoveNodes", gone))
    size = cluster_service_pb2.ResizeClusterRequest(name=target.name, worker_count=1)
    finish(act(f"{service}/ResizeCluster", size))
    assert len(nodes(vcd, alice, target)) == 2
    act(f"{operations}/CancelOperation", operations_pb2.CancelOperationRequest(name=begun.name))
    act(f"{operations}/DeleteOperation", operations_pb2.DeleteOperationRequest(name=begun.name))
    finish(act(f"{service}/DeleteCluster", cluster_service_pb2.DeleteClusterRequest(name=target.name)))
    with pytest.raises(grpc.RpcError) as caught:
        nodes(vcd, alice, target)
    assert isinstance(error_of(caught.value), errors.NotFoundError)
    assert done == {name for name, case in CASES.items() if case.changes}


@pytest.mark.parametrize(
    "name", sorted(name for name, case in CASES.items() if not (case.changes or case.administrators_only))
)
def test_administrators_read_what_is_a_tenants(
    vcd: Site, methods: dict[str, MethodDescriptor], target: Target, admin: Metadata, name: str
) -> None:
    answer = call(vcd.channel, name, methods[name], CASES[name].request(target), admin)
    assert answer or name.endswith("GetServiceState")
