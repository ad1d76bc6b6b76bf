"""The use cases ListOrphans and Reclaim, for system administrators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from cse_clusters.application.accepting import Submission
from cse_clusters.application.reclaiming import RECLAIM, ReclaimInput
from cse_clusters.application.sweep import Sweep
from cse_clusters.application.system import require_administrator
from cse_clusters.domain.access import Caller
from cse_clusters.domain.orphans import Kind, Orphan
from cse_core.errors import DeadlineError, InvalidArgumentError
from cse_core.operations import Operation, OperationRequest, Operations

log = structlog.get_logger()

_MOST_NAMED: Final = 1000
_PREFIX: Final = "orphans/"
_ID: Final = re.compile(rf"({'|'.join(Kind)})-[0-9a-zA-Z-]{{1,64}}")


@dataclass(frozen=True)
class Page:
    """Orphans in order, and where the next page begins (empty after the last)."""

    orphans: list[Orphan]
    next_page: str


class Orphans:
    """What operations have left behind.

    Args:
        sweep: finds it.
        operations: the engine.
        deadline: how long reclaiming may take.
    """

    def __init__(self, sweep: Sweep, operations: Operations, *, deadline: timedelta) -> None:
        self._sweep = sweep
        self._operations = operations
        self._deadline = deadline

    def page(self, caller: Caller, *, begin: str = "", limit: int) -> Page:
        """At most `limit` orphans behind the one whose id is `begin`.

        Raises:
            PermissionDeniedError: the caller is no system administrator.
        """
        require_administrator(caller)
        found = self._sweep.orphans()
        ids = [each.id for each in found]
        start = ids.index(begin) + 1 if begin in ids else 0
        page = found[start : start + limit]
        return Page(page, page[-1].id if start + limit < len(found) else "")

    def reclaim(self, caller: Caller, names: Sequence[str], submission: Submission, *, execute: bool) -> Operation:
        """Begins to delete orphans, or, without `execute`, to find out which would be.

        Raises:
            PermissionDeniedError: the caller is no system administrator.
            InvalidArgumentError: what is named cannot be an orphan.
            DeadlineError: nobody waits for the answer any more.
        """
        require_administrator(caller)
        job = ReclaimInput(ids=tuple(dict.fromkeys(map(_id, _bounded(names)))), execute=execute, user=caller.user)
        if not submission.is_wanted():
            raise DeadlineError("the caller does not wait any more; nothing was begun", reason="CALL_ABANDONED")
        operation = self._operations.submit(
            OperationRequest(
                kind=RECLAIM,
                target="orphans/-",
                partition=RECLAIM,
                request_id=submission.request_id,
                owner="",  # no org's: only system administrators see it
                input=job.as_json(),
                deadline=self._deadline,
            )
        )
        log.info("operation_accepted", operation_id=operation.id, kind=RECLAIM, user=caller.user, execute=execute)
        return operation


def _bounded(names: Sequence[str]) -> Sequence[str]:
    if len(names) > _MOST_NAMED:
        raise InvalidArgumentError(f"names: at most {_MOST_NAMED} at once", field="names")
    return names


def _id(name: str) -> str:
    id_ = name.removeprefix(_PREFIX)
    if not name.startswith(_PREFIX) or not _ID.fullmatch(id_):
        raise InvalidArgumentError(
            f"names: {name[:100]!r} is not of the form orphans/vapp-… or orphans/vm-…", field="names"
        )
    return id_
