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
        self._guests: dict[str, dict[str, Guest]] = {}
        self._lock = threading.Lock()

    def connect(self, guest: "Guest") -> None:
        """Let a guest answer at its addresses."""
        with self._lock:
            for network, address in guest.cards:
                self._guests.setdefault(network, {})[address] = guest

    def disconnect(self, guest: "Guest") -> None:
        with self._lock:
            for network, address in guest.cards:
                there = self._guests.get(network, {})
                if there.get(address) is guest:
                    del there[address]

    def servers(self, seeker: "Guest") -> "list[Guest]":
        """The running guests on a guest's networks that export directories, itself among them if it does."""
        networks = {network for network, _own in seeker.cards}
        with self._lock:  # there may be thousands of neighbours, and every program asks
            there = [one for network in networks for one in self._guests.get(network, {}).values() if one.exports]
        found = {id(one): one for one in there if one.is_up and one is not seeker}
        return [*([seeker] if seeker.exports else []), *found.values()]

    def find(self, seeker: "Guest", address: str) -> "Guest | None":
        """The running guest at an address, as another guest sees it."""
        if address in ("127.0.0.1", "localhost", "::1"):
            return seeker
        with self._lock:
            for network, _own in seeker.cards:
                found = self._guests.get(network, {}).get(address)
                if found is not None and found.is_up:
                    return found
        return None
