"""Changing machines, folders, attributes and settings, as administrators do through vCenter."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from cse_testing.simulated import GuestClient
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.snapshot import GuestsRecord

Option = vim.option.OptionValue
Spec = vim.vm.ConfigSpec


@pytest.fixture
def vm(guest: GuestClient) -> Any:
    return guest.vm


@pytest.fixture
def datacenter(client: Any) -> Any:
    return client.content.rootFolder.childEntity[0]


def settings(vm: Any) -> dict[str, str]:
    return {one.key: one.value for one in vm.config.extraConfig}


def test_a_machine_gets_another_name(client: Any, vm: Any, boot: Callable[..., None]) -> None:
    boot("vm-2")
    WaitForTask(vm.Rename_Task("a/new name"))
    assert (vm.name, vm.config.name, vm.summary.config.name) == ("a%2fnew name",) * 3
    assert client.content.searchIndex.FindByInventoryPath("Datacenter/vm/a%2fnew name") == vm
    with pytest.raises(vim.fault.DuplicateName) as refused:
        WaitForTask(vm.Rename_Task("vm-2 of a vApp"))
    assert refused.value.object._moId == "vm-2"
    with pytest.raises(vmodl.fault.InvalidArgument):
        vm.Rename_Task("")
    with pytest.raises(vim.fault.InvalidName):
        vm.Rename_Task("x" * 81)


def test_what_is_written_into_the_configuration_is_read_there_and_in_the_guest(guest: GuestClient) -> None:
    vm: Any = guest.vm
    before = vm.config.changeVersion
    options = [Option(key="guestinfo.greeting", value="héllo <you>"), Option(key="disk.enableUUID", value="TRUE")]
    WaitForTask(vm.ReconfigVM_Task(Spec(annotation="kept & shown", extraConfig=options)))
    assert (vm.config.annotation, vm.summary.config.annotation) == ("kept & shown",) * 2
    assert settings(vm) == {"guestinfo.greeting": "héllo <you>", "disk.enableUUID": "TRUE"}
    assert vm.config.changeVersion != before
    assert guest.run("/usr/bin/vmtoolsd", '--cmd "info-get guestinfo.greeting" > /tmp/told') == 0
    assert guest.download("/tmp/told").decode().strip() == "héllo <you>"
    gone = [Option(key=key, value="") for key in settings(vm)]
    WaitForTask(vm.ReconfigVM_Task(Spec(extraConfig=gone)))
    assert settings(vm) == {}
    with pytest.raises(vim.fault.ConcurrentAccess):
        WaitForTask(vm.ReconfigVM_Task(Spec(changeVersion=before, annotation="late")))


def test_what_was_configured_is_in_a_saved_state(vm: Any, hypervisor: Hypervisor) -> None:
    options = [Option(key="guestinfo.a", value="b"), Option(key="c", value="d")]
    WaitForTask(vm.ReconfigVM_Task(Spec(annotation="kept", extraConfig=options)))
    before, version = settings(vm), vm.config.changeVersion
    records = TypeAdapter(GuestsRecord)
    saved = records.dump_json(hypervisor.record(files=True))
    hypervisor.clear()
    hypervisor.restore(records.validate_json(saved))
    assert (vm.config.annotation, settings(vm), vm.config.changeVersion) == ("kept", before, version)


def test_hardware_of_a_machine_that_runs_grows_only_where_that_was_allowed(vm: Any, hypervisor: Hypervisor) -> None:
    for spec, fault in (
        (Spec(numCPUs=4), vim.fault.CpuHotPlugNotSupported),
        (Spec(memoryMB=4096), vim.fault.MemoryHotPlugNotSupported),
        (Spec(cpuHotAddEnabled=True), vim.fault.InvalidPowerState),
    ):
        with pytest.raises(fault):
            WaitForTask(vm.ReconfigVM_Task(spec))
    WaitForTask(vm.PowerOffVM_Task())
    allowed = Spec(numCPUs=4, numCoresPerSocket=2, memoryMB=4096, cpuHotAddEnabled=True, memoryHotAddEnabled=True)
    WaitForTask(vm.ReconfigVM_Task(allowed))
    WaitForTask(vm.PowerOnVM_Task())
    hypervisor.wait_for_tools("vm-101", LIMIT_S)
    WaitForTask(vm.ReconfigVM_Task(Spec(numCPUs=6, memoryMB=8192)))
    hardware = vm.config.hardware
    assert (hardware.numCPU, hardware.numCoresPerSocket, hardware.memoryMB) == (6, 2, 8192)
    for smaller in (Spec(numCPUs=4), Spec(memoryMB=4096)):
        with pytest.raises((vim.fault.CpuHotPlugNotSupported, vim.fault.MemoryHotPlugNotSupported)):
            WaitForTask(vm.ReconfigVM_Task(smaller))


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (Spec(numCPUs=0), vmodl.fault.InvalidArgument),
        (Spec(memoryMB=1023), vmodl.fault.InvalidArgument),
        (Spec(annotation="x" * 20_000), vmodl.fault.InvalidArgument),
        (Spec(extraConfig=[Option(key="", value="x")]), vmodl.fault.InvalidArgument),
        (Spec(guestId="windows9_64Guest"), vmodl.fault.NotSupported),
    ],
    ids=["no processors", "odd memory", "long note", "no key", "guest id"],
)
def test_what_no_machine_can_be_is_refused_at_once(vm: Any, spec: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        vm.ReconfigVM_Task(spec)


def test_machines_are_sorted_into_folders(client: Any, vm: Any, datacenter: Any) -> None:
    index, root = client.content.searchIndex, datacenter.vmFolder
    outer = root.CreateFolder("outer")
    inner = outer.CreateFolder("inner")
    WaitForTask(inner.MoveIntoFolder_Task([vm]))
    assert (vm.parent, list(inner.childEntity), inner.parent) == (inner, [vm], outer)
    assert index.FindByInventoryPath(f"Datacenter/vm/outer/inner/{vm.name}") == vm
    assert vm not in root.childEntity
    view = client.content.viewManager.CreateContainerView(outer, [vim.VirtualMachine], True)
    assert list(view.view) == [vm]
    with pytest.raises(vim.fault.DuplicateName):
        root.CreateFolder("OUTER")
    with pytest.raises(vim.fault.InvalidFolder):
        WaitForTask(inner.MoveIntoFolder_Task([outer]))
    with pytest.raises(vmodl.fault.NotSupported):
        WaitForTask(outer.Destroy_Task())
    with pytest.raises(vmodl.fault.NotSupported):
        datacenter.hostFolder.CreateFolder("hosts")
    WaitForTask(root.MoveIntoFolder_Task([vm, inner]))
    WaitForTask(outer.Destroy_Task())
    WaitForTask(inner.Rename_Task("left"))
    assert {one.name for one in root.childEntity} == {"left", vm.name}


def test_attributes_are_defined_and_given_to_machines(client: Any, vm: Any, hypervisor: Hypervisor) -> None:
    manager = client.content.customFieldsManager
    owner = manager.AddCustomFieldDef(name="owner", moType=vim.VirtualMachine)
    anything = manager.AddCustomFieldDef(name="anything")
    with pytest.raises(vim.fault.DuplicateName):
        manager.AddCustomFieldDef(name="owner", moType=vim.VirtualMachine)
    manager.SetField(vm, owner.key, "alice")
    vm.setCustomValue("anything", "<x>")
    assert {one.key: one.value for one in vm.customValue} == {owner.key: "alice", anything.key: "<x>"}
    assert [one.value for one in vm.summary.customValue] == ["alice", "<x>"]
    assert {one.name for one in vm.availableField} == {"owner", "anything"}
    root = client.content.rootFolder
    assert [one.name for one in root.availableField] == ["anything"]
    refused: list[Callable[[], Any]] = [
        lambda: manager.SetField(root, owner.key, "x"),
        lambda: manager.SetField(vm, 7, "x"),
        lambda: vm.setCustomValue("none", "x"),
    ]
    for call in refused:
        with pytest.raises(vmodl.fault.InvalidArgument):
            call()
    manager.SetField(vm, owner.key, "")
    manager.RenameCustomFieldDef(anything.key, "something")
    assert {one.key: one.name for one in manager.field} == {owner.key: "owner", anything.key: "something"}
    manager.RemoveCustomFieldDef(anything.key)
    assert list(vm.customValue) == []
    hypervisor.delete("vm-101")
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        manager.SetField(vm, owner.key, "x")


def test_settings_of_vcenter_keep_their_types(client: Any) -> None:
    manager = client.content.setting
    (name,) = manager.QueryView("VirtualCenter.InstanceName")
    assert name.value == "vc1"
    manager.UpdateValues([Option(key="event.maxAge", value=7), Option(key="config.own.one", value="x")])
    assert {one.key: one.value for one in manager.QueryView("event.")} == {
        "event.maxAge": 7,
        "event.maxAgeEnabled": False,
    }
    assert {one.key for one in manager.QueryView()} == {one.key for one in manager.setting}
    for name in ("none", "none.", "event"):
        with pytest.raises(vim.fault.InvalidName):
            manager.QueryView(name)
    with pytest.raises(vim.fault.InvalidName):
        manager.UpdateValues([Option(key="event.maxAge", value=8), Option(key="none", value="x")])
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.UpdateValues([Option(key="event.maxAge", value="many")])
    assert manager.QueryView("event.maxAge")[0].value == 7


def test_what_vcloud_director_alone_may_do_is_not_supported(client: Any, vm: Any) -> None:
    for call in (
        lambda: vm.CreateSnapshot_Task("s", "", False, False),
        vm.Destroy_Task,
        vm.UnregisterVM,
        lambda: client.content.rootFolder.Rename_Task("x"),
    ):
        with pytest.raises(vmodl.fault.NotSupported):
            call()
