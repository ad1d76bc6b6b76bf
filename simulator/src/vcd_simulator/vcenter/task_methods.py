"""TaskManager: what is under way and what became of it, and collectors of that."""

from collections.abc import Mapping

from vcd_simulator.vcenter.calls import OwnMethod
from vcd_simulator.vcenter.filters import criteria
from vcd_simulator.vcenter.history import MOST_COLLECTORS, Fits, Histories, Record
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Arguments, Array, Request, SoapFaultError, Value
from vcd_simulator.vcenter.tasks import VcenterTask, VcenterTasks


class TaskMethods:
    """The methods of TaskManager, Task and TaskHistoryCollector for one vCenter."""

    def __init__(self, tasks: VcenterTasks, inventory: Inventory) -> None:
        self._tasks = tasks
        self._inventory = inventory
        self.histories = Histories("TaskHistoryCollector", "Task", tasks.all)

    def methods(self) -> Mapping[tuple[str, str], OwnMethod]:
        """What there is, by type and name."""
        return {
            ("TaskManager", "CreateCollectorForTasks"): self._create,
            ("Task", "CancelTask"): self._cancel,
        }

    def properties(self) -> Properties:
        """How to read each property of TaskManager."""
        return {
            "recentTask": lambda: Array("ManagedObjectReference", self._tasks.recent()),
            "maxCollector": lambda: MOST_COLLECTORS,
        }

    def _create(self, request: Request, session: Session) -> Value:
        return self.histories.create(session.key, self._fits(request.arguments.child("filter")))

    def _cancel(self, request: Request, _session: Session) -> Value:
        self._inventory.properties(request.this)
        raise SoapFaultError("NotSupported", "The task cannot be cancelled.")

    def _fits(self, given: Arguments) -> Fits:
        wanted = criteria(given)
        states = set(given.texts("state"))

        def fits(record: Record) -> bool:
            if not isinstance(record, VcenterTask) or (states and record.state not in states):
                return False
            return wanted.fit(record.entity, record.queued, record.user, self._inventory.lineage)

        return fits
