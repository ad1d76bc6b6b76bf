"""Word of changes, for those who wait for one."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Changes:
    """Wakes those who wait whenever something may have changed. Thread-safe.

    A signal says nothing about what has changed: who is woken looks again.
    """

    def __init__(self) -> None:
        self._listeners: set[Callable[[], None]] = set()
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Wake everybody who waits; returns at once."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that every change sets; clear it before looking, so that none is missed."""
        event = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

        with self._lock:
            self._listeners.add(wake)
        try:
            yield event
        finally:
            with self._lock:
                self._listeners.discard(wake)
