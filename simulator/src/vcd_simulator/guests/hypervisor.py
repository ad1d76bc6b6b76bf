"""The hypervisor: creates, boots, stops, captures and deletes guests."""
from pathlib import Path

from vcd_simulator.guests.spec import GuestSpec, Latency, PowerState, ToolsState


class Hypervisor:
    """All guests of one simulator, by the moid of their virtual machine. Thread-safe.

    Guests are lazy: creating one costs a few microseconds and no file, so that thousands may exist. Everything a guest
    writes lies below one temporary directory, which `close` removes.
    """

    def __init__(self, latency: Latency, *, state_dir: Path | None = None) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End every process of every guest and remove what they wrote."""
        raise NotImplementedError

    def create(self, moid: str, image: str, vcenter: str) -> None:
        """Clone an image as a new virtual machine, powered off. Raises UnknownImageError, ValueError (moid in use)."""
        raise NotImplementedError

    def power_on(self, moid: str, spec: GuestSpec) -> None:
        """Start booting and return at once; tools run after the latency profile's `guest.boot`."""
        raise NotImplementedError

    def power_off(self, moid: str) -> None:
        """Pull the plug: every process ends, the files stay. Harmless when it is off."""
        raise NotImplementedError

    def shut_down(self, moid: str) -> None:
        """Ask the guest to end; it is off when this returns. Raises ToolsNotRunningError."""
        raise NotImplementedError

    def reset(self, moid: str) -> None:
        """Cut the power and boot again with the spec of the last power-on, without customization."""
        raise NotImplementedError

    def suspend(self, moid: str) -> None:
        """Freeze the guest; its processes go on after the next power-on."""
        raise NotImplementedError

    def delete(self, moid: str) -> None:
        """Remove the virtual machine and its files; one that is on is powered off first."""
        raise NotImplementedError

    def capture(self, moid: str) -> str:
        """Make an image of the virtual machine's present disk and return the image's id."""
        raise NotImplementedError

    def delete_image(self, image: str) -> None:
        """Forget a captured image; guests that were cloned from it keep working."""
        raise NotImplementedError

    def images(self) -> list[str]:
        """Names of all images, built in and captured."""
        raise NotImplementedError

    def image_password(self, image: str) -> str:
        """The password of root inside the image."""
        raise NotImplementedError

    def power_state(self, moid: str) -> PowerState:
        """The virtual machine's power state."""
        raise NotImplementedError

    def tools_state(self, moid: str) -> ToolsState:
        """Whether the guest's tools answer."""
        raise NotImplementedError
