"""vCenters that are away: their addresses refuse connections as long as a fault says so."""

import threading
from collections.abc import Mapping
from typing import Protocol

from vcd_simulator.faults.registry import Faults
from vcd_simulator.faults.selector import Place


class Listening(Protocol):
    """A server that can be made to refuse connections."""

    def refuse(self) -> None: ...
    def accept(self) -> None: ...


class Outages:
    """Keeps the servers of vCenters in step with the faults that are set. Thread-safe.

    Each fault is asked once about each vCenter, so that `times`, `after` and `chance` count vCenters.
    """

    def __init__(self, faults: Faults, servers: Mapping[str, Listening]) -> None:
        self._faults = faults
        self._servers = servers
        self._asked: set[tuple[str, str]] = set()
        self._away: dict[str, set[str]] = {name: set() for name in servers}
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Take vCenters away and bring them back; when this returns, their addresses behave so."""
        with self._lock:
            there = {fault.id: fault for fault in self._faults if fault.place is Place.LISTENER}
            self._asked = {(fault_id, name) for fault_id, name in self._asked if fault_id in there}
            for name, server in self._servers.items():
                causes = self._away[name]
                causes.intersection_update(there)
                for fault in there.values():
                    if (fault.id, name) not in self._asked:
                        self._asked.add((fault.id, name))
                        if self._faults.hits(fault, vcenter=name):
                            causes.add(fault.id)
                if causes:
                    server.refuse()
                else:
                    server.accept()
