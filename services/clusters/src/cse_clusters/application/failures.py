"""Errors of operations, told so that a tenant knows what happened, where, and what to do next."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cse_core.errors import CancelledError, CseError, FailedPreconditionError, UnauthenticatedError
from cse_core.operations import Json, OperationContext

STOPPING_REASON: Final = "SERVICE_STOPPING"
"""The reason with which the engine ends what is in progress when the service ends."""


@contextmanager
def located(step: str, node: str = "") -> Iterator[None]:
    """Notes in the error's details at which step, and on which node, it was raised."""
    try:
        yield
    except CseError as exc:
        exc.details.setdefault("step", step)
        if node:
            exc.details.setdefault("node", node)
        raise


def step(ctx: OperationContext, name: str, action: Callable[[], Json], *, node: str = "") -> Json:
    """`ctx.step` whose errors know where they come from."""
    with located(name, node):
        return ctx.step(name, action)


def place(error: CseError) -> dict[str, str]:
    """The step and the node that `located` noted."""
    return {key: error.details[key] for key in ("step", "node") if key in error.details}


def wants_rollback(error: CseError, *, asked_for: bool) -> bool:
    """Whether what was made is to be taken back: if that was asked for, and whenever somebody cancelled.

    When the service ends there is no time for it.
    """
    if isinstance(error, CancelledError):
        return error.code != STOPPING_REASON
    return asked_for


def explained(error: CseError, what: str, next_step: str) -> CseError:
    """A copy of the error whose message is whole: what was attempted, where it failed, why, what to do next."""
    at = place(error)
    if isinstance(error, UnauthenticatedError):  # whoever reads this is logged in: it is about another session
        why = "the session with vCD in which it was begun has ended; log in and begin it again"
        error = FailedPreconditionError(why, reason="SESSION_ENDED", **at)
    where = f" at step {at['step']}" if "step" in at else ""
    where += f" on {at['node']}" if "node" in at else ""
    cancelled = isinstance(error, CancelledError) and error.code != STOPPING_REASON
    happened = f"was cancelled{where}" if cancelled else f"failed{where}: {error.message.rstrip('.')}"
    text = f"{what} {happened}. {next_step}"
    result = copy.copy(error)
    result.message = text
    result.args = (text,)
    return result
