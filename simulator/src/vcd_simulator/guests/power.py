"""The power button of guests."""

import contextlib
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

from vcd_simulator.guests.boot import boot
from vcd_simulator.guests.errors import GuestError, PowerStateError
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.processes import GuestLoop
from vcd_simulator.guests.shares import unmount_all
from vcd_simulator.guests.spec import GuestSpec, PowerState, ToolsState


class PowerButton:
    """Turns guests on and off. Thread-safe; whatever takes time goes on behind it."""

    def __init__(self, loop: GuestLoop) -> None:
        self._loop = loop
        self._boots: dict[str, Future[None]] = {}

    def turn_on(self, guest: Guest, spec: GuestSpec) -> None:
        """Start booting, or let a suspended guest go on. Raises PowerStateError: it is on already."""
        with guest.lock:
            if guest.power is PowerState.ON:
                raise PowerStateError(requested=PowerState.OFF, existing=guest.power)
            resumed = guest.power is PowerState.SUSPENDED and guest.booted_at is not None
            guest.power = PowerState.ON
            guest.spec = spec
            if resumed:
                guest.tools = ToolsState.RUNNING
                guest.platform.networks.connect(guest)
            else:
                self.boot(guest, customize=spec.customize)
        if resumed:
            guest.programs.thaw()

    def turn_off(self, guest: Guest) -> None:
        """Pull the plug: every process ends, the files stay. Harmless when it is off."""
        self._stop_booting(guest)
        with guest.lock:
            guest.power = PowerState.OFF
            guest.tools = ToolsState.NOT_RUNNING
            guest.booted_at = None
        guest.platform.networks.disconnect(guest)
        guest.programs.kill()
        unmount_all(guest)
        if guest.has_disk:
            with contextlib.suppress(OSError):  # a program that would not end goes on writing there
                guest.disk.clear_shared_memory()

    def reset(self, guest: Guest) -> None:
        """Cut the power and boot again, without customization. Raises PowerStateError: it is not on."""
        _check_on(guest)
        self.turn_off(guest)
        with guest.lock:
            guest.power = PowerState.ON
            self.boot(guest, customize=False)

    def suspend(self, guest: Guest) -> None:
        """Take it off its networks and stop what runs in it. Raises PowerStateError: it is not on."""
        _check_on(guest)
        self._stop_booting(guest)
        with guest.lock:
            guest.power = PowerState.SUSPENDED
            guest.tools = ToolsState.NOT_RUNNING
        guest.platform.networks.disconnect(guest)
        guest.programs.freeze()

    def boot(self, guest: Guest, *, customize: bool) -> None:
        """Boot a guest that has just been turned on, with the specification that it has."""
        self._boots[guest.moid] = self._loop.start(boot(guest, guest.spec, customize=customize))

    def wait_for_boot(self, guest: Guest, timeout_s: float) -> None:
        """Wait until a boot is over or has been cut short. Raises TimeoutError."""
        booting = self._boots.get(guest.moid)
        if booting is not None:
            with contextlib.suppress(CancelledError):
                booting.result(timeout_s)

    def press_from_inside(self, guest: Guest, verb: str) -> None:
        """Carry out what a guest asked for, `reboot` or `poweroff`, without making it wait for its own end."""
        action = self.reset if verb == "reboot" else self.turn_off
        self._loop.loop.run_in_executor(None, _act_quietly, action, guest)

    def _stop_booting(self, guest: Guest) -> None:
        booting = self._boots.pop(guest.moid, None)
        if booting is not None:
            booting.cancel()


def _check_on(guest: Guest) -> None:
    if guest.power is not PowerState.ON:
        raise PowerStateError(requested=PowerState.ON, existing=guest.power)


def _act_quietly(action: Callable[[Guest], None], guest: Guest) -> None:
    with contextlib.suppress(GuestError):
        action(guest)
