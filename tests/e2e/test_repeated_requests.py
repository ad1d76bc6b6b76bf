"""The same request twice, and two requests for the same name: one cluster, however close they come."""

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2
from cse_testing.extension import Cell
from cse_testing.operation_ends import ended
from cse_testing.vcd_rest import Reply, VcdRest
from cse_testing.waiting import LIMIT_S

AT_ONCE = 6


@pytest.fixture
def channel(lab: dict[str, str]) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(lab["LAB_CLUSTERS_GRPC"]) as channel:
        yield channel


@pytest.fixture
def caller(tenant_rest: VcdRest) -> tuple[tuple[str, str], ...]:
    return (("x-vcloud-authorization", str(tenant_rest.token)), ("x-vcloud-api-version", "31.0"))


def test_of_requests_for_one_name_at_once_one_makes_a_cluster_and_the_others_are_conflicts(
    tenant_rest: VcdRest, lab: dict[str, str], channel: grpc.Channel, caller: Any
) -> None:
    together = Barrier(AT_ONCE)

    def create(_number: int) -> Reply:
        together.wait(LIMIT_S)
        return tenant_rest.send("POST", "/api/cse", _body(lab, "wanted"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = list(pool.map(create, range(AT_ONCE)))
    assert Counter(reply.status for reply in replies) == {202: 1, 409: AT_ONCE - 1}
    assert all("wanted" in reply.message for reply in replies if reply.status == 409)
    _end(channel, caller, "wanted")
    assert _count(tenant_rest, "wanted") == 1
    _delete(channel, caller, "wanted")


def test_a_request_id_that_comes_again_is_the_same_operation(
    tenant_rest: VcdRest, lab: dict[str, str], channel: grpc.Channel, caller: Any
) -> None:
    request = cluster_service_pb2.CreateClusterRequest(
        parent=f"orgs/-/vdcs/{lab['LAB_VDC']}",
        cluster_id="repeated",
        cluster=cluster_pb2.Cluster(network=lab["LAB_NETWORK"]),
        request_id=str(uuid.uuid4()),
    )
    stub, together = cluster_service_pb2_grpc.ClusterServiceStub(channel), Barrier(AT_ONCE)

    def create(_number: int) -> str:
        together.wait(LIMIT_S)
        return str(stub.CreateCluster(request, metadata=caller, timeout=LIMIT_S).name)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        (name,) = set(pool.map(create, range(AT_ONCE)))
    ended = _end(channel, caller, "repeated")
    assert ended.name == name == stub.CreateCluster(request, metadata=caller, timeout=LIMIT_S).name
    assert _count(tenant_rest, "repeated") == 1
    request.cluster_id = "another"
    with pytest.raises(grpc.RpcError) as refused:
        stub.CreateCluster(request, metadata=caller, timeout=LIMIT_S)
    assert refused.value.code() is grpc.StatusCode.ABORTED
    _delete(channel, caller, "repeated")


def test_a_message_that_comes_again_is_answered_as_before(
    tenant_rest: VcdRest, lab: dict[str, str], channel: grpc.Channel, caller: Any
) -> None:
    """As after a gateway that died before it could acknowledge."""
    cell = Cell(lab["LAB_AMQP"], exchange=lab["LAB_EXCHANGE"], routing_key=lab["LAB_ROUTING_KEY"])
    headers = {"Accept": "application/*+json;version=31.0", "x-vcloud-authorization": str(tenant_rest.token)}
    message = {"body": _body(lab, "redelivered"), "headers": headers, "message_id": str(uuid.uuid4())}
    try:
        first, again = (cell.ask("POST", "/api/cse", **message) for _ in range(2))
    finally:
        cell.close()
    assert (first.status, again.status) == (202, 202)
    assert first.json == again.json
    assert re.search(r"/api/task/", first.json["task_href"])
    _end(channel, caller, "redelivered")
    assert _count(tenant_rest, "redelivered") == 1
    _delete(channel, caller, "redelivered")


def _body(lab: dict[str, str], name: str) -> dict[str, Any]:
    return {"name": name, "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 0}


def _end(channel: grpc.Channel, caller: Any, name: str) -> operations_pb2.Operation:
    """The one operation on the cluster of this name, when it has ended well."""
    stub = operations_pb2_grpc.OperationsStub(channel)
    page = stub.ListOperations(
        operations_pb2.ListOperationsRequest(name="operations", page_size=100), metadata=caller, timeout=LIMIT_S
    )
    (found,) = (each for each in page.operations if _target(each).endswith(f"/clusters/{name}"))
    operation = ended(stub, found.name, caller)
    assert not operation.HasField("error"), operation.error.message
    return operation


def _target(operation: operations_pb2.Operation) -> str:
    metadata = operation_pb2.OperationMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata.target


def _count(session: VcdRest, name: str) -> int:
    """How many vApps of this name there are."""
    path = f"/api/query?type=vApp&format=records&filter=name=={name}"
    reply = session.send("GET", path, accept="application/*+xml;version=31.0")
    return reply.body.count(b"<VAppRecord ")


def _delete(channel: grpc.Channel, caller: Any, name: str) -> None:
    request = cluster_service_pb2.DeleteClusterRequest(name=f"orgs/-/vdcs/-/clusters/{name}")
    begun = cluster_service_pb2_grpc.ClusterServiceStub(channel).DeleteCluster(
        request, metadata=caller, timeout=LIMIT_S
    )
    operation = ended(operations_pb2_grpc.OperationsStub(channel), begun.name, caller)
    assert not operation.HasField("error"), operation.error.message
