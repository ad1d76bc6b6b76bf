from pathlib import Path

import pytest
import yaml

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.hypervisor import NoGuests
from vcd_simulator.inventory import Inventory, InventoryError, lab_text
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.population import populate


def test_the_labs_inventory_holds_a_provider_and_two_tenants(lab: LabCloud) -> None:
    assert [org.name for org in lab.cloud.orgs] == ["System", "cse-provider", "acme", "globex"]
    assert {item.name for item in lab.cloud.items} == {
        "photon-custom-hw11-2.0-304b817-k8s",
        "ubuntu-16.04-server-cloudimg-amd64-k8s",
    }
    assert lab.access("alice").role.name == "Organization Administrator"
    assert lab.access("bob").role.name == "vApp Author"
    assert lab.network().fence_mode == "bridged"


def test_the_same_seed_makes_the_same_ids() -> None:
    assert [org.id for org in LabCloud().cloud.orgs] == [org.id for org in LabCloud().cloud.orgs]


def test_an_inventory_can_be_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(lab_text().replace("acme", "initech"), encoding="utf-8")
    assert "initech" in [org.name for org in Inventory.load(file).orgs]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("provider_vdc: pvdc1", "provider_vdc: other", "unknown provider VDC 'other'"),
        ("external_network: ext-net", "external_network: other", "unknown external network 'other'"),
        ("role: vApp Author", "role: King", "unknown role 'King'"),
        ("owner: cse-admin", "owner: nobody", "owner"),
        ("vcenter: vc1", "vcenter: vc9", "unknown vCenter 'vc9'"),
        ("name: globex\n", "name: acme\n", "already exists"),
        ("gateway: 10.150.0.1", "gateway: 10.151.0.1", "does not fit"),
    ],
)
def test_contradictions_are_named(old: str, new: str, message: str) -> None:
    assert old in lab_text()
    inventory = Inventory.parse(lab_text().replace(old, new), "mine")
    with pytest.raises(InventoryError, match=message):
        populate(Cloud(NoGuests()), inventory)


@pytest.mark.parametrize("text", ["", "a: [", "orgs: []", "- x", "system: {users: []}"])
def test_files_that_are_no_inventories_are_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError, match=r"wrong\.yaml"):
        Inventory.load(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="nowhere"):
        Inventory.load(tmp_path / "nowhere")


def test_unknown_keys_are_refused_and_passwords_are_not_shown() -> None:
    data = yaml.safe_load(lab_text())
    data["colour"] = "red"
    with pytest.raises(InventoryError, match="colour"):
        Inventory.parse(yaml.safe_dump(data), "mine")
    assert "vcd-secret" not in repr(Inventory.lab())


def with_vapps(**changes: object) -> Inventory:
    """The lab with many vApps for alice."""
    document = yaml.safe_load(lab_text())
    provider, acme = document["orgs"][0], document["orgs"][1]
    provider["catalogs"][0]["published"] = True
    item = provider["catalogs"][0]["items"][0]["name"]
    load = {"count": 3, "vms": 2, "vdc": "acme-vdc", "owner": "alice", "catalog": "cse", "item": item}
    acme["vapps"] = [load | {"network": "acme-net"} | changes]
    return Inventory.model_validate(document)


def test_an_inventory_can_hold_many_vapps() -> None:
    lab = LabCloud(with_vapps())
    assert [vapp.name for vapp in lab.cloud.vapps] == ["load-1", "load-2", "load-3"]
    vms = [vm for vapp in lab.cloud.vapps for vm in lab.cloud.vms_of(vapp)]
    assert [vm.name for vm in vms] == [f"load-{number}-{index}" for number in (1, 2, 3) for index in (1, 2)]
    assert len({vm.nics[0].ip_address for vm in vms} - {None}) == 6
    alice = RestCaller(lab).login("alice", "acme")
    answer = alice.post(f"/api/vApp/vapp-{next(iter(lab.cloud.vapps)).id}/power/action/powerOn")
    assert answer.status == 202
    lab.pass_time()
    assert vms[0].is_on


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"owner": "nobody"}, "not there"),
        ({"vdc": "globex-vdc"}, "not there"),
        ({"item": "other"}, "not there"),
        ({"network": "globex-net"}, "not there"),
        ({"name": "same"}, "already exists"),
    ],
)
def test_vapps_that_cannot_be_are_explained(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InventoryError, match=message):
        populate(Cloud(NoGuests()), with_vapps(**changes))
