"""Power operations through vCenter: tasks, requests to guests, and the faults of both."""

from collections.abc import Callable
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from cse_testing.simulated import Endpoint
from cse_testing.waiting import wait_until
from vcd_simulator.faults import BusyEntity, Faults, TaskFails
from vcd_simulator.guests import Hypervisor


@pytest.fixture
def vm(client: Any, boot: Callable[..., None]) -> Any:
    boot("vm-1")
    return vim.VirtualMachine("vm-1", client._stub)


def test_a_machine_goes_through_all_states(vm: Any, hypervisor: Hypervisor) -> None:
    seen = []
    for operation in ("PowerOff", "PowerOn", "Suspend", "PowerOn", "Reset", "PowerOff"):
        task = getattr(vm, operation)()
        WaitForTask(task)
        seen.append(str(vm.runtime.powerState))
    assert seen == ["poweredOff", "poweredOn", "suspended", "poweredOn", "poweredOn", "poweredOff"]
    assert hypervisor.guest("vm-1").boots == 3


def test_what_a_task_tells_about_itself(vm: Any, client: Any) -> None:
    task = vm.PowerOffVM_Task()
    WaitForTask(task)
    info = task.info
    assert (info.state, info.entity, info.entityName, info.error, info.result) == (
        "success",
        vm,
        "vm-1 of a vApp",
        None,
        None,
    )
    assert (info.descriptionId, info.reason.userName) == ("VirtualMachine.powerOff", "cse@vsphere.local")
    assert info.queueTime <= info.startTime <= info.completeTime
    assert (info.cancelled, info.cancelable) == (False, False)
    assert vm.recentTask == [task]
    assert task in client.content.taskManager.recentTask
    with pytest.raises(vmodl.fault.NotSupported):
        task.CancelTask()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vim.Task("task-none", client._stub).info


@pytest.mark.parametrize(
    ("before", "operation", "requested", "existing"),
    [
        ("on", "PowerOn", "poweredOn", "poweredOn"),
        ("off", "PowerOff", "poweredOff", "poweredOff"),
        ("off", "Reset", "poweredOn", "poweredOff"),
        ("off", "Suspend", "suspended", "poweredOff"),
        ("suspended", "Reset", "poweredOn", "suspended"),
    ],
)
def test_a_state_that_does_not_allow_it_ends_the_task_in_error(
    vm: Any, hypervisor: Hypervisor, before: str, operation: str, requested: str, existing: str
) -> None:
    if before == "off":
        hypervisor.power_off("vm-1")
    if before == "suspended":
        hypervisor.suspend("vm-1")
    task = getattr(vm, operation)()
    with pytest.raises(vim.fault.InvalidPowerState, match="current state"):
        WaitForTask(task)
    assert task.info.state == "error"
    assert (task.info.error.requestedState, task.info.error.existingState) == (requested, existing)


def test_a_machine_that_is_not_there(client: Any) -> None:
    vm: Any = vim.VirtualMachine("vm-404", client._stub)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.PowerOn()


def test_requests_to_guests_need_their_tools(vm: Any, hypervisor: Hypervisor) -> None:
    hypervisor.guest("vm-1").hang()
    for request in (vm.ShutdownGuest, vm.RebootGuest, vm.StandbyGuest):
        with pytest.raises(vim.fault.ToolsUnavailable):
            request()
    vm.TerminateVM()
    assert vm.runtime.powerState == "poweredOff"
    for request in (vm.ShutdownGuest, vm.TerminateVM):
        with pytest.raises(vim.fault.InvalidPowerState):
            request()


def test_a_guest_that_sleeps_wakes_up(vm: Any, hypervisor: Hypervisor) -> None:
    vm.StandbyGuest()
    assert vm.runtime.powerState == "suspended"
    WaitForTask(vm.PowerOn())
    assert hypervisor.execute("vm-1", "echo awake")[1] == "awake\n"


def test_programs_go_on_after_a_suspension(vm: Any, hypervisor: Hypervisor) -> None:
    guest = hypervisor.guest("vm-1")
    root = guest.accounts.find("root")
    assert root is not None
    line = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count.new; mv /tmp/count.new /tmp/count; sleep 0.01; done"
    program = guest.programs.start(root, ["/bin/bash", "-c", line])
    wait_until(lambda: guest.tree.exists("/tmp/count"), "the program to count")
    WaitForTask(vm.Suspend())
    at = guest.tree.read("/tmp/count")
    assert {state for _, state in program.states()} <= {"T", "Z"}, "stopped, or ended and not yet noticed"
    assert hypervisor.power_state("vm-1") == "suspended"
    WaitForTask(vm.PowerOn())
    wait_until(lambda: guest.tree.read("/tmp/count") != at, "the program to go on")
    assert (program.exit_code, guest.boots) == (None, 1)
    program.kill()


@pytest.mark.parametrize(
    ("effect", "fault"),
    [(TaskFails(message="no host has room"), vmodl.fault.SystemError), (BusyEntity(), vim.fault.TaskInProgress)],
)
def test_tasks_fail_on_demand(
    serve: Callable[..., Endpoint],
    connect: Callable[..., Any],
    boot: Callable[..., None],
    effect: Any,
    fault: type[Exception],
) -> None:
    faults = Faults()
    client = connect(serve(faults=faults))
    boot("vm-1")
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    set_fault = faults.add(task="PowerOffVM_Task", entity="vm-1*", error=effect)
    with pytest.raises(fault):
        WaitForTask(vm.PowerOff())
    assert vm.runtime.powerState == "poweredOn"
    WaitForTask(vm.PowerOff())
    assert (set_fault.matched, set_fault.injected) == (1, 1)
