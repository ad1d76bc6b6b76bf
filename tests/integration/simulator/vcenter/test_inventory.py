"""Finding and reading machines: Fetch, the property collector, views, the search index."""

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl

from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import Hypervisor

Collector = vmodl.query.PropertyCollector


def test_attributes_of_a_machine(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1", memory_mb=2048, ip_addresses=("10.0.0.7", "10.1.0.7"))
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    assert (vm.name, vm.runtime.powerState, vm.guestHeartbeatStatus) == ("vm-1 of a vApp", "poweredOn", "green")
    assert (vm.config.hardware.numCPU, vm.config.hardware.memoryMB, vm.config.guestId) == (
        2,
        2048,
        "vmwarePhoton64Guest",
    )
    guest = vm.guest
    assert (guest.toolsRunningStatus, guest.toolsStatus, guest.guestState) == (
        "guestToolsRunning",
        "toolsOk",
        "running",
    )
    assert (guest.hostName, guest.ipAddress, guest.guestOperationsReady) == ("photon", "10.0.0.7", True)
    assert [card.ipAddress for card in guest.net] == [["10.0.0.7"], ["10.1.0.7"]]
    assert (vm.summary.config.name, vm.summary.guest.ipAddress, vm.summary.vm) == ("vm-1 of a vApp", "10.0.0.7", vm)
    assert vm.parent.name == "vm"


def test_the_guest_follows_power(client: Any, hypervisor: Hypervisor, boot: Callable[..., None]) -> None:
    boot("vm-1")
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    hypervisor.power_off("vm-1")
    assert (vm.runtime.powerState, vm.guest.toolsRunningStatus, vm.guest.ipAddress) == (
        "poweredOff",
        "guestToolsNotRunning",
        None,
    )
    assert vm.guest.guestOperationsReady is False
    hypervisor.delete("vm-1")
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as gone:
        _ = vm.guest
    assert gone.value.obj._moId == "vm-1"


def test_guests_can_be_shut_down_and_rebooted(client: Any, hypervisor: Hypervisor, boot: Callable[..., None]) -> None:
    boot("vm-1")
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    vm.RebootGuest()
    hypervisor.wait_for_tools("vm-1", LIMIT_S)
    vm.ShutdownGuest()
    assert vm.runtime.powerState == "poweredOff"
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.ShutdownGuest()


def test_a_view_of_all_machines(client: Any, boot: Callable[..., None]) -> None:
    for number in range(3):
        boot(f"vm-{number}")
    content = client.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    assert sorted(vm.name for vm in view.view) == [f"vm-{n} of a vApp" for n in range(3)]
    everything = content.viewManager.CreateContainerView(content.rootFolder, [], True)
    places = {vim.Datacenter, vim.Folder, vim.ClusterComputeResource, vim.HostSystem, vim.ResourcePool, vim.Datastore}
    assert {type(one) for one in everything.view} == {*places, vim.Network, vim.VirtualMachine}
    flat = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], False)
    assert flat.view == []
    view.DestroyView()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = view.view


