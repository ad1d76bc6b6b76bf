"""Changing things that others may be changing too, on the other side of a network."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.domain.access import SERVICE, Actor
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import (
    CancelledError,
    ConflictError,
    CseError,
    DeadlineError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.operations import OperationContext

_Result = TypeVar("_Result")

_FIRST_PAUSE_S: Final = 0.2
_MOST_PAUSE_S: Final = 5.0
_MOST_MISSING: Final = 3
"""How often what a change needs may be gone before that is believed."""
REMOVED_AGAIN_AFTER_S: Final = (1.0, 5.0, 20.0)
"""Pauses before what vCD did not manage to remove is removed again."""


def patiently(
    ctx: OperationContext,
    begin: Callable[[], _Result],
    *,
    within: timedelta,
    passing: tuple[type[CseError], ...] = (ConflictError, UnavailableError),
) -> _Result:
    """Does something, and again after errors that pass: the entity is busy, or the other side does not answer.

    `begin` looks before it acts, for it may have been done although no answer came.

    Raises:
        CseError: the last of those errors when the time is over, and any other at once.
    """
    end = time.monotonic() + within.total_seconds()
    pause_s = _FIRST_PAUSE_S
    while True:
        ctx.check()
        try:
            return begin()
        except passing:
            if time.monotonic() >= end:
                raise
        ctx.pause(pause_s)
        pause_s = min(pause_s * 1.5, _MOST_PAUSE_S)


def carry_out(
    ctx: OperationContext,
    host: VappHost,
    begin: Callable[[], str | None],
    *,
    within: timedelta,
    who: Actor = SERVICE,
    is_removal: bool = False,
) -> None:
    """Begins a change and waits for its end; looks again, and begins it again if need be, after errors that pass.

    What it changes may be busy or gone, vCD may not answer, or may have forgotten or aborted its task. When the
    operation is cancelled meanwhile, vCD's task is told to end, too. So it is when the time is over, unless it removes
    what is not wanted any more: that had better go on without us. A removal whose task fails is tried again, at most
    three times.

    Args:
        ctx: of the operation or branch.
        host: where the change is made.
        begin: looks, and returns the task that it has begun, or None if there is nothing left to do.
        within: how long to try.
        who: in whose name the task is ended.
        is_removal: whether it removes something.

    Raises:
        CseError: as `patiently`, and what vCD's task ended with.
    """
    missing = _MOST_MISSING
    pauses_s = iter(REMOVED_AGAIN_AFTER_S if is_removal else ())
    ended_with = (CancelledError,) if is_removal else (CancelledError, DeadlineError)

    def attempt() -> None:
        nonlocal missing
        try:
            task = begin()
            if task is not None:
                wait(task)
        except NotFoundError as exc:
            missing -= 1  # what was there at the look may be gone at the change: another look tells
            if missing < 0:
                raise
            raise ConflictError(exc.message, reason=exc.code) from exc

    def wait(task: str) -> None:
        try:
            host.wait(task, ctx.check)
        except ended_with:
            with suppress(CseError):
                host.cancel(who, task)
            raise
        except FailedPreconditionError as exc:  # how the task has ended, for the request itself was fine
            pause_s = next(pauses_s, None)
            if pause_s is None:
                raise
            ctx.pause(pause_s)
            raise ConflictError(exc.message, reason=exc.code) from exc

    patiently(ctx, attempt, within=within)


def settle(ctx: OperationContext, inventory: Inventory, host: VappHost, vapp_href: str) -> VappDetails | None:
    """Waits until nothing works on the vApp that was begun before, however that ends; returns the vApp as it is then.

    A look at what is still being changed tells nothing. None if the vApp is gone.
    """
    waited_for = set[str]()
    while True:
        details = inventory.vapp(SERVICE, vapp_href)
        left = set(details.task_hrefs) - waited_for if details is not None else ()
        if not left:
            return details
        for task in left:
            try:
                host.wait(task, ctx.check)
            except CseError:
                ctx.check()
        waited_for.update(left)


def delete_vapp(
    ctx: OperationContext, inventory: Inventory, host: VappHost, who: Actor, vapp_href: str, *, within: timedelta
) -> None:
    """Deletes the vApp with all machines and waits until it is gone; ends what works on it before.

    One that is gone already is fine.
    """

    def begin() -> str | None:
        details = inventory.vapp(SERVICE, vapp_href)
        if details is None:
            return None
        if details.is_being_deleted:
            return next(iter(details.task_hrefs), None)
        for running in details.task_hrefs:
            with suppress(NotFoundError, FailedPreconditionError, PermissionDeniedError):
                host.cancel(who, running)
        task = host.delete(who, vapp_href)
        if task is None and inventory.vapp(SERVICE, vapp_href) is not None:
            raise PermissionDeniedError("vCD does not let you delete its vApp", reason="VAPP_DELETE_FORBIDDEN")
        return task

    carry_out(ctx, host, begin, within=within, who=who, is_removal=True)
