"""Who answers at which address."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest


class GuestNetworks:
    """Addresses in use on every network of a simulator. Thread-safe.

    Tenants' networks may use the same addresses, so a guest is found only by those that share a network with it.
    """

    def __init__(self) -> None:
        self._guests: dict[tuple[str, str], Guest] = {}
        self._lock = threading.Lock()

    def connect(self, guest: "Guest") -> None:
        """Let a guest answer at its addresses."""
        with self._lock:
            self._guests.update(dict.fromkeys(guest.cards, guest))

    def disconnect(self, guest: "Guest") -> None:
        with self._lock:
            for card in guest.cards:
                if self._guests.get(card) is guest:
                    del self._guests[card]

    def find(self, seeker: "Guest", address: str) -> "Guest | None":
        """The running guest at an address, as another guest sees it."""
        if address in ("127.0.0.1", "localhost", "::1"):
            return seeker
        with self._lock:
            for network, _own in seeker.cards:
                found = self._guests.get((network, address))
                if found is not None and found.is_up:
                    return found
        return None