def test_where_a_machine_is(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1", ip_addresses=("10.0.0.9",), network_ids=("acme-net",))
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    assert [network.name for network in vm.network] == ["acme-net"]
    assert vm.network[0].vm == [vm]
    assert (vm.runtime.host.name, vm.runtime.host.parent.resourcePool) == ("esx-1", vm.resourcePool)
    assert [store.summary.accessible for store in vm.datastore] == [True]
    (datacenter,) = client.content.rootFolder.childEntity
    assert client.content.searchIndex.FindByDatastorePath(datacenter, vm.config.files.vmPathName) == vm


def test_what_a_guest_tells_is_seen(client: Any, hypervisor: Hypervisor, boot: Callable[..., None]) -> None:
    boot("vm-1", guest_properties={"role": "worker"})
    hypervisor.execute("vm-1", "vmware-rpctool 'info-set guestinfo.done yes & no'")
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    told = {option.key: option.value for option in vm.config.extraConfig}
    assert told == {"guestinfo.role": "worker", "guestinfo.done": "yes & no"}


def test_a_list_of_objects_is_a_view_too(client: Any, hypervisor: Hypervisor, boot: Callable[..., None]) -> None:
    boot("vm-1")
    machines: list[Any] = [vim.VirtualMachine(moid, client._stub) for moid in ("vm-1", "vm-404")]
    view = client.content.viewManager.CreateListView(machines)
    assert view.view == machines[:1]
    hypervisor.delete("vm-1")
    assert view.view == []


@pytest.mark.parametrize("method", ["RetrieveProperties", "RetrievePropertiesEx"])
def test_properties_of_many_in_one_call(client: Any, boot: Callable[..., None], method: str) -> None:
    for number in range(3):
        boot(f"vm-{number}")
    content = client.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    traversal = Collector.TraversalSpec(name="all", path="view", skip=False, type=vim.view.ContainerView)
    spec = Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=view, skip=True, selectSet=[traversal])],
        propSet=[
            Collector.PropertySpec(type=vim.VirtualMachine, pathSet=["name", "guest.toolsRunningStatus", "parent"])
        ],
    )
    if method == "RetrieveProperties":
        found = content.propertyCollector.RetrieveProperties([spec])
    else:
        found = content.propertyCollector.RetrievePropertiesEx([spec], Collector.RetrieveOptions()).objects
    values = {one.obj._moId: {pair.name: pair.val for pair in one.propSet} for one in found}
    assert set(values) == {"vm-0", "vm-1", "vm-2"}
    assert values["vm-1"]["name"] == "vm-1 of a vApp"
    assert values["vm-1"]["guest.toolsRunningStatus"] == "guestToolsRunning"
    assert values["vm-1"]["parent"].name == "vm"


def test_walking_down_the_folders(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    (datacenter,) = client.content.rootFolder.childEntity
    assert [vm.name for vm in datacenter.vmFolder.childEntity] == ["vm-1 of a vApp"]
    folders = Collector.TraversalSpec(
        name="down",
        path="childEntity",
        type=vim.Folder,
        selectSet=[Collector.SelectionSpec(name="down"), Collector.SelectionSpec(name="dc")],
    )
    centers = Collector.TraversalSpec(
        name="dc", path="vmFolder", type=vim.Datacenter, selectSet=[Collector.SelectionSpec(name="down")]
    )
    spec = Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=client.content.rootFolder, selectSet=[folders, centers])],
        propSet=[Collector.PropertySpec(type=vim.ManagedEntity, pathSet=["name"])],
    )
    found = client.content.propertyCollector.RetrieveProperties([spec])
    assert {one.propSet[0].val for one in found} == {"Datacenters", "Datacenter", "vm", "vm-1 of a vApp"}


def test_unknown_properties_are_refused(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    spec = Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=vim.VirtualMachine("vm-1", client._stub))],
        propSet=[Collector.PropertySpec(type=vim.VirtualMachine, pathSet=["nonsense"])],
    )
    with pytest.raises(vmodl.query.InvalidProperty) as refused:
        client.content.propertyCollector.RetrieveProperties([spec])
    assert refused.value.name == "nonsense"


def test_the_search_index(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1", ip_addresses=("10.0.0.9",))
    index = client.content.searchIndex
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    assert index.FindByUuid(None, vm.config.uuid, True) == vm
    assert index.FindByUuid(None, vm.config.instanceUuid, True, True) == vm
    assert index.FindByUuid(None, "0", True) is None
    assert index.FindAllByUuid(None, vm.config.uuid, True) == [vm]
    assert index.FindAllByIp(None, "10.0.0.9", True) == [vm]
    assert index.FindAllByDnsName(None, "nobody", True) == []
    assert index.FindByInventoryPath("Datacenter/vm/vm-1 of a vApp") == vm
    assert index.FindByInventoryPath("Datacenter/vm/none") is None
    assert index.FindByIp(None, "10.0.0.9", True) == vm
    assert index.FindByDnsName(None, "photon", True) == vm
    assert index.FindChild(vm.parent, "vm-1 of a vApp") == vm


def test_arrays_are_read_whole_and_by_the_keys_of_their_elements(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1", ip_addresses=("10.0.0.7",))
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    paths = [
        "config.hardware.device",
        "config.hardware.device[4000].macAddress",
        "config.hardware.device[77].macAddress",
        "guest.net",
        'config.extraConfig["guestinfo.none"].value',
        'datastore["datastore-10"]',
    ]
    spec = Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=vm)],
        propSet=[Collector.PropertySpec(type=vim.VirtualMachine, pathSet=paths)],
    )
    (found,) = client.content.propertyCollector.RetrieveContents([spec])
    values = {one.name: one.val for one in found.propSet}
    assert [type(one) for one in values["config.hardware.device"]] == [type(one) for one in vm.config.hardware.device]
    assert [card.macAddress for card in values["guest.net"]] == [values["config.hardware.device[4000].macAddress"]]
    assert set(values) == {*paths[:2], "guest.net", paths[-1]}
    for wrong in ("config.hardware.device[4000", "config..name", "name.", "[1]", "config.name[1]"):
        spec.propSet[0].pathSet = [wrong]
        with pytest.raises(vmodl.query.InvalidProperty):
            client.content.propertyCollector.RetrieveContents([spec])


