"""The guests of a hypervisor by the moids of their virtual machines."""

import threading
from collections.abc import Callable

from vcd_simulator.guests.errors import UnknownGuestError
from vcd_simulator.guests.machine import Guest


class GuestTable:
    """Guests by moid, in the order in which they came. Thread-safe."""

    def __init__(self) -> None:
        self._guests: dict[str, Guest] = {}
        self._lock = threading.Lock()

    def add(self, moid: str, make: Callable[[], Guest]) -> Guest:
        """Enter a new guest. Raises ValueError: the moid is in use."""
        with self._lock:
            if moid in self._guests:
                raise ValueError(f"there is a virtual machine {moid!r} already")
            guest = self._guests[moid] = make()
        return guest

    def find(self, moid: str) -> Guest:
        """Raises UnknownGuestError."""
        try:
            return self._guests[moid]
        except KeyError:
            raise UnknownGuestError(moid) from None

    def all(self) -> list[Guest]:
        with self._lock:
            return list(self._guests.values())

    def take(self, moid: str) -> Guest:
        """Remove a guest. Raises UnknownGuestError: there is none of that moid, or none any more."""
        with self._lock:
            try:
                return self._guests.pop(moid)
            except KeyError:
                raise UnknownGuestError(moid) from None

    def clear(self) -> list[Guest]:
        """Remove all guests, and return them."""
        with self._lock:
            guests = list(self._guests.values())
            self._guests.clear()
        return guests
