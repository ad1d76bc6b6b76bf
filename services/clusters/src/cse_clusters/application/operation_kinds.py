"""All kinds of operations of the cluster manager."""

from cse_clusters.application.adding_nodes import add_nodes
from cse_clusters.application.create_operation import CreateClusterOperation
from cse_clusters.application.deleting import DeleteClusterOperation
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.node_data import ADD_NODES, REMOVE_NODES, RESIZE_CLUSTER
from cse_clusters.application.node_operation import NodeOperation
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.removing_nodes import remove_nodes
from cse_clusters.application.resizing import Resize
from cse_core.operations import OperationKind


def operation_kinds(ports: OperationPorts, *, version: str, limits: Limits) -> list[OperationKind]:
    """What an engine has to know.

    Args:
        ports: what the operations work with.
        version: of the product; written into new clusters.
        limits: how long things may take.
    """
    return [
        CreateClusterOperation(ports, version=version, limits=limits).kind(),
        DeleteClusterOperation(ports.inventory, ports.host, ports.board, limits=limits).kind(),
        NodeOperation(ADD_NODES, ports, lambda ctx: add_nodes(ctx, ports, limits)).kind(),
        NodeOperation(REMOVE_NODES, ports, lambda ctx: remove_nodes(ctx, ports, limits)).kind(),
        NodeOperation(RESIZE_CLUSTER, ports, lambda ctx: Resize(ctx, ports, limits)).kind(),
    ]
