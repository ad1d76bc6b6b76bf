"""Power operations of virtual machines: tasks, and requests to what runs inside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from vcd_simulator.guests.errors import GuestError, PowerStateError, ToolsNotRunningError
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.vcenter.events import EventLog
from vcd_simulator.vcenter.guest_access import power_fault
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.soap import Ref, SoapFaultError
from vcd_simulator.vcenter.tasks import VcenterTasks


@dataclass(frozen=True)
class _TaskKind:
    """A method that returns a task: what it is called in task lists, from which states it starts, where it leads."""

    description_id: str
    allowed: frozenset[PowerState]
    requested: PowerState
    act: Callable[[Hypervisor, Guest], None]


def _power_on(hypervisor: Hypervisor, guest: Guest) -> None:
    # vCenter starts a machine as it is; customizing it is vCloud Director's business.
    hypervisor.power_on(guest.moid, replace(guest.spec, customize=False))


_ON, _OFF, _SUSPENDED = PowerState.ON, PowerState.OFF, PowerState.SUSPENDED
_TASKS: Mapping[str, _TaskKind] = {
    "PowerOnVM_Task": _TaskKind("VirtualMachine.powerOn", frozenset({_OFF, _SUSPENDED}), _ON, _power_on),
    "PowerOffVM_Task": _TaskKind(
        "VirtualMachine.powerOff",
        frozenset({_ON, _SUSPENDED}),
        _OFF,
        lambda hypervisor, guest: hypervisor.power_off(guest.moid),
    ),
    "ResetVM_Task": _TaskKind(
        "VirtualMachine.reset", frozenset({_ON}), _ON, lambda hypervisor, guest: hypervisor.reset(guest.moid)
    ),
    "SuspendVM_Task": _TaskKind(
        "VirtualMachine.suspend", frozenset({_ON}), _SUSPENDED, lambda hypervisor, guest: hypervisor.suspend(guest.moid)
    ),
}
TASK_METHODS = tuple(_TASKS)
GUEST_METHODS = ("ShutdownGuest", "RebootGuest", "StandbyGuest")


class PowerOperations:
    """The power methods of VirtualMachine for one vCenter."""

    def __init__(self, hypervisor: Hypervisor, inventory: Inventory, tasks: VcenterTasks, events: EventLog) -> None:
        self._hypervisor = hypervisor
        self._inventory = inventory
        self._tasks = tasks
        self._events = events

    def start_task(self, vm: Ref, method: str, user: str) -> Ref:
        """One of TASK_METHODS. A power state that does not allow it shows in the task's error, as in vCenter."""
        kind = _TASKS[method]
        guest = self._inventory.guest(vm)

        def act() -> None:
            if guest.power not in kind.allowed:
                raise power_fault(PowerStateError(requested=kind.requested, existing=guest.power))
            if method == "ResetVM_Task":
                self._events.note("VmResettingEvent", entity=vm, name=guest.spec.name, user=user)
            try:
                kind.act(self._hypervisor, guest)
            except PowerStateError as exc:
                raise power_fault(exc) from exc
            except GuestError as exc:
                raise SoapFaultError("SystemError", str(exc), reason=str(exc)) from exc

        return self._tasks.start(vm, guest.spec.name, method, kind.description_id, user, act)

    def terminate(self, vm: Ref) -> None:
        """TerminateVM: pull the plug, without a task."""
        guest = self._inventory.guest(vm)
        if guest.power is not PowerState.ON:
            raise power_fault(PowerStateError(requested=PowerState.ON, existing=guest.power))
        self._hypervisor.power_off(guest.moid)

    def ask_guest(self, vm: Ref, method: str) -> None:
        """One of GUEST_METHODS: tells what runs inside, and does not wait for it."""
        guest = self._inventory.guest(vm)
        try:
            guest.check_tools()
        except PowerStateError as exc:
            raise power_fault(exc) from exc
        except ToolsNotRunningError as exc:
            raise SoapFaultError(
                "ToolsUnavailable", "Cannot complete operation because VMware Tools is not running."
            ) from exc
        actions = {
            "ShutdownGuest": self._hypervisor.power_off,
            "RebootGuest": self._hypervisor.reset,
            "StandbyGuest": self._hypervisor.suspend,
        }
        action = actions[method]
        self._hypervisor.later(self._hypervisor.latency.delay(f"vcenter.{method}"), lambda: _quietly(action, guest))


def _quietly(action: Callable[[str], None], guest: Guest) -> None:
    """Whoever asked has an answer already; a machine that is gone or off by now is nobody's fault."""
    try:
        action(guest.moid)
    except GuestError:
        return
