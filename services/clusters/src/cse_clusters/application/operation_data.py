"""What the operations of this service get as input and give as result, and how that is written as JSON.

Stored operations outlive code: a field that is added gets a default, none is renamed.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, cast

from cse_clusters.application.ports import Scripts, TaskCard
from cse_clusters.domain.access import Credentials, TokenScheme
from cse_clusters.domain.cluster import Cluster, ClusterKey, Node, Role, State
from cse_clusters.domain.vcd import Vdc, VmTemplate
from cse_core.errors import UnauthenticatedError
from cse_core.names import ClusterName
from cse_core.operations import JsonObject, Operation, OperationContext

CREATE_CLUSTER: Final = "CREATE_CLUSTER"
DELETE_CLUSTER: Final = "DELETE_CLUSTER"

TOKEN: Final = "token"  # noqa: S105  the name under which the engine keeps the caller's token

STATE_BY_KIND: Final = {CREATE_CLUSTER: State.CREATING, DELETE_CLUSTER: State.DELETING}
"""What an operation in progress makes of a cluster's state; any other kind changes it."""


@dataclass(frozen=True, kw_only=True)
class ActingAs:
    """The part of the caller's credentials that is no secret."""

    scheme: TokenScheme
    api_version: str

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        return cls(scheme=credentials.scheme, api_version=credentials.api_version)

    def credentials(self, ctx: OperationContext) -> Credentials:
        """The caller's credentials; raises UnauthenticatedError if the engine has dropped the token."""
        token = ctx.secret(TOKEN)
        if token is None:
            raise UnauthenticatedError("the token that the operation was begun with is gone; start it again")
        return Credentials(token=token, scheme=self.scheme, api_version=self.api_version)


@dataclass(frozen=True, kw_only=True)
class ClusterChange:
    """What every operation on a cluster gets."""

    card: TaskCard
    task_href: str
    acting_as: ActingAs

    @property
    def name(self) -> str:
        return self.card.cluster_name

    @property
    def uid(self) -> str:
        return self.card.cluster_id

    @property
    def title(self) -> str:
        """What messages call the cluster."""
        return f"cluster {self.name} ({self.uid})"

    def as_json(self) -> JsonObject:
        return plain(self)

    @classmethod
    def from_json(cls, data: JsonObject) -> Self:
        return cls(**cls._parsed(cast(dict[str, Any], dict(data))))

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields as the constructor wants them."""
        return {**fields, "card": TaskCard(**fields["card"]), "acting_as": ActingAs(**fields["acting_as"])}


@dataclass(frozen=True, kw_only=True)
class CreateInput(ClusterChange):
    """Everything that a creation needs, looked up and checked when it was accepted."""

    vdc: Vdc
    """With the one network, and the one storage profile if any, that is used."""
    network: str
    template: str
    machine: VmTemplate
    scripts: Scripts
    workers: int
    nfs: bool
    cpu_count: int
    memory_mb: int
    storage_profile: str | None
    """Href."""
    ssh_public_key: str
    rollback_on_failure: bool

    @classmethod
    def _parsed(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return super()._parsed(fields) | {
            "vdc": Vdc(**fields["vdc"]),
            "machine": vm_template_from_json(fields["machine"]),
            "scripts": scripts_from_json(fields["scripts"]),
        }


@dataclass(frozen=True, kw_only=True)
class DeleteInput(ClusterChange):
    """The cluster to delete, as it was found when the deletion was accepted."""

    vdc: str
    vapp_href: str
    """Empty if it was just being created."""


def plain(value: Any) -> JsonObject:
    """A dataclass as JSON, and nothing that JSON would not give back."""
    return cast(JsonObject, json.loads(json.dumps(asdict(value))))


def vm_template_from_json(fields: dict[str, Any]) -> VmTemplate:
    return VmTemplate(**{**fields, "hardware": tuple(fields["hardware"])})


def scripts_from_json(fields: dict[str, Any]) -> Scripts:
    return Scripts(**fields)


def card_of(data: JsonObject) -> TaskCard:
    """The task card in the input of any operation of ours."""
    return TaskCard(**cast(dict[str, Any], data["card"]))


def key_of(operation: Operation) -> ClusterKey | None:
    """The cluster that an operation is about; None if it is about none."""
    if not operation.target_uid:
        return None
    target = ClusterName.parse(operation.target)
    return ClusterKey(org_id=operation.owner, vdc=target.vdc, name=target.cluster, uid=operation.target_uid)


def cluster_to_json(cluster: Cluster) -> JsonObject:
    """A cluster as the result of an operation."""
    return plain(cluster)


def cluster_from_json(data: JsonObject) -> Cluster:
    fields = cast(dict[str, Any], dict(data))
    fields["state"] = State(fields["state"])
    fields["nodes"] = tuple(map(_node_from_json, fields["nodes"]))
    return Cluster(**fields)


def _node_from_json(fields: dict[str, Any]) -> Node:
    role = Role(fields["role"]) if fields["role"] else None
    return Node(**{**fields, "role": role, "exports": tuple(fields.get("exports", ()))})
