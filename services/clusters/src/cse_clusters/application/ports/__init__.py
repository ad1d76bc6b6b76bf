"""What the use cases need of the world, in our words. Adapters keep these with `cse_vcd`, tests with dictionaries.

Every method raises errors of `cse_core.errors` only: NotFoundError for what is not there or not visible,
PermissionDeniedError, UnauthenticatedError (token expired), ConflictError (vCD's BUSY_ENTITY outlasted the retries),
UnavailableError (no answer; the adapter has retried what may be retried), ExhaustedError (quota), AlreadyExistsError.
`check` is called between polls, at least once a second; what it raises ends the wait and passes through.
"""

from dataclasses import dataclass

from cse_clusters.application.ports.callers import Callers
from cse_clusters.application.ports.cloud import Check, Inventory, VappHost
from cse_clusters.application.ports.guests import GuestLogin, Guests, ScriptResult
from cse_clusters.application.ports.task_board import TaskBoard, TaskCard
from cse_clusters.application.ports.templates import Scripts, Template, Templates

__all__ = [
    "Callers",
    "Check",
    "GuestLogin",
    "Guests",
    "Inventory",
    "OperationPorts",
    "ScriptResult",
    "Scripts",
    "TaskBoard",
    "TaskCard",
    "Template",
    "Templates",
    "VappHost",
]


@dataclass(frozen=True, kw_only=True)
class OperationPorts:
    """What the code of operations works with."""

    inventory: Inventory
    host: VappHost
    guests: Guests
    board: TaskBoard
    templates: Templates
