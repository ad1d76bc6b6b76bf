"""Creates a cluster over gRPC and watches it being made: an example of a client of the clusters service.

    make up && . .lab/lab.env && export ${!LAB_*}
    .venv/bin/python docs/examples/create_cluster.py mine --workers 2

It needs `cse-contracts` and nothing else of this repository. The vCD token travels in the metadata of every call.
"""

import argparse
import base64
import http.client
import os
import ssl
import sys
import uuid
from urllib.parse import quote

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc

API_VERSION = "31.0"
Metadata = tuple[tuple[str, str], ...]


def log_in(vcd: str, *, org: str, user: str, password: str) -> str:
    """Opens a session at vCD and returns its token."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001  # the lab's certificate is its own
    connection = http.client.HTTPSConnection(vcd, context=context, timeout=30)
    credentials = base64.b64encode(f"{user}@{org}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Accept": f"application/*+xml;version={API_VERSION}"}
    connection.request("POST", "/api/sessions", headers=headers)
    token = connection.getresponse().getheader("x-vcloud-authorization")
    connection.close()
    if token is None:
        sys.exit(f"{vcd} does not accept the credentials of {user}@{org}")
    return token


def create(channel: grpc.Channel, call: Metadata, name: str, workers: int) -> operations_pb2.Operation:
    """Starts the creation. The request id makes it safe to send this again when the answer got lost."""
    request = cluster_service_pb2.CreateClusterRequest(
        parent=f"orgs/{quote(os.environ['LAB_ORG'])}/vdcs/{quote(os.environ['LAB_VDC'])}",
        cluster_id=name,
        cluster=cluster_pb2.Cluster(
            network=os.environ["LAB_NETWORK"], worker_pool=cluster_pb2.NodePool(node_count=workers)
        ),
        request_id=str(uuid.uuid4()),
        rollback_on_failure=True,
    )
    return cluster_service_pb2_grpc.ClusterServiceStub(channel).CreateCluster(request, metadata=call, timeout=10)


def watch(channel: grpc.Channel, call: Metadata, operation: operations_pb2.Operation) -> None:
    """Prints each event of the operation as it happens; the stream ends with the operation."""
    request = operation_service_pb2.WatchOperationRequest(name=operation.name)
    service = operation_service_pb2_grpc.OperationServiceStub(channel)
    for reply in service.WatchOperation(request, metadata=call):
        event = reply.event
        state = operation_pb2.OperationState.Name(event.state).removeprefix("OPERATION_STATE_").lower()
        print(f"{event.progress_percent:3}%  {state:10}  {event.node or '-':10}  {event.message}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the cluster")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    lab = os.environ
    token = log_in(lab["LAB_VCD"], org=lab["LAB_ORG"], user=lab["LAB_TENANT"], password=lab["LAB_TENANT_PASSWORD"])
    call = (("x-vcloud-authorization", token), ("x-vcloud-api-version", API_VERSION))
    with grpc.insecure_channel(lab["LAB_CLUSTERS_GRPC"]) as channel:
        try:
            operation = create(channel, call, options.name, options.workers)
            watch(channel, call, operation)
            request = operations_pb2.GetOperationRequest(name=operation.name)
            ended = operations_pb2_grpc.OperationsStub(channel).GetOperation(request, metadata=call, timeout=10)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
    if ended.HasField("error"):
        sys.exit(f"the cluster was not created: {ended.error.message}")
    cluster = cluster_pb2.Cluster()
    ended.response.Unpack(cluster)
    print(f"{cluster.name} is ready; its control plane is at {cluster.control_plane_ip}")


if __name__ == "__main__":
    main()
