"""Which versions of vCD's API both sides speak."""

import threading
from collections.abc import Callable, Iterable
from typing import Final

from cse_core.errors import FailedPreconditionError
from cse_vcd.client import KNOWN_VERSIONS
from cse_vcd.timing import Clock
from cse_vcd.turns import in_turn

_KEPT_FOR_S: Final = 600.0


class ApiVersions:
    """Asked of vCD when first needed, and every ten minutes at most. Thread-safe.

    Args:
        ask: what vCD offers.
        clock: tells the time.
    """

    def __init__(self, ask: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()
        self._until = 0.0

    def common(self) -> tuple[str, ...]:
        """Those that both vCD and pyvcloud know, oldest first.

        Raises:
            FailedPreconditionError: there are none.
        """
        with in_turn(self._lock):
            if not self._known or self._clock.monotonic() >= self._until:
                offered = frozenset(self._ask())
                common = tuple(version for version in KNOWN_VERSIONS if version in offered)
                if not common:
                    known = f"{KNOWN_VERSIONS[0]} to {KNOWN_VERSIONS[-1]}"
                    raise FailedPreconditionError(f"vCD offers none of the API versions {known} that we speak")
                self._known = common
                self._until = self._clock.monotonic() + _KEPT_FOR_S
            return self._known

    def closest(self, wanted: str) -> str:
        """The highest version not above `wanted` that both sides know; the lowest they know if there is none.

        Anything that is no version, as the empty text, means the highest.
        """
        versions = self.common()
        limit = _number(wanted)
        if limit is None:
            return versions[-1]
        return next((version for version in reversed(versions) if (_number(version) or 0) <= limit), versions[0])


def _number(version: str) -> float | None:
    try:
        return float(version)
    except ValueError:
        return None
