"""Clusters and nodes, and how they are told from what vCD shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cse_clusters.domain.access import Caller
from cse_clusters.domain.marks import NODE_OPERATIONS
from cse_clusters.domain.vcd import Machine, VappDetails, VappRecord
from cse_core.names import ClusterName, is_node_name

CLUSTER_ID: Final = "cse.cluster.id"
VERSION: Final = "cse.version"
TEMPLATE: Final = "cse.template"
CONTROL_PLANE_IP: Final = "cse.master.ip"
OPERATION_ID: Final = "cse.operation.id"
"""Ours, beside what 1.2.x writes: the operation that made the vApp, by which it is found again."""

METADATA_KEYS: Final = (CLUSTER_ID, VERSION, TEMPLATE, CONTROL_PLANE_IP, OPERATION_ID, NODE_OPERATIONS)
FAILED_CREATION: Final = "FAILED_CREATION"
"""Status of a vApp that vCD could not make; it can only be deleted."""
BROKEN_STATUSES: Final = frozenset({FAILED_CREATION, "UNRECOGNIZED", "INCONSISTENT_STATE"})


class Role(StrEnum):
    """What a node does. The value is the prefix of its machine's name, which clusters of 1.2.x share."""

    CONTROL_PLANE = "mstr"
    WORKER = "node"
    NFS = "nfsd"


def role_of(machine_name: str) -> Role | None:
    """The role a machine's name tells; None for one that CSE did not name, whatever its name begins with.

    Who may change a vApp may give its machines any name, and Kubernetes is asked about nodes by name.
    """
    return Role(machine_name.partition("-")[0]) if is_node_name(machine_name) else None


class State(StrEnum):
    """Where a cluster stands as seen by CSE."""

    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of a cluster. What could not be read is None."""

    name: str
    role: Role | None
    vm_status: str = ""
    ip_address: str | None = None
    cpu_count: int | None = None
    memory_mb: int | None = None
    storage_profile: str = ""
    created: str = ""
    """When, in a form whose order is that of time."""
    exports: tuple[str, ...] = ()
    """Of an NFS node, where they were asked for."""


@dataclass(frozen=True, kw_only=True)
class ClusterKey:
    """Which cluster is meant.

    Its UUID alone does not say so, for whoever may change a vApp can write another cluster's to it. So it counts where
    the vApp is as well: no VDC has two of one name. One that is renamed is another to what was begun before.
    """

    org_id: str
    vdc: str
    name: str
    uid: str

    @property
    def partition(self) -> str:
        """What operations on the cluster queue up by, from its creation to its deletion."""
        return f"{ClusterName(self.org_id, self.vdc, self.name)}/{self.uid}"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster as callers see it. The vApp's fields are empty until vCD has it."""

    org: str
    org_id: str
    vdc: str
    name: str
    uid: str
    state: State
    template: str = ""
    network: str = ""
    control_plane_ip: str = ""
    cse_version: str = ""
    vapp_id: str = ""
    vapp_href: str = ""
    vdc_href: str = ""
    vapp_status: str = ""
    vm_count: int = 0
    nodes: tuple[Node, ...] = ()

    @property
    def resource_name(self) -> ClusterName:
        return ClusterName(self.org, self.vdc, self.name)

    @property
    def key(self) -> ClusterKey:
        return ClusterKey(org_id=self.org_id, vdc=self.vdc, name=self.name, uid=self.uid)

    def with_vapp(self, vapp: VappDetails) -> "Cluster":
        """The cluster with what a GET of its vApp shows, above all its nodes."""
        return replace(
            self,
            vapp_id=vapp.id,
            nodes=tuple(sorted(map(node_of, vapp.machines), key=_node_order)),
            vm_count=len(vapp.machines),
            vapp_status=vapp.status,
            network=vapp.networks[0] if vapp.networks else self.network,
        )


def _node_order(node: Node) -> tuple[int, str]:
    roles = list(Role)
    return (roles.index(node.role) if node.role else len(roles), node.name)


def node_of(machine: Machine) -> Node:
    return Node(
        name=machine.name,
        role=role_of(machine.name),
        vm_status=machine.status,
        ip_address=machine.ip_address,
        cpu_count=machine.cpu_count,
        memory_mb=machine.memory_mb,
        storage_profile=machine.storage_profile,
        created=machine.created,
    )


def key_of_vapp(vapp: VappRecord, org_id: str = "") -> ClusterKey:
    """The cluster that a vApp with `cse.cluster.id` is; `org_id` counts where the query shows no org."""
    uid = vapp.metadata.get(CLUSTER_ID, "")
    return ClusterKey(org_id=vapp.org_id or org_id, vdc=vapp.vdc, name=vapp.name, uid=uid)


def cluster_of(vapp: VappRecord, caller: Caller, changing: Mapping[ClusterKey, State]) -> Cluster:
    """The cluster that a vApp with `cse.cluster.id` is.

    Args:
        vapp: what the query service shows of it.
        caller: who asked; where the query shows no org, it is his.
        changing: what operations in progress do, to whichever clusters.
    """
    key = key_of_vapp(vapp, caller.org_id)
    control_plane_ip = vapp.metadata.get(CONTROL_PLANE_IP, "")
    settled = State.FAILED if vapp.status in BROKEN_STATUSES or not control_plane_ip else State.READY
    return Cluster(
        org=vapp.org or caller.org,
        org_id=key.org_id,
        vdc=key.vdc,
        name=key.name,
        uid=key.uid,
        state=changing.get(key, settled),
        template=vapp.metadata.get(TEMPLATE, ""),
        control_plane_ip=control_plane_ip,
        cse_version=vapp.metadata.get(VERSION, ""),
        vapp_id=vapp.id,
        vapp_href=vapp.href,
        vdc_href=vapp.vdc_href,
        vapp_status=vapp.status,
        vm_count=vapp.vm_count,
    )


def in_order(clusters: Iterable[Cluster]) -> list[Cluster]:
    """By name; what has the same name in an order that never changes."""
    return sorted(clusters, key=sort_key)


def sort_key(cluster: Cluster) -> str:
    """The cluster's place in that order. vCD's names hold no NUL."""
    return f"{cluster.name}\0{cluster.org}\0{cluster.vdc}\0{cluster.uid}"
