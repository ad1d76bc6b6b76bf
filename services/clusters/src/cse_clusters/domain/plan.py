"""The names of everything that a creation will make, chosen before anything is made."""

from dataclasses import dataclass
from typing import Any, Self

from cse_clusters.domain.cluster import Role
from cse_core.names import new_node_name


@dataclass(frozen=True, kw_only=True)
class ClusterPlan:
    """Names of the machines of a new cluster."""

    control_plane: str
    workers: tuple[str, ...]
    nfs: str | None

    @classmethod
    def choose(cls, *, workers: int, nfs: bool) -> Self:
        """Names that differ from each other."""
        taken: set[str] = set()

        def fresh(role: Role) -> str:
            name = new_node_name(role.value, taken)
            taken.add(name)
            return name

        return cls(
            control_plane=fresh(Role.CONTROL_PLANE),
            workers=tuple(fresh(Role.WORKER) for _ in range(workers)),
            nfs=fresh(Role.NFS) if nfs else None,
        )

    @property
    def machines(self) -> tuple[str, ...]:
        return (self.control_plane, *self.workers, *((self.nfs,) if self.nfs else ()))

    @property
    def kubernetes_nodes(self) -> frozenset[str]:
        """Those that register with Kubernetes: all but the NFS node."""
        return frozenset((self.control_plane, *self.workers))

    def as_json(self) -> dict[str, Any]:
        return {"control_plane": self.control_plane, "workers": list(self.workers), "nfs": self.nfs}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(control_plane=data["control_plane"], workers=tuple(data["workers"]), nfs=data["nfs"])
