"""Between the contract's messages and the words of the application."""

from typing import Final

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_clusters.application.operation_data import DELETE_CLUSTER, cluster_from_json
from cse_clusters.application.reclaiming import RECLAIM, results_from_json
from cse_clusters.domain.access import Credentials
from cse_clusters.domain.cluster import Cluster, Node, Role, State
from cse_clusters.domain.new_cluster import NewCluster, NodePool
from cse_clusters.domain.node_changes import NewNodes
from cse_clusters.entrypoints.convert_orphans import reclaim_response
from cse_core.errors import InternalError
from cse_core.grpc import metadata
from cse_core.names import ClusterName, NodeName, VdcName
from cse_core.operations import Operation

_STATES: Final = {
    State.CREATING: cluster_pb2.Cluster.STATE_CREATING,
    State.READY: cluster_pb2.Cluster.STATE_READY,
    State.UPDATING: cluster_pb2.Cluster.STATE_UPDATING,
    State.DELETING: cluster_pb2.Cluster.STATE_DELETING,
    State.FAILED: cluster_pb2.Cluster.STATE_FAILED,
}
_ROLES: Final = {
    None: cluster_pb2.Node.ROLE_UNSPECIFIED,
    Role.CONTROL_PLANE: cluster_pb2.Node.ROLE_CONTROL_PLANE,
    Role.WORKER: cluster_pb2.Node.ROLE_WORKER,
    Role.NFS: cluster_pb2.Node.ROLE_NFS,
}


def credentials(call_metadata: metadata.Metadata | None) -> Credentials:
    """The caller's vCD token; raises UnauthenticatedError if there is none."""
    found = metadata.credentials_from(call_metadata or ())
    return Credentials(token=found.token, scheme="bearer" if found.is_jwt else "session", api_version=found.api_version)


def new_cluster(parent: str, cluster_id: str, cluster: cluster_pb2.Cluster, *, rollback_on_failure: bool) -> NewCluster:
    """The request as it came, unchecked but for the form of `parent`."""
    return NewCluster(
        vdc=VdcName.parse(parent, field="parent"),
        name=cluster_id,
        network=cluster.network,
        workers=_node_pool(cluster.worker_pool),
        template=cluster.template,
        nfs=cluster.nfs_enabled,
        ssh_public_key=cluster.ssh_public_key,
        rollback_on_failure=rollback_on_failure,
    )


def new_nodes(request: cluster_service_pb2.AddNodesRequest) -> NewNodes:
    """The nodes asked for as they came; no role means workers."""
    role = request.role or cluster_pb2.Node.ROLE_WORKER
    return NewNodes(
        pool=_node_pool(request.pool),
        role=next((ours for ours, theirs in _ROLES.items() if theirs == role), None),
        template=request.template,
        network=request.network,
        ssh_public_key=request.ssh_public_key,
        rollback_on_failure=request.rollback_on_failure,
    )


def _node_pool(pool: cluster_pb2.NodePool) -> NodePool:
    return NodePool(
        node_count=pool.node_count,
        cpu_count=pool.cpu_count,
        memory_mb=pool.memory_mb,
        storage_profile=pool.storage_profile,
    )


def cluster_message(cluster: Cluster) -> cluster_pb2.Cluster:
    name = cluster.resource_name
    message = cluster_pb2.Cluster(
        name=str(name),
        uid=cluster.uid,
        state=_STATES[cluster.state],
        template=cluster.template,
        network=cluster.network,
        nodes=[node_message(name, node) for node in cluster.nodes],
        control_plane_ip=cluster.control_plane_ip,
        cse_version=cluster.cse_version,
        nfs_enabled=any(node.role is Role.NFS for node in cluster.nodes),
        vapp=cluster_pb2.Vapp(
            id=cluster.vapp_id,
            href=cluster.vapp_href,
            vdc_name=cluster.vdc,
            vdc_href=cluster.vdc_href,
            status=cluster.vapp_status,
            vm_count=cluster.vm_count,
        ),
    )
    if cluster.nodes:
        message.worker_pool.CopyFrom(_pool(cluster, Role.WORKER))
        message.control_plane_pool.CopyFrom(_pool(cluster, Role.CONTROL_PLANE))
    return message


def _pool(cluster: Cluster, role: Role) -> cluster_pb2.NodePool:
    """How many nodes have the role; CPUs and memory where all of them have the same."""
    nodes = [node for node in cluster.nodes if node.role is role]
    cpus = {node.cpu_count for node in nodes}
    memory = {node.memory_mb for node in nodes}
    return cluster_pb2.NodePool(
        node_count=len(nodes),
        cpu_count=(cpus.pop() or 0) if len(cpus) == 1 else 0,
        memory_mb=(memory.pop() or 0) if len(memory) == 1 else 0,
    )


def node_message(cluster: ClusterName, node: Node) -> cluster_pb2.Node:
    return cluster_pb2.Node(
        name=str(NodeName(cluster, node.name)),
        role=_ROLES[node.role],
        ip_address=node.ip_address or "",
        cpu_count=node.cpu_count or 0,
        memory_mb=node.memory_mb or 0,
        vm_status=node.vm_status,
        exports=node.exports,
    )


def result_of(operation: Operation) -> Message:
    """The response of an operation that has succeeded."""
    if operation.kind == DELETE_CLUSTER:
        return empty_pb2.Empty()
    if not isinstance(operation.result, dict):
        raise InternalError(f"{operation.name} has succeeded without a result")
    if operation.kind == RECLAIM:
        return reclaim_response(results_from_json(operation.result))
    return cluster_message(cluster_from_json(operation.result))
