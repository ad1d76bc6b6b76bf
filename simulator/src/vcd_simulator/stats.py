"""Counters of requests, so that the load that clients put on a site can be compared."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vcd_simulator.clock import timestamp

NOBODY = "-"
_MOST_KEYS = 5_000
"""How many counters there may be; what clients make up (names of programs) must not fill the memory."""
_OTHERS = "(others)"


@dataclass(slots=True, kw_only=True)
class Counter:
    """Calls of one kind by one caller."""

    kind: str
    """`rest`, `soap`, `transfer`, `message`, `program` or `simulator`."""
    name: str
    """Method and route template, SOAP method, `request service`, or program."""
    caller: str
    """`user@org` in vCloud Director, the user in vCenter, the account in a guest; `-` without a session."""
    count: int = 0
    errors: int = 0
    """How many were refused or failed."""
    seconds: float = 0.0
    """What answering them took, altogether."""


class Stats:
    """Counters by kind, name and caller. Thread-safe."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._lock = threading.Lock()
        self._since = time.time()

    def count(self, kind: str, name: str, caller: str = NOBODY, *, failed: bool = False, seconds: float = 0.0) -> None:
        """Count one call."""
        with self._lock:
            counter = self._counters.get((kind, name, caller)) or self._new(kind, name, caller)
            counter.count += 1
            counter.errors += failed
            counter.seconds += seconds

    def total(self, kind: str | None = None, name: str | None = None, caller: str | None = None) -> int:
        """How many calls there were; None stands for all."""
        return sum(one.count for one in self.find(kind, name, caller))

    def find(self, kind: str | None = None, name: str | None = None, caller: str | None = None) -> Iterator[Counter]:
        """Counters; None stands for all. They go on counting while you look."""
        with self._lock:
            counters = list(self._counters.values())
        for one in counters:
            if kind in (None, one.kind) and name in (None, one.name) and caller in (None, one.caller):
                yield one

    def reset(self) -> None:
        """Begin at zero."""
        with self._lock:
            self._counters.clear()
            self._since = time.time()

    def to_json(self) -> dict[str, Any]:
        """Totals by kind, and all counters, the largest first."""
        with self._lock:
            counters = sorted(self._counters.values(), key=lambda one: (-one.count, one.kind, one.name, one.caller))
            totals: dict[str, int] = {}
            for one in counters:
                totals[one.kind] = totals.get(one.kind, 0) + one.count
            return {
                "since": timestamp(self._since),
                "seconds": round(time.time() - self._since, 3),
                "totals": totals,
                "counters": [
                    {
                        "kind": one.kind,
                        "name": one.name,
                        "caller": one.caller,
                        "count": one.count,
                        "errors": one.errors,
                        "seconds": round(one.seconds, 6),
                    }
                    for one in counters
                ],
            }

    def _new(self, kind: str, name: str, caller: str) -> Counter:
        key = (kind, name, caller) if len(self._counters) < _MOST_KEYS else (kind, _OTHERS, NOBODY)
        return self._counters.setdefault(key, Counter(kind=key[0], name=key[1], caller=key[2]))
