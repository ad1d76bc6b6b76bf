"""Tasks, as clients see them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from vcd_simulator.model import kinds
from vcd_simulator.model.kinds import Kind


class TaskStatus(StrEnum):
    """How far a task is."""

    QUEUED = "queued"
    PRE_RUNNING = "preRunning"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    CANCELED = "canceled"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        return self in (TaskStatus.SUCCESS, TaskStatus.ERROR, TaskStatus.CANCELED, TaskStatus.ABORTED)


@dataclass(slots=True, kw_only=True)
class Reference:
    """A pointer as a document shows it. `href` is a path below the cloud's address, or whatever URI a service chose."""

    href: str
    name: str = ""
    type: str = ""

    @property
    def entity_id(self) -> str:
        """What the href or URN ends in."""
        return self.href.rstrip("/").rpartition("/")[2].rpartition(":")[2]


@dataclass(slots=True, kw_only=True)
class TaskError:
    """Why a task failed."""

    major: str
    minor: str
    message: str
    stack_trace: str = ""


@dataclass(slots=True, kw_only=True)
class Task:
    """Asynchronous work: the cloud's own, or a service's, which then reports on it by updates."""

    kind: ClassVar[Kind] = kinds.TASK
    id: str
    operation_name: str
    operation: str
    org_id: str
    owner: Reference
    owner_id: str | None = None
    user: Reference
    name: str = "task"
    type: str = kinds.TASK.media_type
    service_namespace: str = "com.vmware.vcloud"
    status: TaskStatus = TaskStatus.QUEUED
    start_time: float
    end_time: float | None = None
    expected_s: float | None = None
    """How long the cloud needs for it; None for tasks of services."""
    progress: int | None = None
    details: str = ""
    error: TaskError | None = None
    cancel_requested: bool = False

    def progress_at(self, now: float) -> int | None:
        """Percent done: reported for a service's task, estimated for the cloud's own."""
        if self.status is TaskStatus.SUCCESS and self.expected_s is not None:
            return 100
        if self.progress is not None or self.expected_s is None:
            return self.progress
        if self.expected_s <= 0:
            return 0
        return max(0, min(99, int(100 * (now - self.start_time) / self.expected_s)))
