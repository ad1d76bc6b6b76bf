"""What the operations on the nodes of a cluster get as input, and how that is written as JSON.

Stored operations outlive code: a field that is added gets a default, none is renamed.
"""

from dataclasses import dataclass
from typing import Any, Final, Self, cast

from cse_clusters.application.operation_data import (
    ActingAs,
    CreateInput,
    cluster_from_json,
    plain,
    scripts_from_json,
    vm_template_from_json,
)
from cse_clusters.application.ports import Scripts, TaskCard
from cse_clusters.domain.cluster import Cluster, Role
from cse_clusters.domain.vcd import MachineSpec, VmTemplate
from cse_core.operations import JsonObject

ADD_NODES: Final = "ADD_NODES"
REMOVE_NODES: Final = "REMOVE_NODES"
RESIZE_CLUSTER: Final = "RESIZE_CLUSTER"


@dataclass(frozen=True, kw_only=True)
class NodeMake:
    """What nodes are made from, and of."""

    template: str
    machine: VmTemplate
    scripts: Scripts
    network: str
    cpu_count: int = 0
    """0 takes the template's, here and below."""
    memory_mb: int = 0
    storage_profile: str | None = None
    """Href; None takes the VDC's default."""
    ssh_public_key: str = ""

    @property
    def has_own_hardware(self) -> bool:
        """Whether the nodes' CPUs or memory differ from the template's."""
        return bool(
            (self.cpu_count and self.cpu_count != self.machine.cpu_count)
            or (self.memory_mb and self.memory_mb != self.machine.memory_mb)
        )

    def spec(self, name: str) -> MachineSpec:
        return MachineSpec(
            name=name, cpu_count=self.cpu_count, memory_mb=self.memory_mb, storage_profile=self.storage_profile
        )

    @classmethod
    def of_creation(cls, job: CreateInput) -> Self:
        return cls(
            template=job.template,
            machine=job.machine,
            scripts=job.scripts,
            network=job.network,
            cpu_count=job.cpu_count,
            memory_mb=job.memory_mb,
            storage_profile=job.storage_profile,
            ssh_public_key=job.ssh_public_key,
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        machine, scripts = vm_template_from_json(data["machine"]), scripts_from_json(data["scripts"])
        return cls(**{**data, "machine": machine, "scripts": scripts})


@dataclass(frozen=True, kw_only=True)
class NodeChange:
    """What every operation on the nodes of a cluster gets: the cluster as it was found when it was accepted."""

    card: TaskCard
    task_href: str
    acting_as: ActingAs
    cluster: Cluster

    @property
    def title(self) -> str:
        return f"cluster {self.cluster.name} ({self.cluster.uid})"

    def as_json(self) -> JsonObject:
        return plain(self)

    @classmethod
    def from_json(cls, data: JsonObject) -> Self:
        fields = cast(dict[str, Any], dict(data))
        fields["card"] = TaskCard(**fields["card"])
        fields["acting_as"] = ActingAs(**fields["acting_as"])
        fields["cluster"] = cluster_from_json(fields["cluster"])
        return cls(**cls._parsed(fields))

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of the kind, as its constructor wants them."""
        return fields


@dataclass(frozen=True, kw_only=True)
class AddNodesInput(NodeChange):
    """Nodes to add, everything about them looked up."""

    role: Role
    count: int
    make: NodeMake
    rollback_on_failure: bool

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "role": Role(fields["role"]), "make": NodeMake.from_json(fields["make"])}


@dataclass(frozen=True, kw_only=True)
class RemoveNodesInput(NodeChange):
    """Nodes to remove."""

    nodes: tuple[str, ...]
    force: bool

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "nodes": tuple(fields["nodes"])}


@dataclass(frozen=True, kw_only=True)
class ResizeInput(NodeChange):
    """How many workers there are to be."""

    workers: int
    make: NodeMake | None
    """None if there were enough of them when it was accepted, and their template could not be used."""

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "make": NodeMake.from_json(fields["make"]) if fields["make"] else None}
