"""Nodes: `/api/cse/{cluster}/node`, `/api/cse/{cluster}/{node}/info`, and the number of workers."""

from collections.abc import Awaitable, Callable
from typing import Final

import grpc
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse_core.errors import ConflictError, CseError, InvalidArgumentError
from cse_core.names import ClusterName, NodeName, check_vcd_name
from cse_gateway.adapters.backend import invoke, request_id_of
from cse_gateway.adapters.routes.clusters import SERVICE, changing_reply, cluster_in, in_rest_words, last_part
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

_REST_FIELDS: Final = {
    "node_ids": "nodes",
    "pool.cpu_count": "cpu",
    "pool.memory_mb": "memory",
    "pool.node_count": "node_count",
    "pool.storage_profile": "storage_profile",
    "role": "node_type",
    "ssh_public_key": "ssh_key",
    "worker_count": "node_count",
}
"""What the contract's fields are called in a request's body, where that differs."""

_ROLES: Final = {"node": cluster_pb2.Node.ROLE_WORKER, "nfsd": cluster_pb2.Node.ROLE_NFS}
_TYPES: Final = {
    cluster_pb2.Node.ROLE_CONTROL_PLANE: "master",
    cluster_pb2.Node.ROLE_WORKER: "node",
    cluster_pb2.Node.ROLE_NFS: "nfsd",
}

Ask = Callable[[str], Awaitable[operations_pb2.Operation]]
"""Begins a change of the cluster of this resource name."""


class NodeRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)

    async def info(self, call: Call) -> Reply:
        name = NodeName(cluster_in(call), check_vcd_name(call.parameters["node"], field="node"))
        request = cluster_service_pb2.GetNodeRequest(name=str(name))
        return json_reply(200, node_to_json(await invoke(self._stub.GetNode, request, call, service=SERVICE)))

    async def create(self, call: Call) -> Reply:
        body = Body.parse(call.request.body)
        request = cluster_service_pb2.AddNodesRequest(
            role=_role(body.text("node_type", "node")),
            template=body.text("template"),
            network=body.text("network"),
            ssh_public_key=body.text("ssh_key").rstrip(),
            request_id=request_id_of(call.request),
            # Inverted on the wire, as for clusters: true means that a failure IS rolled back.
            rollback_on_failure=body.flag("disable_rollback", default=True),
            pool=cluster_pb2.NodePool(
                node_count=body.number("node_count", 1),
                cpu_count=body.number("cpu"),
                memory_mb=body.number("memory"),
                storage_profile=body.text("storage_profile"),
            ),
        )

        async def ask(name: str) -> operations_pb2.Operation:
            request.name = name
            return await invoke(self._stub.AddNodes, request, call, service=SERVICE)

        return await _changed(call, body, ask)

    async def delete(self, call: Call) -> Reply:
        body = Body.parse(call.request.body)
        request = cluster_service_pb2.RemoveNodesRequest(
            node_ids=body.texts("nodes"),
            force=body.flag("force", default=False),
            request_id=request_id_of(call.request),
        )

        async def ask(name: str) -> operations_pb2.Operation:
            request.name = name
            return await invoke(self._stub.RemoveNodes, request, call, service=SERVICE)

        return await _changed(call, body, ask)

    async def resize(self, call: Call) -> Reply:
        body = Body.parse(call.request.body)
        if not body.has("node_count"):
            raise InvalidArgumentError("node_count: is required", field="node_count")
        request = cluster_service_pb2.ResizeClusterRequest(
            worker_count=body.number("node_count"), request_id=request_id_of(call.request)
        )

        async def ask(name: str) -> operations_pb2.Operation:
            request.name = name
            return await invoke(self._stub.ResizeCluster, request, call, service=SERVICE)

        return await _changed(call, body, ask)


def node_to_json(node: cluster_pb2.Node) -> dict[str, object]:
    """A node with the keys that old clients know, and numbers as the texts that they have always been."""
    shown: dict[str, object] = {
        "name": last_part(node.name),
        "node_type": _TYPES.get(node.role, ""),
        "numberOfCpus": str(node.cpu_count or ""),
        "memoryMB": str(node.memory_mb or ""),
        "status": node.vm_status,
        "ipAddress": node.ip_address,
    }
    if node.role == cluster_pb2.Node.ROLE_NFS:
        shown["exports"] = [export.partition(" ")[0] for export in node.exports]
    return shown


async def _changed(call: Call, body: Body, ask: Ask) -> Reply:
    """Begins a change. Where the caller sees several clusters of that name, the VDC of the body says which is meant."""
    name = cluster_in(call)
    try:
        try:
            operation = await ask(str(name))
        except ConflictError as error:
            vdc = body.text("vdc")
            if error.code != "CLUSTER_AMBIGUOUS" or not vdc:
                raise
            operation = await ask(str(ClusterName(name.org, check_vcd_name(vdc, field="vdc"), name.cluster)))
    except CseError as error:
        raise in_rest_words(error, _REST_FIELDS) from error
    return changing_reply(name, operation)


def _role(node_type: str) -> "cluster_pb2.Node.Role.ValueType":
    if node_type not in _ROLES:
        raise InvalidArgumentError(f"node_type: {node_type[:64]!r} is neither node nor nfsd", field="node_type")
    return _ROLES[node_type]
