"""What happens to guests that others keep account of."""

from enum import Enum, auto


class Happening(Enum):
    """What has become of a virtual machine."""

    CREATED = auto()
    DELETED = auto()
    POWERED_ON = auto()
    POWERED_OFF = auto()
    SUSPENDED = auto()
