"""What a tenant asks for when creating a cluster, and what is wrong with it.

Messages begin with the field's path, as `cse_core.names` does it: whoever translates the path translates the message.
"""

import re
from dataclasses import dataclass
from typing import Final

from cse_clusters.domain.ssh_keys import check_ssh_keys
from cse_core.errors import InvalidArgumentError
from cse_core.names import VdcName, check_cluster_name, check_vcd_name

MAX_NODES: Final = 200
MAX_CPUS: Final = 128
MIN_MEMORY_MB: Final = 512
MAX_MEMORY_MB: Final = 6291456
_TEMPLATE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Nodes of one make. 0 and an empty text take the template's or the VDC's own."""

    node_count: int = 0
    cpu_count: int = 0
    memory_mb: int = 0
    storage_profile: str = ""


@dataclass(frozen=True, kw_only=True)
class NewCluster:
    """A request as it came. `checked` gives one that the rest of the service may rely on."""

    vdc: VdcName
    name: str
    network: str
    workers: NodePool = NodePool()
    template: str = ""
    nfs: bool = False
    ssh_public_key: str = ""
    """As many as there are, one a line."""
    rollback_on_failure: bool = True

    def checked(self) -> "NewCluster":
        """Returns the request with its values in their usual form.

        Raises:
            InvalidArgumentError: with the field and what is allowed in it.
        """
        check_cluster_name(self.name, field="cluster_id")
        check_vcd_name(self.network, field="cluster.network")
        check_template_name(self.template, field="cluster.template")
        check_pool(self.workers, field="cluster.worker_pool", least=0)
        return NewCluster(
            vdc=self.vdc,
            name=self.name,
            network=self.network,
            workers=self.workers,
            template=self.template,
            nfs=self.nfs,
            ssh_public_key=check_ssh_keys(self.ssh_public_key, field="cluster.ssh_public_key"),
            rollback_on_failure=self.rollback_on_failure,
        )


def check_template_name(name: str, *, field: str) -> None:
    """Raises InvalidArgumentError if no template could be called so; empty is fine."""
    if name and not _TEMPLATE.fullmatch(name):
        raise InvalidArgumentError(
            f"{field}: a template's name consists of letters, digits, dots, hyphens and underscores", field=field
        )


def check_pool(pool: NodePool, *, field: str, least: int) -> None:
    """Raises InvalidArgumentError naming the part of the pool that is out of its limits."""
    check_count(pool.node_count, least, MAX_NODES, field=f"{field}.node_count")
    if pool.cpu_count:
        check_count(pool.cpu_count, 1, MAX_CPUS, field=f"{field}.cpu_count")
    if pool.memory_mb:
        check_count(pool.memory_mb, MIN_MEMORY_MB, MAX_MEMORY_MB, field=f"{field}.memory_mb")
    if pool.storage_profile:
        check_vcd_name(pool.storage_profile, field=f"{field}.storage_profile")


def check_count(value: int, low: int, high: int, *, field: str) -> None:
    """Raises InvalidArgumentError unless the value is between the two, or one of them."""
    if not low <= value <= high:
        raise InvalidArgumentError(f"{field}: {value} is not between {low} and {high}", field=field, value=value)
