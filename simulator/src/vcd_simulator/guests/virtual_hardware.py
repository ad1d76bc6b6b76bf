"""What vCenter keeps about a virtual machine beside what vCloud Director says at every power-on."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class VirtualHardware:
    """Settings of one virtual machine, changed through vCenter."""

    annotation: str = ""
    cores_per_socket: int = 1
    cpu_hot_add: bool = False
    memory_hot_add: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    """Extra configuration by its keys, but what the guest itself tells."""
    changes: int = 0
    """How often the machine has been changed through vCenter."""
