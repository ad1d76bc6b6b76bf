"""Changing a vApp while others may be changing it too."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.domain.access import SERVICE, Actor
from cse_core.errors import ConflictError, NotFoundError, PermissionDeniedError, RetryableError
from cse_core.operations import OperationContext

_Result = TypeVar("_Result")

_PAUSE_S: Final = 2.0


def when_free(ctx: OperationContext, begin: Callable[[], _Result], *, within: timedelta) -> _Result:
    """Begins a change, and again while vCD says that the entity is busy. Raises ConflictError when the time is over."""
    end = time.monotonic() + within.total_seconds()
    while True:
        ctx.check()
        try:
            return begin()
        except ConflictError:
            if time.monotonic() >= end:
                raise
        ctx.pause(_PAUSE_S)


def delete_vapp(
    ctx: OperationContext, inventory: Inventory, host: VappHost, who: Actor, vapp_href: str, *, within: timedelta
) -> None:
    """Deletes the vApp with all machines and waits until it is gone. One that is gone already is fine."""

    def begin() -> str | None:
        task = host.delete(who, vapp_href)
        if task is None and inventory.vapp(SERVICE, vapp_href) is not None:
            raise PermissionDeniedError("vCD does not let you delete its vApp", reason="VAPP_DELETE_FORBIDDEN")
        return task

    task = when_free(ctx, begin, within=within)
    if task is None:
        return
    try:
        host.wait(task, ctx.check)
    except (ConflictError, NotFoundError, RetryableError):
        if inventory.vapp(SERVICE, vapp_href) is not None:
            raise
