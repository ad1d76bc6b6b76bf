"""What operations note in their ledger before they make something in vCD, so that it is found whatever happens to them.

Notes outlive code and operations: a field that is added gets a default, none is renamed.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final, Self

from cse_clusters.domain.cluster import Cluster
from cse_clusters.domain.vcd import Vdc
from cse_core.operations import LedgerEntry, OperationContext

VAPP: Final = "vapp"
MACHINES: Final = "machines"
TASK: Final = "task"
"""A vCD task without an operation yet, under its request's id; see `task_key`."""

_NAMES_AT_ONCE: Final = 50
"""A database's index takes no longer keys."""


@dataclass(frozen=True, kw_only=True)
class VappNote:
    """The vApp of a new cluster, by its place and name: vCD has told no more when it is noted."""

    org: str
    org_id: str
    vdc: str
    vdc_id: str
    vdc_href: str
    name: str
    uid: str
    """The cluster's."""

    @classmethod
    def of(cls, vdc: Vdc, name: str, uid: str) -> Self:
        return cls(org=vdc.org, org_id=vdc.org_id, vdc=vdc.name, vdc_id=vdc.id, vdc_href=vdc.href, name=name, uid=uid)

    @classmethod
    def read(cls, entry: LedgerEntry) -> Self:
        return cls(**json.loads(entry.key))

    @property
    def place(self) -> Vdc:
        """Where it is to be found."""
        return Vdc(id=self.vdc_id, name=self.vdc, href=self.vdc_href, org=self.org, org_id=self.org_id)

    def creating(self, ctx: OperationContext) -> None:
        """Notes that it is about to be made."""
        ctx.creating(VAPP, _key(self))

    def removed(self, ctx: OperationContext) -> None:
        """Notes that it is gone, or was never made."""
        ctx.removed(VAPP, _key(self))


@dataclass(frozen=True, kw_only=True)
class MachinesNote:
    """New machines of a cluster."""

    org: str
    vdc: str
    cluster: str
    uid: str
    """The cluster's."""
    vapp_href: str
    names: tuple[str, ...]

    @classmethod
    def all_of(cls, cluster: Cluster, names: Sequence[str]) -> "Iterator[MachinesNote]":
        """Notes about all machines of these names."""
        rest = iter(names)
        while some := tuple(islice(rest, _NAMES_AT_ONCE)):
            yield cls(
                org=cluster.org,
                vdc=cluster.vdc,
                cluster=cluster.name,
                uid=cluster.uid,
                vapp_href=cluster.vapp_href,
                names=some,
            )

    @classmethod
    def read(cls, entry: LedgerEntry) -> Self:
        fields = json.loads(entry.key)
        return cls(**{**fields, "names": tuple(fields["names"])})

    def creating(self, ctx: OperationContext) -> None:
        """Notes that they are about to be made."""
        ctx.creating(MACHINES, _key(self))

    def removed(self, ctx: OperationContext) -> None:
        """Notes that they are gone, or were never made."""
        ctx.removed(MACHINES, _key(self))


def task_key(cluster_uid: str) -> str:
    """The key of a note of a task that is about to be made; another each time, for a request may be repeated."""
    return f"{cluster_uid}/{uuid.uuid4()}"


def cluster_of_task(entry: LedgerEntry) -> str:
    """The UUID of the cluster that a noted task is about."""
    return entry.key.partition("/")[0]


def _key(note: VappNote | MachinesNote) -> str:
    return json.dumps(asdict(note), sort_keys=True, separators=(",", ":"))
