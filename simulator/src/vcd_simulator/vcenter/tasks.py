"""Tasks of a vCenter: work that is under way, and what became of it."""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vcd_simulator.faults import BusyEntity, Faults, Place, TaskFails
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.vcenter.soap import Data, Ref, SoapFaultError, Value

log = logging.getLogger(__name__)

_KEPT_S = 600.0
"""How long vCenter remembers a task after its end."""


@dataclass(eq=False, kw_only=True)
class VcenterTask:
    """One task. What it is about and who asked for it does not change; the rest does."""

    ref: Ref
    method: str
    description_id: str
    entity: Ref
    entity_name: str
    user: str
    queued: float
    state: str = "running"
    completed: float | None = None
    error: SoapFaultError | None = field(default=None, repr=False)

    @property
    def key(self) -> int:
        """Grows with time."""
        return int(self.ref.id.rpartition("-")[2])

    def to_data(self) -> Data:
        """The task's TaskInfo."""
        return Data(
            "TaskInfo",
            {
                "key": self.ref.id,
                "task": self.ref,
                "name": self.method,
                "descriptionId": self.description_id,
                "entity": self.entity,
                "entityName": self.entity_name,
                "state": self.state,
                "cancelled": False,
                "cancelable": False,
                "error": None if self.error is None else _localized(self.error),
                "progress": 0 if self.state == "running" else None,
                "reason": Data("TaskReasonUser", {"userName": self.user}),
                "queueTime": _stamp(self.queued),
                "startTime": _stamp(self.queued),
                "completeTime": None if self.completed is None else _stamp(self.completed),
                "eventChainId": self.key,
            },
        )


class VcenterTasks:
    """The tasks of one vCenter, by their references. Thread-safe."""

    def __init__(self, hypervisor: Hypervisor, faults: Faults, vcenter: str) -> None:
        self._hypervisor = hypervisor
        self._faults = faults
        self._prefix = f"task-{vcenter}"
        self._tasks: dict[Ref, VcenterTask] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(
        self, entity: Ref, name: str, method: str, description_id: str, user: str, action: Callable[[], None]
    ) -> Ref:
        """Begin a task about an object of this name; what `action` raises as a SoapFaultError ends it in error.

        It takes what the latency profile says of `vcenter.METHOD`, then acts.
        """
        injection = self._faults.decide(Place.TASK, task=method, entity=(name, entity.id), user=user)
        with self._lock:
            self._forget_old()
            task = VcenterTask(
                ref=Ref("Task", f"{self._prefix}-{next(self._numbers)}"),
                method=method,
                description_id=description_id,
                entity=entity,
                entity_name=name,
                user=user,
                queued=time.time(),
            )
            self._tasks[task.ref] = task
        failure = _failure(injection.error, task.ref)
        delay_s = self._hypervisor.latency.delay(f"vcenter.{method}") + injection.delay_s
        self._hypervisor.later(delay_s, lambda: self._carry_out(task, failure, action))
        return task.ref

    def find(self, ref: Ref) -> VcenterTask | None:
        with self._lock:
            return self._tasks.get(ref)

    def all(self) -> list[VcenterTask]:
        """Tasks that vCenter remembers, oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def recent(self, entity: Ref | None = None) -> list[Ref]:
        """Tasks that vCenter remembers, of one object or of all, oldest first."""
        with self._lock:
            return [task.ref for task in self._tasks.values() if entity in (None, task.entity)]

    def _carry_out(self, task: VcenterTask, failure: SoapFaultError | None, action: Callable[[], None]) -> None:
        try:
            if failure is not None:
                raise failure
            action()
        except SoapFaultError as error:
            task.error = error
        except Exception:
            log.exception("the task %s of a vCenter failed", task.method)
            task.error = SoapFaultError("SystemError", "internal error of the simulator", reason="internal error")
        task.completed = time.time()
        task.state = "success" if task.error is None else "error"
        self._hypervisor.changes.tell()

    def _forget_old(self) -> None:
        limit = time.time() - _KEPT_S
        for ref in [ref for ref, one in self._tasks.items() if one.completed is not None and one.completed < limit]:
            del self._tasks[ref]


def _failure(effect: object, task: Ref) -> SoapFaultError | None:
    match effect:
        case TaskFails(message=message):
            return SoapFaultError("SystemError", message, reason=message)
        case BusyEntity():
            return SoapFaultError("TaskInProgress", "Another task is already in progress.", task=task)
        case _:
            return None


def _localized(error: SoapFaultError) -> Value:
    return Data("LocalizedMethodFault", {"fault": error.fault, "localizedMessage": error.message})


def _stamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
