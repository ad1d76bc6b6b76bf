"""What the rest of the simulator tells a guest, and what it may ask about one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Latency(Protocol):
    """How long simulated work takes."""

    def delay(self, kind: str) -> float:
        """Seconds that one piece of work of this kind takes, e.g. `guest.boot` or `guest.process.kubeadm-init`."""


class PowerState(StrEnum):
    """Power states by the names that vCenter uses."""

    OFF = "poweredOff"
    ON = "poweredOn"
    SUSPENDED = "suspended"


class ToolsState(StrEnum):
    """Whether VMware Tools answer, by the names that vCenter uses."""

    NOT_RUNNING = "guestToolsNotRunning"
    STARTING = "guestToolsExecutingScripts"
    RUNNING = "guestToolsRunning"


@dataclass(frozen=True, kw_only=True)
class GuestSpec:
    """What vCD hands to the hypervisor when it powers a virtual machine on."""

    name: str
    """Name of the VM in vCenter, which need not be the computer's name."""
    computer_name: str
    ip_addresses: tuple[str, ...] = ()
    """Addresses of the connected network cards, first card first."""
    network_ids: tuple[str, ...] = ()
    """Ids of the networks that those cards are connected to, in the same order.

    Guests reach each other over networks of the same id only. Without ids, all guests share one network."""
    cpu_count: int = 1
    memory_mb: int = 1024
    customize: bool = False
    """Run guest customization at this boot (the first power-on, or a forced one)."""
    admin_password: str | None = field(default=None, repr=False)
    """Password that customization gives to root; None leaves the image's own."""
    customization_script: str | None = field(default=None, repr=False)
    """Run at customization with the argument `precustomization`, and again with `postcustomization`."""
    ssh_keys: tuple[str, ...] = ()
    guest_properties: Mapping[str, str] = field(default_factory=dict)
    """Key and value pairs that the guest can read through its tools (OVF environment)."""
