"""What every engine says in the same words."""

from typing import Final

from cse_core.errors import ConflictError, InternalError

CLAIM_TAKEN: Final = "CLAIM_TAKEN"
"""Services say in their own words what was claimed."""


def claim_taken(operation_id: str) -> ConflictError:
    """The claim of a request is that of an operation that has not ended."""
    name = f"operations/{operation_id}"
    return ConflictError(f"{name} has not ended and claims the same", reason=CLAIM_TAKEN, operation=name)


def mistake(operation_id: str) -> InternalError:
    """An operation's code has raised what it never should."""
    return InternalError(f"the operation failed for a reason of ours; the log has it under {operation_id}")
