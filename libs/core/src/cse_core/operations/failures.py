"""What every engine says in the same words."""

from typing import Final

from cse_core.errors import CancelledError, ConflictError, CseError, DeadlineError, InternalError

CANCELLED: Final = "OPERATION_CANCELLED"
"""Somebody has asked for the end."""
CLAIM_TAKEN: Final = "CLAIM_TAKEN"
"""Services say in their own words what was claimed."""


def claim_taken(operation_id: str) -> ConflictError:
    """The claim of a request is that of an operation that has not ended."""
    name = f"operations/{operation_id}"
    return ConflictError(f"{name} has not ended and claims the same", reason=CLAIM_TAKEN, operation=name)


def not_begun(error: CseError) -> CseError:
    """Why an operation ended of which nothing was done: what `check` raised before its code was called."""
    if error.code == CANCELLED:
        return CancelledError("cancelled before it began; nothing was changed", reason=error.code)
    if isinstance(error, DeadlineError):
        text = f"its turn did not come in time ({error.message}); nothing was changed, try again"
        return DeadlineError(text, reason=error.code)
    return error


def mistake(operation_id: str) -> InternalError:
    """An operation's code has raised what it never should."""
    return InternalError(f"the operation failed for a reason of ours; the log has it under {operation_id}")
