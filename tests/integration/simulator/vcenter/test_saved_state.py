"""What clients have made in a vCenter is in saved states, and a reset forgets it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from vcd_simulator.simulator import Simulator
from vcd_simulator.state import StateError


@pytest.fixture
def vcd() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def client(vcd: Simulator) -> Iterator[Any]:
    one = vcd.vcenters["vc1"]
    connected = SmartConnect(
        host=one.host, port=one.port, user=one.user, pwd=one.password, disableSslCertValidation=True
    )
    yield connected
    Disconnect(connected)


def events(client: Any) -> list[str | None]:
    told = client.content.eventManager.QueryEvents(vim.event.EventFilterSpec())
    return [event.fullFormattedMessage for event in told if isinstance(event, vim.event.GeneralUserEvent)]


def test_folders_attributes_settings_and_events_come_back(vcd: Simulator, client: Any) -> None:
    content = client.RetrieveContent()
    folder = content.rootFolder.childEntity[0].vmFolder.CreateFolder("clusters")
    vcd.hypervisor.create("vm-7", "photon", "vc1")
    vm: Any = vim.VirtualMachine("vm-7", client._stub)
    WaitForTask(folder.MoveIntoFolder_Task([vm]))
    field = content.customFieldsManager.AddCustomFieldDef("owner", vim.VirtualMachine)
    content.customFieldsManager.SetField(vm, field.key, "it's <b>ob</b>")
    content.setting.UpdateOptions([vim.option.OptionValue(key="config.mine", value="kept")])
    content.eventManager.LogUserEvent(vm, "a note")
    saved = vcd.saved()

    vcd.reset()
    assert [one.name for one in content.rootFolder.childEntity[0].vmFolder.childEntity] == []
    assert list(content.customFieldsManager.field) == []
    assert events(client) == []
    with pytest.raises(vim.fault.InvalidName):
        content.setting.QueryOptions("config.mine")

    vcd.restore(saved)
    (again,) = content.rootFolder.childEntity[0].vmFolder.childEntity
    assert (again, again.name, [one._moId for one in again.childEntity]) == (folder, "clusters", ["vm-7"])
    assert [(one.key, one.value) for one in vm.customValue] == [(field.key, "it's <b>ob</b>")]
    assert content.setting.QueryOptions("config.mine")[0].value == "kept"
    assert events(client) == ["User logged event: a note"]
    assert content.searchIndex.FindByInventoryPath("Datacenter/vm/clusters/vm-7") == vm


def test_a_vcenter_that_contradicts_itself_is_refused_as_a_whole(vcd: Simulator, client: Any) -> None:
    whole = json.loads(vcd.saved())
    whole["vcenters"]["vc1"]["places"]["vm-7"] = "group-v999"
    with pytest.raises(StateError, match="contradicts itself: a machine is in a folder"):
        vcd.restore(json.dumps(whole).encode())
    assert client.content.rootFolder.childEntity[0].vmFolder.childEntity == []


def test_states_of_earlier_releases_say_nothing_of_vcenters(vcd: Simulator, client: Any) -> None:
    whole = json.loads(vcd.saved())
    del whole["vcenters"]
    client.content.rootFolder.childEntity[0].vmFolder.CreateFolder("gone")
    vcd.restore(json.dumps(whole).encode())
    assert client.content.rootFolder.childEntity[0].vmFolder.childEntity == []
