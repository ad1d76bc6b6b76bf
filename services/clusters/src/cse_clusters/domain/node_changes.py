"""What a tenant asks for when changing the nodes of a cluster, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cse_clusters.domain.cluster import Cluster, Node, Role
from cse_clusters.domain.new_cluster import MAX_NODES, NodePool, check_pool, check_template_name
from cse_clusters.domain.ssh_keys import check_ssh_keys
from cse_core.errors import FailedPreconditionError, InvalidArgumentError
from cse_core.names import check_vcd_name, is_node_name


@dataclass(frozen=True, kw_only=True)
class NewNodes:
    """A request for more nodes as it came. `checked` gives one that the rest of the service may rely on."""

    pool: NodePool
    role: Role | None = Role.WORKER
    """None for what the contract does not know."""
    template: str = ""
    """Empty takes the cluster's, here and below."""
    network: str = ""
    ssh_public_key: str = ""
    rollback_on_failure: bool = True

    def checked(self) -> "NewNodes":
        """Returns the request with its values in their usual form.

        Raises:
            InvalidArgumentError: with the field and what is allowed in it.
        """
        if self.role not in (Role.WORKER, Role.NFS):
            raise InvalidArgumentError("role: workers and NFS nodes can be added", field="role")
        check_pool(self.pool, field="pool", least=1)
        if self.network:
            check_vcd_name(self.network, field="network")
        check_template_name(self.template, field="template")
        return replace(self, ssh_public_key=check_ssh_keys(self.ssh_public_key, field="ssh_public_key"))


def check_node_ids(names: Sequence[str], *, field: str = "node_ids") -> tuple[str, ...]:
    """Returns the names, each once.

    Raises:
        InvalidArgumentError: there are none, too many, or one that CSE would not give to a node.
    """
    if not names:
        raise InvalidArgumentError(f"{field}: name the nodes", field=field)
    if len(names) > MAX_NODES:
        raise InvalidArgumentError(f"{field}: at most {MAX_NODES} nodes can be named at once", field=field)
    for name in names:
        if not is_node_name(name):
            raise InvalidArgumentError(
                f"{field}: {name[:64]!r} is no name of a node; they look like 'node-7k2p'", field=field
            )
        if name.startswith(f"{Role.CONTROL_PLANE}-"):
            raise FailedPreconditionError(
                f"{field}: {name} is the control plane, without which there is no cluster; delete the cluster instead",
                reason="CONTROL_PLANE_NOT_REMOVABLE",
                field=field,
                node=name,
            )
    return tuple(dict.fromkeys(names))


def newest_workers(cluster: Cluster, count: int) -> list[str]:
    """Names of the workers that leave first when a cluster shrinks by so many."""
    workers = workers_of(cluster)
    return [node.name for node in sorted(workers, key=_age, reverse=True)[:count]]


def like_its_workers(cluster: Cluster) -> NodePool:
    """What a further worker is made of: what all workers have alike; 0 and empty where they differ.

    Where there is no worker, the control plane is the model: a creation makes all nodes alike.
    """
    models = workers_of(cluster) or [node for node in cluster.nodes if node.role is Role.CONTROL_PLANE]
    cpus = {node.cpu_count for node in models}
    memory = {node.memory_mb for node in models}
    profiles = {node.storage_profile for node in models}
    return NodePool(
        cpu_count=(cpus.pop() or 0) if len(cpus) == 1 else 0,
        memory_mb=(memory.pop() or 0) if len(memory) == 1 else 0,
        storage_profile=profiles.pop() if len(profiles) == 1 else "",
    )


def workers_of(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.nodes if node.role is Role.WORKER]


def _age(node: Node) -> tuple[str, str]:
    return (node.created, node.name)