def test_the_host_is_found_by_its_name_and_its_uuid(client: Any) -> None:
    index = client.content.searchIndex
    host = index.FindByDnsName(None, "esx-1", False)
    assert host.name == "esx-1"
    assert index.FindByUuid(None, host.hardware.systemInfo.uuid, False) == host
    assert index.FindByUuid(None, host.hardware.systemInfo.uuid, True) is None


def test_every_property_of_everything_can_be_asked_for(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    content = client.content
    entities = content.viewManager.CreateContainerView(content.rootFolder, [], True).view
    managers = [getattr(content, one.name) for one in content._GetPropertyList()]
    for found in [*entities, *(one for one in managers if isinstance(one, VmomiSupport.ManagedObject))]:
        for known in found._GetPropertyList():
            try:
                getattr(found, known.name)
            except vmodl.fault.MethodNotFound:  # the client itself knows that this version does not have it
                continue


def test_machines_are_seen_from_their_host_and_their_pool(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    content = client.content
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    datacenter = content.rootFolder.childEntity[0]
    host = content.searchIndex.FindByDnsName(None, "esx-1", False)
    for container in (datacenter.hostFolder, host.parent, host, vm.resourcePool):
        view = content.viewManager.CreateContainerView(container, [vim.VirtualMachine], True)
        assert list(view.view) == [vm]
    everything = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    assert list(everything.view) == [vm]


def test_what_machines_are_made_of_adds_up(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1", memory_mb=2048)
    host = client.content.searchIndex.FindByDnsName(None, "esx-1", False)
    cluster = host.parent
    usage = cluster.GetResourceUsage()
    assert (usage.memUsedMB, usage.memCapacityMB) == (2048, cluster.summary.totalMemory >> 20)
    pool = cluster.resourcePool
    assert pool.summary.runtime.memory.overallUsage == pool.runtime.memory.overallUsage == 2048 << 20
    assert pool.config.cpuAllocation.reservation == cluster.summary.totalCpu
    assert cluster.configurationEx.drsConfig.enabled
    (datastore,) = host.datastore
    mounts = host.configManager.storageSystem.fileSystemVolumeInfo.mountInfo
    assert [one.volume.uuid for one in mounts] == [datastore.info.vmfs.uuid]
    assert [one.key for one in datastore.host] == [host]


def test_a_traversal_that_goes_round_in_circles_ends(client: Any, boot: Callable[..., None]) -> None:
    boot("vm-1")
    either = [Collector.SelectionSpec(name=name) for name in ("up", "down")]
    up = Collector.TraversalSpec(name="up", type=vim.VirtualMachine, path="resourcePool", selectSet=either)
    down = Collector.TraversalSpec(name="down", type=vim.ResourcePool, path="vm", selectSet=either)
    machine: Any = vim.VirtualMachine("vm-1", client._stub)
    wanted = Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=machine, selectSet=[up, down])],
        propSet=[Collector.PropertySpec(type=vim.ManagedEntity, pathSet=["name"])],
    )
    found = client.content.propertyCollector.RetrieveContents([wanted])
    assert sorted(one.propSet[0].val for one in found) == ["Resources", "vm-1 of a vApp"]
