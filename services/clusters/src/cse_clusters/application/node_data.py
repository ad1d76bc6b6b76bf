"""What the operations on the nodes of a cluster get as input, and how that is written as JSON.

Stored operations outlive code: a field that is added gets a default, none is renamed.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from cse_clusters.application.operation_data import (
    ClusterChange,
    CreateInput,
    cluster_from_json,
    scripts_from_json,
    vm_template_from_json,
)
from cse_clusters.application.ports import Scripts
from cse_clusters.domain.cluster import Cluster, Role
from cse_clusters.domain.vcd import MachineSpec, VmTemplate

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
class NodeChange(ClusterChange):
    """What every operation on the nodes of a cluster gets."""

    cluster: Cluster
    """As it was found when the operation was accepted."""

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return super()._parsed(fields) | {"cluster": cluster_from_json(fields["cluster"])}


@dataclass(frozen=True, kw_only=True)
class AddNodesInput(NodeChange):
    """Nodes to add, everything about them looked up."""

    role: Role
    count: int
    make: NodeMake
    rollback_on_failure: bool

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return super()._parsed(fields) | {"role": Role(fields["role"]), "make": NodeMake.from_json(fields["make"])}


@dataclass(frozen=True, kw_only=True)
class RemoveNodesInput(NodeChange):
    """Nodes to remove."""

    nodes: tuple[str, ...]
    force: bool

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return super()._parsed(fields) | {"nodes": tuple(fields["nodes"])}


@dataclass(frozen=True, kw_only=True)
class ResizeInput(NodeChange):
    """How many workers there are to be."""

    workers: int
    make: NodeMake | None
    """None if there were enough of them when it was accepted, and their template could not be used."""

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return super()._parsed(fields) | {"make": NodeMake.from_json(fields["make"]) if fields["make"] else None}
