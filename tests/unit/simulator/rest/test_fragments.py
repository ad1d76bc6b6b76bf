"""Parts of documents that are kept: nobody can tell them from parts that are made anew."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.model.compute import Disk, Nic, Status, Vapp, Vm
from vcd_simulator.rest import xml
from vcd_simulator.rest.fragments import Fragments, state_of


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("c1", lab.machine("one"), lab.machine("two"))


def path_of(vapp: Vapp) -> str:
    return f"/api/vApp/vapp-{vapp.id}"


def without_memory(caller: RestCaller) -> RestCaller:
    """The same user, at a cell that has rendered nothing yet."""
    other = RestCaller(caller.lab, caller.version)
    other.sessions, other.token = caller.sessions, caller.token
    other.app.sessions = caller.sessions
    return other


def first_vm(lab: LabCloud, vapp: Vapp) -> Vm:
    return lab.cloud.vms_of(vapp)[0]


CHANGES: dict[str, Callable[[LabCloud, Vapp], object]] = {
    "nothing": lambda *_: None,
    "name": lambda lab, vapp: setattr(first_vm(lab, vapp), "name", "renamed"),
    "text that looks like a place": lambda lab, vapp: setattr(first_vm(lab, vapp), "description", "<?embedded 1?>?>"),
    "state": lambda lab, vapp: setattr(first_vm(lab, vapp), "status", Status.SUSPENDED),
    "processors": lambda lab, vapp: setattr(first_vm(lab, vapp).hardware, "cpu_count", 7),
    "a disk": lambda lab, vapp: first_vm(lab, vapp).hardware.disks.append(
        Disk(instance_id=99, name="more", capacity_mb=1)
    ),
    "a connection": lambda lab, vapp: first_vm(lab, vapp).nics.append(Nic(index=5)),
    "an address": lambda lab, vapp: setattr(first_vm(lab, vapp).nics[0], "ip_address", "10.9.8.7"),
    "the password": lambda lab, vapp: setattr(first_vm(lab, vapp).customization, "admin_password", "other"),
    "the storage profile's name": lambda lab, vapp: setattr(
        lab.cloud.profiles[first_vm(lab, vapp).storage_profile_id or ""], "name", "platinum"
    ),
    "the vCenter's name": lambda lab, vapp: setattr(
        lab.cloud.vim_servers[first_vm(lab, vapp).vim_server_id], "name", "vc9"
    ),
    "a VM less": lambda lab, vapp: vapp.vm_ids.pop(first_vm(lab, vapp).id),
    "the owner": lambda lab, vapp: setattr(vapp, "owner_id", lab.user("bob").id),
    "the role's rights": lambda lab, _: lab.access("alice").role.rights.clear(),
}


@pytest.mark.parametrize("user", ["alice", "bob", "administrator"])
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_vapp_looks_the_same_with_and_without_memory(lab: LabCloud, vapp: Vapp, user: str, change: str) -> None:
    caller = RestCaller(lab).login(user, "System" if user == "administrator" else "acme")
    caller.get(path_of(vapp))
    CHANGES[change](lab, vapp)
    again, fresh = caller.get(path_of(vapp)), without_memory(caller).get(path_of(vapp))
    assert again.status == fresh.status
    if fresh.status == 200:
        assert etree.tostring(again.xml, method="c14n") == etree.tostring(fresh.xml, method="c14n")
        assert len(again.xml.findall("{*}Children/{*}Vm")) == len(vapp.vm_ids)


def test_two_who_look_see_what_is_for_them(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    alice.app.sessions = alice.sessions
    administrator = without_memory(alice).login("administrator", "System")
    administrator.app = alice.app
    inside = "{*}Children/{*}Vm/{*}VCloudExtension"
    for _ in range(2):
        assert len(administrator.get(path_of(vapp)).xml.findall(inside)) == 2
        assert alice.get(path_of(vapp)).xml.findall(inside) == []


def test_a_running_task_shows_and_goes(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    alice.get(path_of(vapp))
    vm = first_vm(lab, vapp)
    assert alice.post(f"/api/vApp/vm-{vm.id}/power/action/powerOn").status == 202
    running = "{*}Children/{*}Vm/{*}Tasks"
    assert len(alice.get(path_of(vapp)).xml.findall(running)) == 1
    lab.pass_time()
    assert alice.get(path_of(vapp)).xml.findall(running) == []


def test_the_state_of_an_entity_has_every_field(lab: LabCloud, vapp: Vapp) -> None:
    vm = first_vm(lab, vapp)
    before = state_of(vm)
    assert before == state_of(replace(vm))
    for field in fields(Vm):
        changed: Any = object()
        assert state_of(replace(vm, **{field.name: changed})) != before


def test_what_was_not_asked_for_lately_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vcd_simulator.rest.fragments._KEPT", 2)
    made: list[str] = []

    def make(name: str) -> xml.Element:
        made.append(name)
        return xml.document(name)

    fragments = Fragments()
    for name in ("A", "B", "A", "C", "A", "B"):
        assert fragments.get(name, 1, lambda name=name: make(name)) == f"<{name}/>".encode()  # type: ignore[misc]
    assert made == ["A", "B", "C", "B"]


def test_a_vdc_lists_what_is_in_it_however_it_is_called(lab: LabCloud, alice: RestCaller, bob: RestCaller) -> None:
    names = ['"quoted" & <odd>', "plain", "it's"]
    vapps = [lab.vapp(name) for name in names]
    path = f"/api/vdc/{lab.vdc().id}"
    for _ in range(2):
        listed = [(one.get("name"), one.get("href")) for one in alice.get(path).xml.findall(".//{*}ResourceEntity")]
        assert listed == [(one.name, f"https://vcd.test{path_of(one)}") for one in vapps]
        assert bob.get(path).xml.findall(".//{*}ResourceEntity") == []
    assert alice.delete(path_of(vapps[0])).status == 202
    lab.pass_time()
    assert [one.get("name") for one in alice.get(path).xml.findall(".//{*}ResourceEntity")] == names[1:]
    asked = {"accept": "application/*+json;version=31.0"}
    shown = alice.call("GET", path, headers=asked).body.decode()
    assert '"plain"' in shown
    assert "embedded" not in shown
