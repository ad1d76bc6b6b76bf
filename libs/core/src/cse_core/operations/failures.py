"""What every engine says in the same words."""

from datetime import datetime, timedelta
from typing import Final

from cse_core.errors import (
    CancelledError,
    ConflictError,
    CseError,
    DeadlineError,
    FailedPreconditionError,
    InternalError,
    NotFoundError,
)
from cse_core.operations.model import Operation, OperationRequest

CANCELLED_REASON: Final = "OPERATION_CANCELLED"
"""Somebody has asked for the end."""
CLAIM_TAKEN: Final = "CLAIM_TAKEN"
"""Services say in their own words what was claimed."""
SIBLING_REASON: Final = "SIBLING_FAILED"
"""The consequence of another branch's failure."""
STOPPING_REASON: Final = "SERVICE_STOPPING"
"""The engine ends, and takes nothing any more."""
ROLLBACK_TIME: Final = timedelta(minutes=20)
"""How long rolling back may take."""


def not_there(operation_id: str) -> NotFoundError:
    """There is no such operation, or nobody is to know of it."""
    return NotFoundError(f"there is no operation {operation_id!r}", reason="OPERATION_NOT_FOUND", name=operation_id)


def not_ended(operation: Operation) -> FailedPreconditionError:
    """It cannot be forgotten yet."""
    text = f"{operation.name} has not ended; cancel it first"
    return FailedPreconditionError(text, reason="OPERATION_ACTIVE", name=operation.name)


def check_repeated(first: Operation, request: OperationRequest) -> None:
    """Raises ConflictError if what the same request id began is something else."""
    if (first.kind, first.owner) != (request.kind, request.owner):
        raise ConflictError(
            f"request id {request.request_id!r} was used for another operation; choose a new one",
            reason="REQUEST_ID_REUSED",
            request_id=request.request_id,
        )


def cancelled() -> CancelledError:
    """What `check` raises once somebody has asked for the end."""
    return CancelledError("cancelled", reason=CANCELLED_REASON)


def sibling_failed() -> CancelledError:
    """What `check` raises in a branch once another one has failed."""
    return CancelledError("ended because another node failed", reason=SIBLING_REASON)


def overdue(deadline: datetime) -> DeadlineError:
    """What `check` raises once the time of an operation is over."""
    text = f"the operation did not end by {deadline:%Y-%m-%d %H:%M:%S} UTC"
    return DeadlineError(text, reason="OPERATION_TIMEOUT")


def rollback_overdue() -> DeadlineError:
    """What `check` raises once the time for rolling back is over."""
    return DeadlineError(f"rolling back took longer than {ROLLBACK_TIME}", reason="ROLLBACK_TIMEOUT")


def claim_taken(operation_id: str) -> ConflictError:
    """The claim of a request is that of an operation that has not ended."""
    name = f"operations/{operation_id}"
    return ConflictError(f"{name} has not ended and claims the same", reason=CLAIM_TAKEN, operation=name)


def not_begun(error: CseError) -> CseError:
    """Why an operation ended of which nothing was done: what `check` raised before its code was called."""
    if error.code == CANCELLED_REASON:
        return CancelledError("cancelled before it began; nothing was changed", reason=error.code)
    if isinstance(error, DeadlineError):
        text = f"its turn did not come in time ({error.message}); nothing was changed, try again"
        return DeadlineError(text, reason=error.code)
    return error


def mistake(operation_id: str) -> InternalError:
    """An operation's code has raised what it never should."""
    return InternalError(f"the operation failed for a reason of ours; the log has it under {operation_id}")
