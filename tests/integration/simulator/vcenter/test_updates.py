"""Property filters: waiting for changes, as clients watch machines and tasks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyVim.task import WaitForTask, WaitForTasks
from pyVmomi import vim, vmodl

from cse_testing.simulated import Endpoint
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import Hypervisor

Collector = vmodl.query.PropertyCollector
Options = Collector.WaitOptions


def machines(client: Any, *paths: str) -> Any:
    """A filter of all machines, by a view."""
    content = client.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    traversal = Collector.TraversalSpec(name="all", path="view", skip=False, type=vim.view.ContainerView)
    return Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=view, skip=True, selectSet=[traversal])],
        propSet=[Collector.PropertySpec(type=vim.VirtualMachine, pathSet=list(paths))],
    )


def one(vm: Any, *paths: str) -> Any:
    return Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=vm)],
        propSet=[Collector.PropertySpec(type=type(vm), pathSet=list(paths))],
    )


def told(update: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """What an UpdateSet says: kind, moid and changed values of every object."""
    return [
        (str(each.kind), each.obj._moId, {change.name: change.val for change in each.changeSet})
        for report in update.filterSet
        for each in report.objectSet
    ]


def test_a_client_is_told_what_there_is_and_then_what_changes(
    client: Any, boot: Callable[..., None], hypervisor: Hypervisor
) -> None:
    boot("vm-1")
    collector = client.content.propertyCollector
    watched = collector.CreateFilter(machines(client, "runtime.powerState", "name"), False)
    assert collector.filter == [watched]
    first = collector.WaitForUpdatesEx("", Options(maxWaitSeconds=0))
    assert told(first) == [("enter", "vm-1", {"runtime.powerState": "poweredOn", "name": "vm-1 of a vApp"})]
    assert first.filterSet[0].filter == watched
    assert collector.CheckForUpdates(first.version) is None
    assert collector.WaitForUpdatesEx(first.version, Options(maxWaitSeconds=0)) is None

    boot("vm-2")
    hypervisor.power_off("vm-1")
    second = collector.CheckForUpdates(first.version)
    assert told(second) == [
        ("modify", "vm-1", {"runtime.powerState": "poweredOff"}),
        ("enter", "vm-2", {"runtime.powerState": "poweredOn", "name": "vm-2 of a vApp"}),
    ]
    hypervisor.delete("vm-1")
    third = collector.CheckForUpdates(second.version)
    assert told(third) == [("leave", "vm-1", {})]
    assert told(collector.CheckForUpdates(first.version)) == [
        ("enter", "vm-2", {"runtime.powerState": "poweredOn", "name": "vm-2 of a vApp"}),
        ("leave", "vm-1", {}),
    ], "an answer that got lost can be had again"
    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        collector.CheckForUpdates("nonsense")
    watched.DestroyPropertyFilter()
    assert collector.filter == []
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        watched.DestroyPropertyFilter()


@pytest.mark.parametrize("method", ["WaitForUpdates", "WaitForUpdatesEx"])
def test_waiting_ends_with_a_change(
    serve: Callable[..., Endpoint],
    connect: Callable[..., Any],
    boot: Callable[..., None],
    hypervisor: Hypervisor,
    method: str,
) -> None:
    client = connect(serve())
    boot("vm-1")
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    collector = client.content.propertyCollector
    collector.CreateFilter(one(vm, "guest.toolsRunningStatus"), False)
    wait = getattr(collector, method)
    version = wait("").version
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, version)
        hypervisor.power_off("vm-1")
        update = waiting.result(LIMIT_S)
    assert told(update) == [("modify", "vm-1", {"guest.toolsRunningStatus": "guestToolsNotRunning"})]


def test_waiting_is_cancelled(client: Any, vcenter: Endpoint, boot: Callable[..., None]) -> None:
    boot("vm-1")
    collector = client.content.propertyCollector
    collector.CreateFilter(one(vim.VirtualMachine("vm-1", client._stub), "name"), False)
    version = collector.WaitForUpdatesEx("").version
    service = vcenter.service
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(collector.WaitForUpdatesEx, version)
        pulse = threading.Event()
        while not waiting.done() and not pulse.wait(0.02):  # it may not wait yet when we cancel for the first time
            collector.CancelWaitForUpdates()
        with pytest.raises(vmodl.fault.RequestCanceled):
            waiting.result(LIMIT_S)
        waiting = pool.submit(collector.WaitForUpdatesEx, version)
        service.sessions.expire_all()
        with pytest.raises(vim.fault.NotAuthenticated):
            waiting.result(LIMIT_S)


def test_partial_updates_name_what_is_within(client: Any, boot: Callable[..., None], hypervisor: Hypervisor) -> None:
    boot("vm-1")
    collector = client.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(one(vim.VirtualMachine("vm-1", client._stub), "runtime"), True)
    whole = client.content.propertyCollector.CreatePropertyCollector()
    whole.CreateFilter(one(vim.VirtualMachine("vm-1", client._stub), "runtime"), False)
    versions = [each.WaitForUpdatesEx("").version for each in (collector, whole)]
    hypervisor.power_off("vm-1")
    ((_, _, changes),) = told(collector.CheckForUpdates(versions[0]))
    assert changes == {"runtime.powerState": "poweredOff", "runtime.bootTime": None}
    ((_, _, changes),) = told(whole.CheckForUpdates(versions[1]))
    assert list(changes) == ["runtime"]
    collector.DestroyPropertyCollector()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        collector.CheckForUpdates("")


def test_many_updates_come_in_parts(client: Any, boot: Callable[..., None]) -> None:
    for number in range(5):
        boot(f"vm-{number}")
    collector = client.content.propertyCollector
    collector.CreateFilter(machines(client, "name"), False)
    version, seen, parts = "", [], []
    while update := collector.WaitForUpdatesEx(version, Options(maxWaitSeconds=0, maxObjectUpdates=2)):
        version = update.version
        parts.append(bool(update.truncated))
        seen += [moid for _, moid, _ in told(update)]
    assert (sorted(seen), parts) == ([f"vm-{n}" for n in range(5)], [True, True, False])


def test_pages_of_properties(client: Any, boot: Callable[..., None]) -> None:
    for number in range(5):
        boot(f"vm-{number}")
    collector = client.content.propertyCollector
    page = collector.RetrievePropertiesEx([machines(client, "name")], Collector.RetrieveOptions(maxObjects=2))
    sizes, used = [len(page.objects)], page.token
    while page.token:
        page = collector.ContinueRetrievePropertiesEx(page.token)
        sizes.append(len(page.objects))
    assert sizes == [2, 2, 1]
    with pytest.raises(vmodl.query.InvalidProperty):
        collector.ContinueRetrievePropertiesEx(used)
    page = collector.RetrievePropertiesEx([machines(client, "name")], Collector.RetrieveOptions(maxObjects=2))
    collector.CancelRetrievePropertiesEx(page.token)
    with pytest.raises(vmodl.query.InvalidProperty):
        collector.ContinueRetrievePropertiesEx(page.token)


def test_filters_are_checked_and_belong_to_a_session(
    vcenter: Endpoint, connect: Callable[..., Any], boot: Callable[..., None]
) -> None:
    boot("vm-1")
    first, second = connect(vcenter), connect(vcenter)
    vm: Any = vim.VirtualMachine("vm-1", first._stub)
    with pytest.raises(vmodl.query.InvalidProperty):
        first.content.propertyCollector.CreateFilter(one(vm, "nonsense"), False)
    gone: Any = vim.VirtualMachine("vm-404", first._stub)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        first.content.propertyCollector.CreateFilter(one(gone, "name"), False)
    watched = first.content.propertyCollector.CreateFilter(one(vm, "name"), False)
    assert second.content.propertyCollector.filter == []
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        type(watched)(watched._moId, second._stub).DestroyPropertyFilter()


def test_a_task_is_watched_to_its_end(client: Any, boot: Callable[..., None], hypervisor: Hypervisor) -> None:
    for number in range(3):
        boot(f"vm-{number}")
    machines_: list[Any] = [vim.VirtualMachine(f"vm-{number}", client._stub) for number in range(3)]
    tasks = [machine.PowerOff() for machine in machines_]
    WaitForTasks(tasks, client)
    assert WaitForTask(machines_[0].PowerOn(), si=client) == "success"


def test_sessions_are_listed_and_terminated(vcenter: Endpoint, connect: Callable[..., Any]) -> None:
    first, second = connect(vcenter), connect(vcenter)
    manager = first.content.sessionManager
    keys = {session.key for session in manager.sessionList}
    own, other = manager.currentSession.key, second.content.sessionManager.currentSession.key
    assert keys == {own, other}
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.TerminateSession([own])
    with pytest.raises(vim.fault.NotFound):
        manager.TerminateSession([other, "nonsense"])
    manager.TerminateSession([other])
    assert second.content.sessionManager.currentSession is None
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = second.content.rootFolder.name
