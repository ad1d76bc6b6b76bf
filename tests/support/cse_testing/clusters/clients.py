"""The cluster manager's gRPC surface over an in-memory world."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.longrunning import operations_pb2_grpc

from cse.clusters.v1 import cluster_service_pb2_grpc
from cse.operations.v1 import operation_service_pb2_grpc
from cse.system.v1 import system_service_pb2_grpc
from cse_clusters.bootstrap import make_server
from cse_clusters.settings import ClustersSettings
from cse_testing.clusters.service import ClustersInMemory


@dataclass
class Clients:
    """Stubs on one channel, and the world behind the server."""

    world: ClustersInMemory
    channel: grpc.Channel
    address: str

    def __post_init__(self) -> None:
        self.clusters = cluster_service_pb2_grpc.ClusterServiceStub(self.channel)
        self.system = system_service_pb2_grpc.SystemServiceStub(self.channel)
        self.operations = operations_pb2_grpc.OperationsStub(self.channel)
        self.watching = operation_service_pb2_grpc.OperationServiceStub(self.channel)


def token(user: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call by this user."""
    return (("x-vcloud-authorization", f"token-of-{user}"), ("x-vcloud-api-version", "31.0"))


@contextmanager
def serving(world: ClustersInMemory) -> Iterator[Clients]:
    """While inside, the world is served on a free port."""
    settings = ClustersSettings.read({"CSE_CLUSTERS_LISTEN": "127.0.0.1:0"})
    server = make_server(settings, world.use_cases, world.operations)
    server.start()
    try:
        with grpc.insecure_channel(server.address) as channel:
            yield Clients(world, channel, server.address)
    finally:
        server.stop(1.0)
