"""Changing things that others may be changing too, on the other side of a network."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.domain.access import SERVICE, Actor
from cse_core.errors import (
    ConflictError,
    CseError,
    NotFoundError,
    PermissionDeniedError,
    RetryableError,
    UnavailableError,
)
from cse_core.operations import OperationContext

_Result = TypeVar("_Result")

_FIRST_PAUSE_S: Final = 0.2
_MOST_PAUSE_S: Final = 5.0


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


def delete_vapp(
    ctx: OperationContext, inventory: Inventory, host: VappHost, who: Actor, vapp_href: str, *, within: timedelta
) -> None:
    """Deletes the vApp with all machines and waits until it is gone. One that is gone already is fine."""

    def begin() -> str | None:
        task = host.delete(who, vapp_href)
        if task is None and inventory.vapp(SERVICE, vapp_href) is not None:
            raise PermissionDeniedError("vCD does not let you delete its vApp", reason="VAPP_DELETE_FORBIDDEN")
        return task

    task = patiently(ctx, begin, within=within)
    if task is None:
        return
    try:
        host.wait(task, ctx.check)
    except (ConflictError, NotFoundError, RetryableError):
        if inventory.vapp(SERVICE, vapp_href) is not None:
            raise
