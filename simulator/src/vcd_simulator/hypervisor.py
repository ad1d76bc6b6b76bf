"""What the cloud asks of the machines below it: the port to the simulated guests."""

from collections.abc import Mapping
from typing import Protocol

from vcd_simulator.guests.snapshot import GuestRecord, GuestsRecord
from vcd_simulator.guests.spec import GuestSpec, PowerState


class Hypervisor(Protocol):
    """Machines by moid. Thread-safe; calls return at once, slow work goes on behind them."""

    def create(self, moid: str, image: str, vcenter: str) -> None: ...
    def power_on(self, moid: str, spec: GuestSpec) -> None: ...
    def power_off(self, moid: str) -> None: ...
    def shut_down(self, moid: str) -> None: ...
    def reset(self, moid: str) -> None: ...
    def suspend(self, moid: str) -> None: ...
    def power_state(self, moid: str) -> PowerState: ...
    def information(self, moid: str) -> Mapping[str, str]:
        """What a guest has told through its tools, by names without `guestinfo.`."""
        ...

    def delete(self, moid: str) -> None: ...
    def capture(self, moid: str) -> str:
        """Keep a machine's disk as a new image; returns the image's id."""
        ...

    def delete_image(self, image: str) -> None:
        """Forget a captured image; machines that were made from it stay."""
        ...

    def image_password(self, image: str) -> str:
        """The password that root has inside an image."""
        ...

    def record(self, *, files: bool) -> GuestsRecord:
        """All machines as they are to be written down; with `files`, their disks too."""
        ...

    def restore(self, record: GuestsRecord) -> None:
        """Make the machines of a record; there must be none now."""
        ...

    def clear(self) -> None:
        """Delete all machines and captured images."""
        ...

    def close(self) -> None:
        """End everything that runs inside of machines."""
        ...


class NoGuests:
    """Machines without an inside: power states only. For tests of the REST side."""

    def __init__(self) -> None:
        self._states: dict[str, PowerState] = {}

    def create(self, moid: str, image: str, vcenter: str) -> None:
        del image, vcenter
        self._states[moid] = PowerState.OFF

    def power_on(self, moid: str, spec: GuestSpec) -> None:
        del spec
        self._states[moid] = PowerState.ON

    def power_off(self, moid: str) -> None:
        self._states[moid] = PowerState.OFF

    def shut_down(self, moid: str) -> None:
        self._states[moid] = PowerState.OFF

    def reset(self, moid: str) -> None:
        self._states[moid] = PowerState.ON

    def suspend(self, moid: str) -> None:
        self._states[moid] = PowerState.SUSPENDED

    def power_state(self, moid: str) -> PowerState:
        return self._states[moid]

    def information(self, moid: str) -> Mapping[str, str]:
        del moid
        return {}

    def delete(self, moid: str) -> None:
        del self._states[moid]

    def capture(self, moid: str) -> str:
        return f"image-of-{moid}"

    def delete_image(self, image: str) -> None:
        del image

    def image_password(self, image: str) -> str:
        return f"{image}-secret"

    def record(self, *, files: bool) -> GuestsRecord:
        del files
        guests = [GuestRecord(moid=moid, image="", vcenter="", power=power) for moid, power in self._states.items()]
        return GuestsRecord(guests=guests)

    def restore(self, record: GuestsRecord) -> None:
        self._states = {one.moid: one.power for one in record.guests}

    def clear(self) -> None:
        self._states.clear()

    def close(self) -> None:
        self._states.clear()
