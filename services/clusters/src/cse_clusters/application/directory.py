"""Finding clusters: what vCD shows, together with what operations in progress are about to do."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cse_clusters.application.listings import Listings
from cse_clusters.application.operation_data import CREATE_CLUSTER, STATE_BY_KIND, CreateInput, key_of
from cse_clusters.application.ports import Inventory
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster, ClusterKey, State, cluster_of, in_order, sort_key
from cse_core.errors import ConflictError, NotFoundError, RetryableError
from cse_core.names import WILDCARD, ClusterName, VdcName
from cse_core.operations import Operation, OperationQuery, Operations

_MOST_CHANGES: Final = 1000
"""In progress at once on clusters of one name."""


@dataclass(frozen=True)
class Page:
    """Clusters in order, and where the next page begins (empty after the last)."""

    clusters: list[Cluster]
    next_page: str


class ClusterDirectory:
    """The clusters that a caller sees."""

    def __init__(self, inventory: Inventory, operations: Operations) -> None:
        self._inventory = inventory
        self._operations = operations
        self._listings = Listings()

    def page(self, caller: Caller, parent: VdcName, *, begin: str = "", limit: int) -> Page:
        """Clusters of the VDC (or of all that the caller sees), from `begin` on; at most `limit`.

        The pages of one list show one moment, if they are asked for within some seconds. `begin` is the `next_page` of
        the page before; it names the list, and the last cluster that was given of it.
        """
        listing, _, after = begin.partition(" ")
        clusters = self._listings.find(caller, parent, listing) if listing else None
        if clusters is None:
            listing, clusters = "", self._find(caller, parent)
        start = bisect_right(clusters, after, key=sort_key)
        page = clusters[start : start + limit]
        if start + limit >= len(clusters):
            self._listings.forget(listing)
            return Page(page, "")
        listing = listing or self._listings.keep(caller, parent, clusters)
        return Page(page, f"{listing} {sort_key(page[-1])}")

    def get(self, caller: Caller, name: ClusterName) -> Cluster:
        """The cluster with its nodes; without them if vCD shows the vApp's summary only."""
        cluster = self.find_one(caller, name)
        if not cluster.vapp_href:
            return cluster
        try:
            details = self._inventory.vapp(caller.credentials, cluster.vapp_href)
        except RetryableError:
            return cluster
        return cluster.with_vapp(details) if details is not None else cluster

    def find_one(self, caller: Caller, name: ClusterName) -> Cluster:
        """The one cluster that the name means, without its nodes.

        Raises:
            NotFoundError: there is none that the caller sees.
            ConflictError: reason CLUSTER_AMBIGUOUS; there are several.
        """
        found = self._find(caller, name.parent, cluster=name.cluster)
        if not found:
            raise NotFoundError(
                f"there is no cluster {name.cluster!r} that you can see",
                reason="CLUSTER_NOT_FOUND",
                cluster=name.cluster,
            )
        if len(found) > 1:
            places = ", ".join(f"{cluster.org}/{cluster.vdc}" for cluster in found[:5])
            raise ConflictError(
                f"there are {len(found)} clusters called {name.cluster!r} ({places}); name the org and the VDC",
                reason="CLUSTER_AMBIGUOUS",
                cluster=name.cluster,
            )
        return found[0]

    def _find(self, caller: Caller, parent: VdcName, *, cluster: str | None = None) -> list[Cluster]:
        if parent.org not in (WILDCARD, caller.org) and not caller.is_system_administrator:
            return []
        org = None if parent.org == WILDCARD else parent.org
        vdc = None if parent.vdc == WILDCARD else parent.vdc
        active = self._active(caller, cluster)
        changes = _changes(active)
        records = self._inventory.clusters(
            caller.credentials, name=cluster, org=org if caller.is_system_administrator else None, vdc=vdc
        )
        found = [cluster_of(record, caller, changes) for record in records]
        known = {each.key for each in found}
        coming = [
            _coming(job, changes[key])
            for key, job in _creations_seen(active, caller).items()
            if key not in known
            and org in (None, job.vdc.org)
            and vdc in (None, job.vdc.name)
            and cluster in (None, job.name)
        ]
        return in_order([*found, *coming])

    def _active(self, caller: Caller, cluster: str | None) -> list[Operation]:
        """Operations in progress on clusters of this name, oldest first; of those only, for reading one takes time."""
        owner = None if caller.is_system_administrator else caller.org_id
        if cluster is None:
            return self._operations.find(owner=owner, active=True)
        query = OperationQuery(owner=owner, target_id=cluster, active=True)
        return self._operations.page(query, limit=_MOST_CHANGES)[::-1]


def _changes(active: Iterable[Operation]) -> dict[ClusterKey, State]:
    """What the operations in progress do, by cluster; the latest that was asked for counts."""
    return {key: STATE_BY_KIND.get(each.kind, State.UPDATING) for each in active if (key := key_of(each)) is not None}


def _creations_seen(active: Iterable[Operation], caller: Caller) -> dict[ClusterKey, CreateInput]:
    """Until vCD has the vApp, and says who may see it, a creation is shown to who began it and to administrators."""
    jobs = {
        key: CreateInput.from_json(each.input)
        for each in active
        if each.kind == CREATE_CLUSTER and (key := key_of(each)) is not None
    }
    sees_all = caller.is_system_administrator
    return {key: job for key, job in jobs.items() if sees_all or job.card.user_id == caller.user_id}


def _coming(job: CreateInput, state: State) -> Cluster:
    """A cluster that vCD knows nothing of yet."""
    return Cluster(
        org=job.vdc.org,
        org_id=job.vdc.org_id,
        vdc=job.vdc.name,
        name=job.name,
        uid=job.uid,
        state=state,
        template=job.template,
        network=job.network,
        vdc_href=job.vdc.href,
    )
