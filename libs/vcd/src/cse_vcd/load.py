"""How many requests a piece of work sends to vCD and to vCenters, so that the load it puts on them can be told."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final


class Server(StrEnum):
    """Who is asked."""

    VCD = "vcd"
    VCENTER = "vcenter"


class Load:
    """Requests that have been sent. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: Counter[Server] = Counter()

    def count(self, server: Server) -> None:
        with self._lock:
            self._sent[server] += 1

    def sent_to(self, server: Server) -> int:
        with self._lock:
            return self._sent[server]


_CURRENT: Final[ContextVar[Load | None]] = ContextVar("cse_vcd_load", default=None)


@contextmanager
def counted() -> Iterator[Load]:
    """Counts what is sent inside, in this thread and in those that run in a copy of its context.

    A poll for several pieces of work counts for the one that happens to send it.
    """
    load = Load()
    token = _CURRENT.set(load)
    try:
        yield load
    finally:
        _CURRENT.reset(token)


def count(server: Server) -> None:
    """To be called for each request that is sent."""
    load = _CURRENT.get()
    if load is not None:
        load.count(server)
