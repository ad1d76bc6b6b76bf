"""What has happened to a guest, for people who look at it from outside."""

import threading
import time
from collections import deque
from dataclasses import dataclass

_MOST_ENTRIES = 1000
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Entry:
    """One event, with the time in seconds since the epoch."""

    at: float
    text: str


class Journal:
    """The last events of a guest. Thread-safe."""

    def __init__(self) -> None:
        self._entries: deque[Entry] | None = None  # most of thousands of guests never have any
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        """Add an event that happens now; of a long text, the beginning."""
        with self._lock:
            if self._entries is None:
                self._entries = deque(maxlen=_MOST_ENTRIES)
            self._entries.append(
                Entry(time.time(), text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…")
            )

    def entries(self) -> list[Entry]:
        """All that is remembered, oldest first."""
        with self._lock:
            return list(self._entries or ())
