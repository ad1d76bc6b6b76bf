"""Errors of the guests.

GuestError
├── UnknownGuestError      no virtual machine has this moid
├── UnknownImageError      no image has this name
├── SandboxUnavailableError  this host cannot run guests at all
├── PowerStateError        the virtual machine is in the wrong power state
├── ToolsNotRunningError   powered on, but the guest has not booted
└── LoginError             the guest knows no such account and password
"""


class GuestError(Exception):
    """Something a guest, or the hypervisor below it, refuses to do."""


class UnknownGuestError(GuestError):
    """No virtual machine has this moid."""

    def __init__(self, moid: str) -> None:
        super().__init__(f"there is no virtual machine {moid!r}")
        self.moid = moid


class UnknownImageError(GuestError):
    """No image has this name."""

    def __init__(self, image: str, known: list[str]) -> None:
        super().__init__(f"there is no guest image {image!r}; known images: {', '.join(sorted(known))}")
        self.image = image


class SandboxUnavailableError(GuestError):
    """Guests cannot run on this host; the message says what to install or allow."""


class PowerStateError(GuestError):
    """The virtual machine is not in the power state that the action needs."""

    def __init__(self, *, requested: str, existing: str) -> None:
        super().__init__(f"the virtual machine is {existing}, the action needs {requested}")
        self.requested = requested
        self.existing = existing


class ToolsNotRunningError(GuestError):
    """The virtual machine is on, but its tools do not answer (yet)."""


class LoginError(GuestError):
    """The guest has no such account, or its password is another."""
