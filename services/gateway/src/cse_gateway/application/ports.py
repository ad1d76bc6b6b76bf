"""What answering requests needs of the world, in our words."""

from enum import Enum
from typing import Protocol


class ServiceState(Enum):
    """Whether the service takes requests."""

    UNKNOWN = "Unknown"
    RUNNING = "Running"
    DISABLED = "Disabled"
    SHUTTING_DOWN = "Shutting down"

    @property
    def is_open(self) -> bool:
        """UNKNOWN counts as open: the services check for themselves, and say why if they do not answer."""
        return self in (ServiceState.RUNNING, ServiceState.UNKNOWN)


class StateSource(Protocol):
    """Knows the state of the whole service."""

    @property
    def state(self) -> ServiceState:
        """Not older than a second while the cluster manager answers."""
