"""The errors that cross a boundary of ours, and what each promises to the caller.

    CseError
    ├── InvalidArgumentError        the request is wrong; `field` names where
    ├── UnauthenticatedError        no token, or one that vCD does not accept
    ├── PermissionDeniedError       the caller may not do this
    ├── NotFoundError               what the request names is not there, or not visible to the caller
    ├── AlreadyExistsError          the name is taken
    ├── ConflictError               something else is going on there; try again when it has ended
    ├── FailedPreconditionError     the state forbids it; trying again does not help until somebody changes the state
    ├── NotSupportedError           understood, but not offered (yet)
    ├── RetryableError
    │   ├── UnavailableError        the other side does not answer
    │   ├── ExhaustedError          too much at once
    │   └── DeadlineError           the time allowed is over
    ├── CancelledError              somebody asked for it to end
    └── InternalError               ours; the message says nothing of the inside

A class exists where somebody handles it differently. `reason` is finer and a promise to clients; `docs/errors.md` lists
all. Every value that a message contains is also a keyword argument, so that programs need not parse texts.
"""

from collections.abc import Mapping
from typing import ClassVar


class CseError(Exception):
    """Base of the tree. `details` holds the variables of the message; values are what clients may see."""

    reason: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, reason: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = reason or type(self).reason
        """The reason of this very error: the class's, unless a finer one was given."""
        self.details = {name: str(value) for name, value in details.items() if value is not None}


class InvalidArgumentError(CseError):
    """The request is wrong. `field` is the path of the field in the words of the interface it came through."""

    reason = "INVALID_ARGUMENT"

    def __init__(self, message: str, *, field: str, reason: str | None = None, **details: object) -> None:
        super().__init__(message, reason=reason, field=field, **details)
        self.field = field


class UnauthenticatedError(CseError):
    """There is no token, or vCD does not accept it (any more)."""

    reason = "UNAUTHENTICATED"


class PermissionDeniedError(CseError):
    """The caller is known and may not do this."""

    reason = "PERMISSION_DENIED"


class NotFoundError(CseError):
    """What the request names is not there, or the caller may not see it: the two are not told apart."""

    reason = "NOT_FOUND"


class AlreadyExistsError(CseError):
    """The name is taken."""

    reason = "ALREADY_EXISTS"


class ConflictError(CseError):
    """Another change is going on; the same request may succeed when that has ended."""

    reason = "CONFLICT"


class FailedPreconditionError(CseError):
    """The state of what the request names, or of the service, forbids it."""

    reason = "FAILED_PRECONDITION"


class NotSupportedError(CseError):
    """The request is understood, and this installation does not offer it."""

    reason = "NOT_SUPPORTED"


class RetryableError(CseError):
    """The same call may well succeed later."""

    retryable = True


class UnavailableError(RetryableError):
    """The other side does not answer, or says that it cannot now."""

    reason = "UNAVAILABLE"


class ExhaustedError(RetryableError):
    """Too much is asked for at once."""

    reason = "RESOURCE_EXHAUSTED"


class DeadlineError(RetryableError):
    """The time allowed is over. What was begun may still happen."""

    reason = "DEADLINE_EXCEEDED"


class CancelledError(CseError):
    """Somebody asked for it to end."""

    reason = "CANCELLED"


class InternalError(CseError):
    """A mistake of ours."""

    reason = "INTERNAL"


def rebuilt(cls: type[CseError], message: str, *, reason: str | None, details: Mapping[str, str]) -> CseError:
    """An error as it was before it was stored or sent. Its details may have any names: others may have written them."""
    if issubclass(cls, InvalidArgumentError):
        error: CseError = cls(message, field=details.get("field", ""), reason=reason)
    else:
        error = cls(message, reason=reason)
    error.details.update(details)
    return error
