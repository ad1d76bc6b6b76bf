"""Every RPC of a server, found by reflection, and a request to each about things of one tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_service_pb2
from cse.system.v1 import system_service_pb2
from cse_testing.clusters.site import Metadata
from cse_testing.waiting import LIMIT_S

INFRASTRUCTURE = ("grpc.",)
"""Health, reflection and channelz tell nothing of anybody."""


@dataclass(frozen=True)
class Target:
    """What a tenant owns, and where others say that it is."""

    cluster: str
    node: str
    operation: str
    """Its resource name."""
    org: str
    vdc: str
    network: str

    @property
    def parent(self) -> str:
        return f"orgs/{self.org}/vdcs/{self.vdc}"

    @property
    def name(self) -> str:
        return f"{self.parent}/clusters/{self.cluster}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """How an RPC is asked about the target, and what it does."""

    request: Callable[[Target], Message]
    changes: bool = False
    """Whether it changes clusters or operations, for which roles need the right where that is enforced."""
    administrators_only: bool = False
    is_public: bool = False
    """Whether it needs no token."""


def _clusters(name: str, **fields: Any) -> Callable[[Target], Message]:
    kind = getattr(cluster_service_pb2, f"{name}Request")
    return lambda target: kind(name=target.name, **fields)


def _operation(name: str) -> Callable[[Target], Message]:
    kind = getattr(operations_pb2, f"{name}OperationRequest")
    return lambda target: kind(name=target.operation)


def _create(target: Target) -> Message:
    pool = cluster_pb2.NodePool(node_count=0)
    cluster = cluster_pb2.Cluster(network=target.network, worker_pool=pool)
    return cluster_service_pb2.CreateClusterRequest(parent=target.parent, cluster_id="intruder", cluster=cluster)


CASES: dict[str, Case] = {
    "cse.clusters.v1.ClusterService/ListClusters": Case(
        request=lambda target: cluster_service_pb2.ListClustersRequest(parent=target.parent)
    ),
    "cse.clusters.v1.ClusterService/GetCluster": Case(request=_clusters("GetCluster")),
    "cse.clusters.v1.ClusterService/GetKubeconfig": Case(request=_clusters("GetKubeconfig")),
    "cse.clusters.v1.ClusterService/GetNode": Case(
        request=lambda target: cluster_service_pb2.GetNodeRequest(name=f"{target.name}/nodes/{target.node}")
    ),
    "cse.clusters.v1.ClusterService/CreateCluster": Case(request=_create, changes=True),
    "cse.clusters.v1.ClusterService/DeleteCluster": Case(request=_clusters("DeleteCluster"), changes=True),
    "cse.clusters.v1.ClusterService/ResizeCluster": Case(request=_clusters("ResizeCluster"), changes=True),
    "cse.clusters.v1.ClusterService/AddNodes": Case(
        request=_clusters("AddNodes", pool=cluster_pb2.NodePool(node_count=1)), changes=True
    ),
    "cse.clusters.v1.ClusterService/RemoveNodes": Case(
        request=lambda target: cluster_service_pb2.RemoveNodesRequest(name=target.name, node_ids=[target.node]),
        changes=True,
    ),
    "google.longrunning.Operations/ListOperations": Case(request=lambda _: operations_pb2.ListOperationsRequest()),
    "google.longrunning.Operations/GetOperation": Case(request=_operation("Get")),
    "google.longrunning.Operations/WaitOperation": Case(request=_operation("Wait")),
    "google.longrunning.Operations/CancelOperation": Case(request=_operation("Cancel"), changes=True),
    "google.longrunning.Operations/DeleteOperation": Case(request=_operation("Delete"), changes=True),
    "cse.operations.v1.OperationService/WatchOperation": Case(
        request=lambda target: operation_service_pb2.WatchOperationRequest(name=target.operation)
    ),
    "cse.system.v1.SystemService/GetServiceState": Case(
        request=lambda _: system_service_pb2.GetServiceStateRequest(), is_public=True
    ),
    "cse.system.v1.SystemService/GetSystem": Case(request=lambda _: system_service_pb2.GetSystemRequest()),
    "cse.system.v1.SystemService/EnableSystem": Case(
        request=lambda _: system_service_pb2.EnableSystemRequest(), administrators_only=True
    ),
    "cse.system.v1.SystemService/DisableSystem": Case(
        request=lambda _: system_service_pb2.DisableSystemRequest(), administrators_only=True
    ),
    "cse.system.v1.SystemService/StopSystem": Case(
        request=lambda _: system_service_pb2.StopSystemRequest(), administrators_only=True
    ),
    "cse.system.v1.SystemService/ListOrphans": Case(
        request=lambda _: system_service_pb2.ListOrphansRequest(), administrators_only=True
    ),
    "cse.system.v1.SystemService/Reclaim": Case(
        request=lambda _: system_service_pb2.ReclaimRequest(execute=True), administrators_only=True
    ),
}
"""By full name. `served` says which there are; a test holds the two together."""


def served(channel: grpc.Channel) -> dict[str, MethodDescriptor]:
    """Every RPC that the server at the other end says it has, by full name."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = descriptor_pool.Default()
    services = [name for name in database.get_services() if not name.startswith(INFRASTRUCTURE)]
    return {
        f"{service}/{method.name}": method for service in services for method in pool.FindServiceByName(service).methods
    }


def call(channel: grpc.Channel, name: str, method: MethodDescriptor, request: Message, metadata: Metadata) -> Any:
    """What the RPC answers; all messages of a stream. Raises grpc.RpcError."""
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    answer_type = message_factory.GetMessageClass(method.output_type)
    stub: Any = kind(
        f"/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer_type.FromString,
    )
    answer = stub(request, metadata=metadata, timeout=LIMIT_S)
    return list(answer) if method.server_streaming else answer
