"""Why a request that an extension service should answer has no answer.

VcdError
└── ForwardingError
    ├── ExtensionTimeoutError       the service did not answer in time
    ├── ExtensionUnreachableError   the message could not be handed to the broker
    └── ReplyMismatchError          the answer's body belongs to another request (only with strict checking)
"""

from vcd_simulator.errors import VcdError


class ForwardingError(VcdError):
    """No reply came; the text is what vCD shows to its client."""


class ExtensionTimeoutError(ForwardingError):
    """The service did not answer within `extensibility.timeout`."""

    def __init__(self, service_name: str, timeout_s: float) -> None:
        message = (
            f"External service '{service_name}' failed to respond in the specified timeout ({timeout_s:g} SECONDS)"
        )
        super().__init__(504, "GATEWAY_TIMEOUT", message)


class ExtensionUnreachableError(ForwardingError):
    """The broker is away, refuses us, or has no such exchange."""

    def __init__(self, service_id: str) -> None:
        message = f"Cannot send message to service with id: {service_id}. Check your service configuration."
        super().__init__(500, "INTERNAL_SERVER_ERROR", message)


class ReplyMismatchError(ForwardingError):
    """The reply has the right correlation id around another request's id: a fault of the service."""

    def __init__(self, service_name: str) -> None:
        message = f"External service '{service_name}' answered with the id of another request"
        super().__init__(500, "INTERNAL_SERVER_ERROR", message)


class MalformedReplyError(Exception):
    """A message on the reply queue is no reply; vCD ignores it."""
