"""What vCenter remembers: events, tasks and how long machines have run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from cse_testing.simulated import Endpoint, GuestClient
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import GuestSpec, Hypervisor

Filter = vim.event.EventFilterSpec


def about(entity: Any, recursion: str = "self", **more: Any) -> Any:
    return Filter(entity=Filter.ByEntity(entity=entity, recursion=recursion), **more)


def kinds(events: Any) -> list[str]:
    return [type(one).__name__.rpartition(".")[2] for one in events]


def test_the_life_of_a_machine_is_told_by_events(client: Any, guest: GuestClient, hypervisor: Hypervisor) -> None:
    vm: Any = guest.vm
    manager = client.content.eventManager
    WaitForTask(vm.ResetVM_Task())
    hypervisor.wait_for_tools("vm-101", LIMIT_S)
    WaitForTask(vm.SuspendVM_Task())
    WaitForTask(vm.PowerOnVM_Task())
    WaitForTask(vm.Rename_Task("renamed"))
    WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="x")))
    found = manager.QueryEvents(about(vm))
    assert kinds(found)[::-1] == [
        "VmCreatedEvent", "VmPoweredOnEvent", "VmResettingEvent", "VmPoweredOffEvent", "VmPoweredOnEvent",
        "VmSuspendedEvent", "VmPoweredOnEvent", "VmRenamedEvent", "VmReconfiguredEvent",
    ]  # fmt: skip
    keys = [one.key for one in found]
    assert keys == sorted(keys, reverse=True)
    renamed: Any = next(one for one in found if isinstance(one, vim.event.VmRenamedEvent))
    assert (renamed.oldName, renamed.newName, renamed.vm.vm, renamed.host.name) == (
        "vm-101 of a vApp",
        "renamed",
        vm,
        "esx-1",
    )
    assert "vm-101 of a vApp to renamed" in renamed.fullFormattedMessage
    hypervisor.delete("vm-101")
    assert kinds(manager.QueryEvents(about(client.content.rootFolder, "all")))[0] == "VmRemovedEvent"


def test_events_are_chosen_by_what_they_are_about(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    boot("vm-2")
    content = client.content
    manager, folder = content.eventManager, content.rootFolder.childEntity[0].vmFolder
    now = client.CurrentTime()

    def powered_on(**more: Any) -> int:
        return len(manager.QueryEvents(Filter(eventTypeId=["vim.event.VmPoweredOnEvent"], **more)))

    assert powered_on() == 2
    assert powered_on(entity=Filter.ByEntity(entity=folder, recursion="children")) == 2
    assert powered_on(entity=Filter.ByEntity(entity=folder, recursion="self")) == 0
    assert powered_on(entity=Filter.ByEntity(entity=content.rootFolder, recursion="children")) == 0
    assert powered_on(time=Filter.ByTime(endTime=now - timedelta(hours=1))) == 0
    assert powered_on(time=Filter.ByTime(beginTime=now - timedelta(hours=1))) == 2
    assert powered_on(userName=Filter.ByUsername(systemUser=False, userList=["nobody"])) == 0
    assert powered_on(maxCount=1) == 1
    assert set(kinds(manager.QueryEvents(Filter(eventTypeId=["VmEvent"])))) == {"VmCreatedEvent", "VmPoweredOnEvent"}


def test_a_collector_reads_in_both_directions_and_goes_on_with_what_is_new(client: Any, vcenter: Endpoint) -> None:
    manager, root = client.content.eventManager, client.content.rootFolder
    collector = manager.CreateCollectorForEvents(Filter(category=["user"]))
    for number in range(5):
        manager.LogUserEvent(root, f"{{message}} {number}")

    def told(events: Any) -> list[int]:
        return [int(one.message[-1]) for one in events]

    assert (told(collector.ReadNextEvents(3)), told(collector.ReadNextEvents(3))) == ([0, 1, 2], [3, 4])
    assert told(collector.ReadNextEvents(3)) == []
    manager.LogUserEvent(root, "{message} 5")
    assert told(collector.ReadNextEvents(3)) == [5]
    collector.SetCollectorPageSize(2)
    assert told(collector.latestPage) == [5, 4]
    collector.RewindCollector()
    assert (told(collector.ReadPreviousEvents(3)), told(collector.ReadPreviousEvents(3))) == ([3, 2, 1], [0])
    collector.ResetCollector()
    assert told(collector.ReadNextEvents(1)) == [0]
    assert manager.latestEvent.fullFormattedMessage.endswith("{message} 5")
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector.ReadNextEvents(0)
    collector.DestroyCollector()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        collector.ReadNextEvents(1)
    for _ in range(manager.maxCollector):
        manager.CreateCollectorForEvents(Filter())
    with pytest.raises(vim.fault.InvalidState):
        manager.CreateCollectorForEvents(Filter())


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # pyvmomi leaves a connection open when a login fails
def test_logins_are_events(client: Any, vcenter: Endpoint, connect: Callable[..., Any]) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        connect(vcenter, user="<mallory>", password="x")
    connect(vcenter)
    found = client.content.eventManager.QueryEvents(Filter(eventTypeId=["SessionEvent"]))
    assert kinds(found) == ["UserLoginSessionEvent", "BadUsernameSessionEvent", "UserLoginSessionEvent"]
    assert (found[1].userName, found[0].ipAddress) == ("<mallory>", "127.0.0.1")


def test_collectors_of_tasks(client: Any, guest: GuestClient, hypervisor: Hypervisor) -> None:
    vm: Any = guest.vm
    manager = client.content.taskManager
    WaitForTask(vm.PowerOffVM_Task())
    with pytest.raises(vim.fault.InvalidPowerState):
        WaitForTask(vm.PowerOffVM_Task())
    spec: Any = vim.TaskFilterSpec(entity=vim.TaskFilterSpec.ByEntity(entity=vm, recursion="self"))
    collector = manager.CreateCollectorForTasks(spec)
    assert [(one.descriptionId, one.state) for one in collector.ReadNextTasks(10)] == [
        ("VirtualMachine.powerOff", "success"),
        ("VirtualMachine.powerOff", "error"),
    ]
    spec.state = ["error"]
    assert [one.state for one in manager.CreateCollectorForTasks(spec).latestPage] == ["error"]


def test_how_long_a_machine_has_run_is_measured(client: Any, guest: GuestClient, hypervisor: Hypervisor) -> None:
    vm: Any = guest.vm
    manager = client.content.perfManager
    (counter,) = manager.perfCounter
    assert (counter.groupInfo.key, counter.nameInfo.key, counter.rollupType) == ("sys", "uptime", "latest")
    (metric,) = manager.QueryAvailablePerfMetric(vm)
    query = vim.PerformanceManager.QuerySpec(entity=vm, metricId=[metric], intervalId=20, maxSample=1)
    (found,) = manager.QueryPerf([query])
    assert 0 <= found.value[0].value[0] < 600
    query.format = "csv"
    (found,) = manager.QueryPerf([query])
    assert 0 <= int(found.value[0].value) < 600
    hypervisor.power_off("vm-101")
    assert list(manager.QueryAvailablePerfMetric(vm)) == []
    assert list(manager.QueryPerf([query])) == []
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.QueryPerfCounter([1])
    assert list(client.content.alarmManager.GetAlarm(client.content.rootFolder)) == []


def test_other_vcenters_know_nothing_of_it(
    serve: Callable[..., Endpoint], connect: Callable[..., Any], hypervisor: Hypervisor
) -> None:
    first, second = connect(serve("vc1")), connect(serve("vc2", "127.0.0.2"))
    hypervisor.create("vm-1", "photon", "vc1")
    hypervisor.power_on("vm-1", GuestSpec(name="one", computer_name="one"))
    assert kinds(first.content.eventManager.QueryEvents(Filter(eventTypeId=["VmEvent"])))[-1] == "VmCreatedEvent"
    assert list(second.content.eventManager.QueryEvents(Filter(eventTypeId=["VmEvent"]))) == []
