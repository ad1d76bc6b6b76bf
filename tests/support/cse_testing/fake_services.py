"""Services behind the gateway that answer what a test tells them, over real gRPC, and remember who asked what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2, operation_service_pb2_grpc
from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse.templates.v1 import template_pb2, template_service_pb2, template_service_pb2_grpc
from cse_core.grpc.server import GrpcServer
from cse_lab.ports import free_port


@dataclass(frozen=True)
class RecordedCall:
    """A call that reached a fake service."""

    method: str
    request: Message
    metadata: dict[str, str]
    time_remaining_s: float | None


Answer = Callable[[Any], Any]
"""Computes a response, or what a stream iterates over."""


def raising(error: Exception) -> Answer:
    """An answer that is a failure."""

    def answer(_request: object) -> Any:
        raise error

    return answer


@dataclass
class FakeServices:
    """The services behind the gateway. `answers` maps a method's name to what computes its response, or raises."""

    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[RecordedCall] = field(default_factory=list)
    state: "system_pb2.System.State.ValueType" = system_pb2.System.STATE_RUNNING
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    _server: GrpcServer | None = None

    def start(self) -> Self:
        """Listens; after a `stop`, on the same port as before."""
        self._server = GrpcServer(
            self.address,
            services=[],
            threads=16,
            register=[
                lambda server: cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(_Clusters(self), server),
                lambda server: system_service_pb2_grpc.add_SystemServiceServicer_to_server(_System(self), server),
                lambda server: template_service_pb2_grpc.add_TemplateServiceServicer_to_server(
                    _Templates(self), server
                ),
                lambda server: operations_pb2_grpc.add_OperationsServicer_to_server(_Operations(self), server),
                lambda server: operation_service_pb2_grpc.add_OperationServiceServicer_to_server(
                    _Watching(self), server
                ),
            ],
        )
        self._server.start()
        self.address = self._server.address
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0)

    def reset(self) -> None:
        """Forgets what a test has set and seen."""
        self.answers.clear()
        self.calls.clear()
        self.state = system_pb2.System.STATE_RUNNING

    def called(self, method: str) -> list[RecordedCall]:
        return [call for call in self.calls if call.method == method]

    def replay(self, method: str, request: Message, context: grpc.ServicerContext) -> Iterator[Any]:
        """As `answer`, of a method that answers with a stream: what is computed is what to iterate over."""
        yield from self.answer(method, request, context, lambda _: ())

    def answer(self, method: str, request: Message, context: grpc.ServicerContext, default: Answer) -> Any:
        remaining: float | None = context.time_remaining()
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append(RecordedCall(method, request, metadata, remaining))
        return self.answers.get(method, default)(request)


def a_cluster(name: str = "demo") -> cluster_pb2.Cluster:
    parent = f"orgs/acme/vdcs/dev/clusters/{name}"
    return cluster_pb2.Cluster(
        name=parent,
        uid="7c3b9f1e-2a44-4c0b-8e55-0d9f6a1b2c3d",
        state=cluster_pb2.Cluster.STATE_READY,
        template="photon-v2",
        control_plane_ip="10.0.0.5",
        cse_version="0.1.0",
        vapp=cluster_pb2.Vapp(
            id="e2a1c7d4-90f3-4b5e-8a67-1c2d3e4f5a6b",
            href="https://vcd.example.com/api/vApp/vapp-e2a1c7d4-90f3-4b5e-8a67-1c2d3e4f5a6b",
            vdc_name="dev",
            vdc_href="https://vcd.example.com/api/vdc/5f",
            status="POWERED_ON",
            vm_count=3,
        ),
        nodes=[
            cluster_pb2.Node(
                name=f"{parent}/nodes/mstr-ab12",
                role=cluster_pb2.Node.ROLE_CONTROL_PLANE,
                ip_address="10.0.0.5",
            ),
            cluster_pb2.Node(
                name=f"{parent}/nodes/node-cd34", role=cluster_pb2.Node.ROLE_WORKER, ip_address="10.0.0.6"
            ),
            cluster_pb2.Node(name=f"{parent}/nodes/nfsd-ef56", role=cluster_pb2.Node.ROLE_NFS, ip_address="10.0.0.7"),
        ],
    )


def a_node(name: str = "nfsd-ef56") -> cluster_pb2.Node:
    roles = {"mstr": cluster_pb2.Node.ROLE_CONTROL_PLANE, "node": cluster_pb2.Node.ROLE_WORKER}
    return cluster_pb2.Node(
        name=f"orgs/acme/vdcs/dev/clusters/demo/nodes/{name}",
        role=roles.get(name[:4], cluster_pb2.Node.ROLE_NFS),
        ip_address="10.0.0.7",
        cpu_count=2,
        memory_mb=2048,
        vm_status="POWERED_ON",
        exports=[] if name[:4] in roles else ["/home (everyone)", "/data 10.0.0.0/8"],
    )


