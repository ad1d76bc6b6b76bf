"""Telling others what has become of guests."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vcd_simulator.guests.happenings import Happening
from vcd_simulator.guests.processes import GuestLoop
from vcd_simulator.guests.spec import Latency, PowerState

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

Listener = Callable[[str], None]
"""Called with the moid of a guest, in a thread of the hypervisor; may wait for locks."""

HappeningListener = Callable[[Happening, "Guest"], None]
"""Called with what has become of a guest; returns at once and takes no lock that is held while guests are called."""
_POWER = {
    PowerState.ON: Happening.POWERED_ON,
    PowerState.OFF: Happening.POWERED_OFF,
    PowerState.SUSPENDED: Happening.SUSPENDED,
}


class Notices:
    """Calls listeners, soon and elsewhere: they take locks of their own, so they are not called under a guest's."""

    def __init__(self, loop: GuestLoop, latency: Latency) -> None:
        self.power: list[Listener] = []
        """Told of every change of a power state."""
        self.customization: list[Listener] = []
        """Told of every guest whose tools report that it has been customized."""
        self.happenings: list[HappeningListener] = []
        """Told of every change at once, and under the guest's lock: they only take note of it."""
        self._loop = loop
        self._latency = latency
        self._closed = False

    def close(self) -> None:
        """Tell nobody anything any more."""
        self._closed = True

    def power_changed(self, guest: "Guest") -> None:
        self.happened(_POWER[guest.power], guest)
        self._tell(self.power, guest.moid)

    def happened(self, happening: Happening, guest: "Guest") -> None:
        """Tell at once what has become of a guest."""
        for listener in () if self._closed else self.happenings:
            listener(happening, guest)

    def customized(self, guest: "Guest") -> None:
        """The report takes the latency profile's `guest.report`, and is lost if the guest stops before."""
        boots, delay_s = guest.boots, self._latency.delay("guest.report")

        def report() -> None:
            if guest.is_up and guest.boots == boots:
                self._tell(self.customization, guest.moid)

        self._loop.later(delay_s, report)

    def _tell(self, listeners: Sequence[Listener], moid: str) -> None:
        if self._closed:
            return
        for listener in listeners:
            self._loop.elsewhere(partial(listener, moid))
