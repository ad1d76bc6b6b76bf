"""`cse.clusters.v1.ClusterService`."""

import base64
import binascii
from typing import Final

import grpc
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse_clusters.application.accepting import Submission
from cse_clusters.application.service import ClusterUseCases
from cse_clusters.domain.access import Caller
from cse_clusters.entrypoints import convert
from cse_core.errors import InvalidArgumentError
from cse_core.grpc.operations import to_proto
from cse_core.names import ClusterName, NodeName, VdcName
from cse_core.operations import Operation

SERVICE: Final = "cse.clusters.v1.ClusterService"

_PAGE: Final = 1000


class ClusterServicer(cluster_service_pb2_grpc.ClusterServiceServicer):
    """Translates calls; who may call, and what it means, is the use cases' to say."""

    def __init__(self, use_cases: ClusterUseCases) -> None:
        self._use_cases = use_cases

    def ListClusters(
        self, request: cluster_service_pb2.ListClustersRequest, context: grpc.ServicerContext
    ) -> cluster_service_pb2.ListClustersResponse:
        caller = self._caller(context)
        parent = VdcName.parse(request.parent, field="parent")
        if request.page_size < 0:
            raise InvalidArgumentError("page_size: it cannot be negative", field="page_size")
        page = self._use_cases.directory.page(
            caller, parent, begin=_decoded(request.page_token), limit=min(request.page_size or _PAGE, _PAGE)
        )
        return cluster_service_pb2.ListClustersResponse(
            clusters=map(convert.cluster_message, page.clusters), next_page_token=_encoded(page.next_page)
        )

    def GetCluster(
        self, request: cluster_service_pb2.GetClusterRequest, context: grpc.ServicerContext
    ) -> cluster_pb2.Cluster:
        caller = self._caller(context)
        return convert.cluster_message(self._use_cases.directory.get(caller, ClusterName.parse(request.name)))

    def CreateCluster(
        self, request: cluster_service_pb2.CreateClusterRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        new = convert.new_cluster(
            request.parent, request.cluster_id, request.cluster, rollback_on_failure=request.rollback_on_failure
        )
        submission = Submission.of(request.request_id, context.is_active)
        return _answer(self._use_cases.creation.accept(caller, new, submission))

    def DeleteCluster(
        self, request: cluster_service_pb2.DeleteClusterRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        submission = Submission.of(request.request_id, context.is_active)
        return _answer(self._use_cases.deletion.accept(caller, ClusterName.parse(request.name), submission))

    def GetKubeconfig(
        self, request: cluster_service_pb2.GetKubeconfigRequest, context: grpc.ServicerContext
    ) -> cluster_service_pb2.GetKubeconfigResponse:
        caller = self._caller(context)
        found = self._use_cases.kubeconfigs.read(caller, ClusterName.parse(request.name))
        return cluster_service_pb2.GetKubeconfigResponse(kubeconfig=found.reveal())

    def ResizeCluster(
        self, request: cluster_service_pb2.ResizeClusterRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        submission = Submission.of(request.request_id, context.is_active)
        name = ClusterName.parse(request.name)
        return _answer(self._use_cases.node_changes.resize(caller, name, request.worker_count, submission))

    def GetNode(self, request: cluster_service_pb2.GetNodeRequest, context: grpc.ServicerContext) -> cluster_pb2.Node:
        caller = self._caller(context)
        name = NodeName.parse(request.name)
        cluster, node = self._use_cases.nodes.read(caller, name)
        return convert.node_message(cluster.resource_name, node)

    def AddNodes(
        self, request: cluster_service_pb2.AddNodesRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        submission = Submission.of(request.request_id, context.is_active)
        name = ClusterName.parse(request.name)
        return _answer(self._use_cases.node_changes.add(caller, name, convert.new_nodes(request), submission))

    def RemoveNodes(
        self, request: cluster_service_pb2.RemoveNodesRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        submission = Submission.of(request.request_id, context.is_active)
        name = ClusterName.parse(request.name)
        return _answer(
            self._use_cases.node_changes.remove(caller, name, request.node_ids, submission, force=request.force)
        )

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        return self._use_cases.admit(convert.credentials(context.invocation_metadata()))


def _answer(operation: Operation) -> operations_pb2.Operation:
    return to_proto(operation, convert.result_of)


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidArgumentError("page_token: not one that this service gave", field="page_token") from None
