"""Tells those who wait for an operation, in this process, that it has changed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Rings by operation. Whoever listens looks at the store only after a ring for his, or after a while."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._rings: dict[str, int] = {}
        """By operation that somebody listens for."""
        self._listeners: dict[str, int] = {}

    def ring(self, operation_id: str) -> None:
        with self._rung:
            if operation_id in self._rings:
                self._rings[operation_id] += 1
                self._rung.notify_all()

    @contextmanager
    def listening(self, operation_id: str) -> Iterator["Listener"]:
        """Misses no ring from its beginning on."""
        with self._rung:
            self._rings.setdefault(operation_id, 0)
            self._listeners[operation_id] = self._listeners.get(operation_id, 0) + 1
            listener = Listener(self, operation_id)
        try:
            yield listener
        finally:
            with self._rung:
                self._listeners[operation_id] -= 1
                if not self._listeners[operation_id]:
                    del self._listeners[operation_id], self._rings[operation_id]

    def wait_past(self, operation_id: str, heard: int, timeout_s: float) -> int:
        """Waits for a ring beyond the one heard, or so long; returns the last one."""
        until = time.monotonic() + timeout_s
        with self._rung:
            while self._rings[operation_id] == heard and (left_s := until - time.monotonic()) > 0:
                self._rung.wait(left_s)
            return self._rings[operation_id]


class Listener:
    """Made by `Bell.listening`, for one thread."""

    def __init__(self, bell: Bell, operation_id: str) -> None:
        self._bell = bell
        self._operation_id = operation_id
        self._heard = 0

    def wait(self, timeout_s: float) -> None:
        """Returns after a ring that this listener has not heard yet, perhaps one long past, or after so long."""
        self._heard = self._bell.wait_past(self._operation_id, self._heard, timeout_s)
