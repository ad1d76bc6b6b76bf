"""What the operating system of a guest keeps, beside its files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcd_simulator.guests.images import Image


class OperatingSystem:
    """Accounts, software and settings of one guest, as its image brought them until something changes them."""

    def __init__(self, image: "Image") -> None:
        self.accounts = image.accounts.copy()
        self.packages = image.packages.copy()
        self.services = image.services.copy()
        self.sysctls = dict(image.sysctls)
        self.modules: set[str] = set()
        self.swap_on = False
        self.mounts: dict[str, tuple[str, str, str]] = {}
        """By mount point: what is mounted, its type, its options."""
        self.exports: dict[tuple[str, str], str] = {}
        """What exportfs serves: options by directory and client."""
        self.container_images: set[str] = set()
        self.firewall: list[tuple[str, tuple[str, ...]]] = []
        self.information: dict[str, str] = {}
        """What it has told the host through its tools, by names without `guestinfo.`."""
