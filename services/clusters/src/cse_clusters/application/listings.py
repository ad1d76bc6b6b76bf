"""Lists that somebody is paging through: asked of vCD once, not once for each page."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster
from cse_core.names import VdcName

KEPT_S: Final = 30.0
KEPT_CLUSTERS: Final = 20_000
"""Over all lists, about 20 MB; the latest list is kept whatever its length."""


@dataclass(frozen=True)
class _Listing:
    """One answer of vCD, in order, and whose it is."""

    owner: tuple[str, str, str]
    clusters: list[Cluster]
    until: float


class Listings:
    """Remembers what follows the pages that were given, for some seconds. Thread-safe.

    Nobody depends on it: who asks for a page that is not here any more, or of another replica, asks vCD again.
    """

    def __init__(self, *, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._lock = threading.Lock()
        self._listings: OrderedDict[str, _Listing] = OrderedDict()

    def keep(self, caller: Caller, parent: VdcName, clusters: list[Cluster]) -> str:
        """Remembers an answer; returns the name to find it by."""
        name = secrets.token_urlsafe(9)
        listing = _Listing(_owner(caller, parent), clusters, self._clock() + self._kept_s)
        with self._lock:
            self._listings[name] = listing
            self._make_room()
        return name

    def find(self, caller: Caller, parent: VdcName, name: str) -> list[Cluster] | None:
        """The answer of this name, if it was given to this caller about this parent."""
        with self._lock:
            self._make_room()
            listing = self._listings.get(name)
        return listing.clusters if listing is not None and listing.owner == _owner(caller, parent) else None

    def forget(self, name: str) -> None:
        """Called with the last page."""
        with self._lock:
            self._listings.pop(name, None)

    def _make_room(self) -> None:
        now = self._clock()
        total = sum(len(listing.clusters) for listing in self._listings.values())
        while self._listings:
            name, oldest = next(iter(self._listings.items()))
            if now < oldest.until and (total <= KEPT_CLUSTERS or len(self._listings) == 1):
                return
            total -= len(oldest.clusters)
            del self._listings[name]


def _owner(caller: Caller, parent: VdcName) -> tuple[str, str, str]:
    return (caller.user_id, caller.org_id, str(parent))
