"""Time, as the simulator sees it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the simulator gets the time from."""

    def now(self) -> float:
        """Seconds since the epoch; never goes backwards."""
        ...


class SystemClock:
    """Wall time that survives adjustments of the host's clock: read once, then counted."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()


class ManualClock:
    """Stands still until told otherwise; for tests."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += seconds


def timestamp(seconds: float) -> str:
    """The way vCloud Director writes a time: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
