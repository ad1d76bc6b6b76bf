"""Guests: what runs inside the simulated virtual machines.

The rest of the simulator knows a guest by the moid of its virtual machine and needs nothing but `Hypervisor` and
`GuestSpec`. Images are named: `photon` and `ubuntu` hold Kubernetes ready to be initialised, `photon-base` and
`ubuntu-base` are what their vendors ship, and `Hypervisor.capture` makes more of them.
"""

from vcd_simulator.guests.errors import GuestError, UnknownGuestError, UnknownImageError
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.spec import GuestSpec, Latency, PowerState, ToolsState

__all__ = [
    "GuestError",
    "GuestSpec",
    "Hypervisor",
    "Latency",
    "PowerState",
    "ToolsState",
    "UnknownGuestError",
    "UnknownImageError",
]
