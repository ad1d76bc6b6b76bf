"""Creates a Kubernetes cluster over gRPC and watches it being made.

Needs the packages `grpcio` and `cse-contracts`. The token, a vCD session id or a JWT, is read from the environment,
because command lines are visible to other users of the machine.

    export VCD_TOKEN=…
    python create_cluster.py --target 127.0.0.1:7401 --vdc acme-vdc --network acme-net --workers 2 demo
"""

import argparse
import os
import sys
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc

CALL_TIMEOUT_S = 10
RECONNECTIONS = 5

Metadata = tuple[tuple[str, str], ...]


def credentials(token: str) -> Metadata:
    """The metadata that every call carries. A JWT has three parts with dots between them, a session id has none."""
    name, value = ("authorization", f"Bearer {token}") if token.count(".") == 2 else ("x-vcloud-authorization", token)
    return ((name, value), ("x-request-id", str(uuid.uuid4())))


def create(channel: grpc.Channel, metadata: Metadata, options: argparse.Namespace) -> operations_pb2.Operation:
    """Starts the creation. Calling this again with the same request id would return the same operation."""
    request = cluster_service_pb2.CreateClusterRequest(
        parent=f"orgs/-/vdcs/{quote(options.vdc, safe='')}",
        cluster_id=options.name,
        cluster=cluster_pb2.Cluster(
            network=options.network, worker_pool=cluster_pb2.NodePool(node_count=options.workers)
        ),
        request_id=str(uuid.uuid4()),
        rollback_on_failure=True,
    )
    stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)
    return stub.CreateCluster(request, metadata=metadata, timeout=CALL_TIMEOUT_S)


def watch(channel: grpc.Channel, metadata: Metadata, name: str) -> Iterator[operation_pb2.OperationEvent]:
    """All events of the operation, each once. A broken stream is resumed behind the last event that was seen."""
    stub = operation_service_pb2_grpc.OperationServiceStub(channel)
    seen = 0
    for attempt in range(RECONNECTIONS + 1):
        request = operation_service_pb2.WatchOperationRequest(name=name, from_sequence=seen + 1)
        try:
            for response in stub.WatchOperation(request, metadata=metadata, wait_for_ready=True):
                seen = response.event.sequence
                yield response.event
            return
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or attempt == RECONNECTIONS:
                raise


def result(channel: grpc.Channel, metadata: Metadata, name: str) -> cluster_pb2.Cluster:
    """The finished cluster; RuntimeError with the reason if the operation has failed."""
    stub = operations_pb2_grpc.OperationsStub(channel)
    request = operations_pb2.GetOperationRequest(name=name)
    operation = stub.GetOperation(request, metadata=metadata, timeout=CALL_TIMEOUT_S)
    if operation.HasField("error"):
        raise RuntimeError(operation.error.message)
    cluster = cluster_pb2.Cluster()
    operation.response.Unpack(cluster)
    return cluster


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Create a Kubernetes cluster over gRPC and watch it being made.")
    parser.add_argument("name", help="name of the cluster")
    parser.add_argument("--target", default="127.0.0.1:7401", help="address of cse-clusters (default: %(default)s)")
    parser.add_argument("--vdc", required=True, help="org VDC to create it in")
    parser.add_argument("--network", required=True, help="org VDC network to connect its nodes to")
    parser.add_argument("--workers", type=int, default=2, help="number of workers (default: %(default)s)")
    options = parser.parse_args()
    token = os.environ.get("VCD_TOKEN", "")
    if not token:
        parser.error("VCD_TOKEN is not set; it holds your vCD session id or JWT")
    metadata = credentials(token)
    try:
        with grpc.insecure_channel(options.target) as channel:
            operation = create(channel, metadata, options)
            for event in watch(channel, metadata, operation.name):
                place = f" [{event.node}]" if event.node else ""
                print(f"{event.progress_percent:3d} %{place} {event.message}", flush=True)
            cluster = result(channel, metadata, operation.name)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{cluster.name} is ready; its control plane is {cluster.control_plane_ip}, its nodes are:")
    for node in cluster.nodes:
        print(f"  {node.name.rpartition('/')[2]}  {node.ip_address}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