def an_operation(**metadata: Any) -> operations_pb2.Operation:
    operation = operations_pb2.Operation(name="operations/op-1")
    operation.metadata.Pack(operation_pb2.OperationMetadata(task_href="https://vcd.example.com/api/task/1", **metadata))
    return operation


class _Clusters(cluster_service_pb2_grpc.ClusterServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def ListClusters(self, request: Any, context: Any) -> Any:
        return self._services.answer("ListClusters", request, context, lambda _: _clusters())

    def GetCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetCluster", request, context, lambda _: a_cluster())

    def CreateCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("CreateCluster", request, context, lambda _: an_operation(target_uid="uid-1"))

    def DeleteCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("DeleteCluster", request, context, lambda _: an_operation())

    def GetKubeconfig(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetKubeconfig", request, context, lambda _: _kubeconfig())

    def ResizeCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("ResizeCluster", request, context, lambda _: an_operation())

    def GetNode(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetNode", request, context, lambda _: a_node())

    def AddNodes(self, request: Any, context: Any) -> Any:
        return self._services.answer("AddNodes", request, context, lambda _: an_operation())

    def RemoveNodes(self, request: Any, context: Any) -> Any:
        return self._services.answer("RemoveNodes", request, context, lambda _: an_operation())


class _System(system_service_pb2_grpc.SystemServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def GetServiceState(self, request: Any, context: Any) -> Any:
        return system_service_pb2.GetServiceStateResponse(state=self._services.state)

    def GetSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetSystem", request, context, lambda _: self._system())

    def EnableSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer(
            "EnableSystem", request, context, lambda _: self._system(system_pb2.System.STATE_RUNNING)
        )

    def DisableSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer(
            "DisableSystem", request, context, lambda _: self._system(system_pb2.System.STATE_DISABLED)
        )

    def StopSystem(self, request: Any, context: Any) -> Any:
        def stop(_: Any) -> system_service_pb2.StopSystemResponse:
            return system_service_pb2.StopSystemResponse(system=self._system(system_pb2.System.STATE_SHUTTING_DOWN))

        return self._services.answer("StopSystem", request, context, stop)

    def ListOrphans(self, request: Any, context: Any) -> Any:
        return self._services.answer(
            "ListOrphans", request, context, lambda _: system_service_pb2.ListOrphansResponse()
        )

    def Reclaim(self, request: Any, context: Any) -> Any:
        return self._services.answer("Reclaim", request, context, lambda _: an_operation(kind="RECLAIM"))

    def _system(self, state: "system_pb2.System.State.ValueType | None" = None) -> system_pb2.System:
        if state is not None:
            self._services.state = state
        return system_pb2.System(product="CSE", description="Clusters", version="0.1.0", state=self._services.state)


class _Templates(template_service_pb2_grpc.TemplateServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def ListTemplates(self, request: Any, context: Any) -> Any:
        return self._services.answer("ListTemplates", request, context, lambda _: _templates())

    def GetTemplate(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def GetTemplateScripts(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


class _Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # ships no types
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def GetOperation(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetOperation", request, context, lambda _: an_operation())

    def ListOperations(self, request: Any, context: Any) -> Any:
        listed = operations_pb2.ListOperationsResponse(operations=[an_operation()])
        return self._services.answer("ListOperations", request, context, lambda _: listed)

    def CancelOperation(self, request: Any, context: Any) -> Any:
        return self._services.answer("CancelOperation", request, context, lambda _: empty_pb2.Empty())


class _Watching(operation_service_pb2_grpc.OperationServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def WatchOperation(self, request: Any, context: Any) -> Iterator[Any]:
        yield from self._services.replay("WatchOperation", request, context)


def _clusters() -> cluster_service_pb2.ListClustersResponse:
    cluster = a_cluster()
    del cluster.nodes[:]
    return cluster_service_pb2.ListClustersResponse(clusters=[cluster])


def _kubeconfig() -> cluster_service_pb2.GetKubeconfigResponse:
    return cluster_service_pb2.GetKubeconfigResponse(kubeconfig="apiVersion: v1\nkind: Config\n")


def _templates() -> template_service_pb2.ListTemplatesResponse:
    return template_service_pb2.ListTemplatesResponse(
        templates=[
            template_pb2.Template(
                name="templates/photon-v2",
                description="Photon OS 2",
                catalog="cse",
                catalog_item="photon-k8s",
                is_default=True,
            )
        ]
    )
