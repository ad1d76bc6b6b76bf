"""Clusters: `/api/cse` and `/api/cse/{cluster}…`."""

from typing import Final
from urllib.parse import unquote

import grpc
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2
from cse_core.errors import CseError
from cse_core.names import WILDCARD, ClusterName, VdcName, check_cluster_name, check_vcd_name
from cse_gateway.adapters.backend import invoke, request_id_of
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import JSON, YAML, Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the cluster manager"

_PAGE: Final = 1000
_REST_FIELDS: Final = {
    "parent": "vdc",
    "cluster_id": "name",
    "cluster.name": "name",
    "cluster.template": "template",
    "cluster.network": "network",
    "cluster.ssh_public_key": "ssh_key",
    "cluster.nfs_enabled": "enable_nfs",
    "cluster.worker_pool.node_count": "node_count",
    "cluster.worker_pool.cpu_count": "cpu",
    "cluster.worker_pool.memory_mb": "memory",
    "cluster.worker_pool.storage_profile": "storage_profile",
}
"""What the contract's fields are called in a request's body."""

_NODE_LISTS: Final = {
    cluster_pb2.Node.ROLE_CONTROL_PLANE: "master_nodes",
    cluster_pb2.Node.ROLE_WORKER: "nodes",
    cluster_pb2.Node.ROLE_NFS: "nfs_nodes",
}


class ClusterRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)

    async def list(self, call: Call) -> Reply:
        found: list[dict[str, object]] = []
        request = cluster_service_pb2.ListClustersRequest(parent=str(_scope(call)), page_size=_PAGE)
        while True:
            response = await invoke(self._stub.ListClusters, request, call, service=SERVICE)
            found.extend(cluster_to_json(cluster) for cluster in response.clusters)
            if not response.next_page_token:
                return json_reply(200, found)
            request.page_token = response.next_page_token

    async def create(self, call: Call) -> Reply:
        request = _create_request(call)
        try:
            operation = await invoke(self._stub.CreateCluster, request, call, service=SERVICE)
        except CseError as error:
            raise in_rest_words(error, _REST_FIELDS) from error
        metadata = metadata_of(operation)
        return json_reply(
            202,
            {
                "name": request.cluster_id,
                "cluster_id": metadata.target_uid,
                "task_href": metadata.task_href,
                "operation_id": last_part(operation.name),
            },
        )

    async def info(self, call: Call) -> Reply:
        request = cluster_service_pb2.GetClusterRequest(name=str(cluster_in(call)))
        return json_reply(200, cluster_to_json(await invoke(self._stub.GetCluster, request, call, service=SERVICE)))

    async def config(self, call: Call) -> Reply:
        """The kubeconfig as one JSON string, whatever the content type: old clients take the quotes off themselves."""
        request = cluster_service_pb2.GetKubeconfigRequest(name=str(cluster_in(call)))
        response = await invoke(self._stub.GetKubeconfig, request, call, service=SERVICE)
        content_type = YAML if call.request.accepts(YAML) else JSON
        return json_reply(200, response.kubeconfig, content_type=content_type)

    async def delete(self, call: Call) -> Reply:
        cluster = cluster_in(call)
        request = cluster_service_pb2.DeleteClusterRequest(name=str(cluster), request_id=request_id_of(call.request))
        operation = await invoke(self._stub.DeleteCluster, request, call, service=SERVICE)
        return changing_reply(cluster, operation)


def cluster_to_json(cluster: cluster_pb2.Cluster) -> dict[str, object]:
    """A cluster with exactly the keys that old clients know."""
    nodes: dict[str, list[dict[str, object]]] = {key: [] for key in _NODE_LISTS.values()}
    for node in cluster.nodes:
        if node.role in _NODE_LISTS:
            nodes[_NODE_LISTS[node.role]].append({"name": last_part(node.name), "ipAddress": node.ip_address})
    return {
        "name": last_part(cluster.name),
        "cluster_id": cluster.uid,
        "vapp_id": cluster.vapp.id,
        "vapp_href": cluster.vapp.href,
        "vdc_name": cluster.vapp.vdc_name,
        "vdc_href": cluster.vapp.vdc_href,
        "leader_endpoint": cluster.control_plane_ip,
        "number_of_vms": cluster.vapp.vm_count,
        "template": cluster.template,
        "cse_version": cluster.cse_version,
        "status": cluster.vapp.status,
        **nodes,
    }


def in_rest_words(error: CseError, names: dict[str, str]) -> CseError:
    """The same error with its field called as the client called it, in details and at the message's beginning."""
    field = error.details.get("field", "")
    name = names.get(field)
    if name is None:
        return error
    error.details["field"] = name
    text = error.message.removeprefix(f"{field}:").lstrip()
    error.message = f"{name}: {text}"
    return error


def _create_request(call: Call) -> cluster_service_pb2.CreateClusterRequest:
    body = Body.parse(call.request.body)
    vdc = VdcName(_scope(call).org, check_vcd_name(body.required("vdc"), field="vdc"))
    return cluster_service_pb2.CreateClusterRequest(
        parent=str(vdc),
        cluster_id=check_cluster_name(body.text("name"), field="name"),
        request_id=request_id_of(call.request),
        # `disable_rollback: true` has always meant that a failure IS rolled back. This is the one place that knows.
        rollback_on_failure=body.flag("disable_rollback", default=True),
        cluster=cluster_pb2.Cluster(
            template=body.text("template"),
            network=body.required("network"),
            nfs_enabled=body.flag("enable_nfs", default=False),
            ssh_public_key=body.text("ssh_key").rstrip(),
            worker_pool=cluster_pb2.NodePool(
                node_count=body.number("node_count"),
                cpu_count=body.number("cpu"),
                memory_mb=body.number("memory"),
                storage_profile=body.text("storage_profile"),
            ),
        ),
    )


def changing_reply(cluster: ClusterName, operation: operations_pb2.Operation) -> Reply:
    """A change of a cluster has begun."""
    return json_reply(
        202,
        {
            "cluster_name": cluster.cluster,
            "task_href": metadata_of(operation).task_href,
            "operation_id": last_part(operation.name),
        },
    )


def cluster_in(call: Call) -> ClusterName:
    """The cluster that the path names."""
    scope = _scope(call)
    return ClusterName(scope.org, scope.vdc, check_cluster_name(call.parameters["cluster"]))


def _scope(call: Call) -> VdcName:
    """Where to look: everywhere the caller sees, unless the query's `org` and `vdc` say otherwise."""
    org, vdc = (_checked(call.request.query.get(field), field=field) for field in ("org", "vdc"))
    return VdcName(org, vdc)


def _checked(name: str | None, *, field: str) -> str:
    return check_vcd_name(name, field=field) if name else WILDCARD


def metadata_of(operation: operations_pb2.Operation) -> operation_pb2.OperationMetadata:
    """What every operation says about itself."""
    metadata = operation_pb2.OperationMetadata()
    operation.metadata.Unpack(metadata)
    return metadata


def last_part(name: str) -> str:
    """The id at the end of a resource name, as vCD writes it: users may give vApps any name there."""
    return unquote(name.rpartition("/")[2])
