"""A saved state holds everything, and a damaged one changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from cse_testing.vcd_stage import Stage
from vcd_simulator import state
from vcd_simulator.defined_entities import bundles
from vcd_simulator.model.compute import Status
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.model.task import TaskStatus
from vcd_simulator.operations import datacenter
from vcd_simulator.operations.datacenter import NetworkSpec, ProfileSpec, VdcSpec
from vcd_simulator.sessions import Sessions
from vcd_simulator.state.record import Tables


def saved(lab: LabCloud, sessions: Sessions | None = None, **options: bool) -> bytes:
    return state.render(state.take(lab.cloud, sessions or Sessions(lab.cloud), None, **options))


def restored(content: bytes) -> LabCloud:
    other = LabCloud()
    other.clock.advance(12345)
    state.restore(other.cloud, Sessions(other.cloud), state.parse(content))
    return other


def document(content: bytes) -> dict[str, Any]:
    """A saved state without the moment at which it was saved."""
    whole: dict[str, Any] = json.loads(content)
    del whole["saved"]
    return whole


def test_what_is_restored_is_what_was_saved(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"), power_on=True)
    lab.cloud.metadata.put(vapp.id, [MetadataEntry(key="owner", value="it's <b>ob</b> ✓")])
    content = saved(lab)
    other = restored(content)
    assert document(saved(other)) == document(content)
    again = other.cloud.vapps[vapp.id]
    assert [vm.name for vm in other.cloud.vms_of(again)] == ["a", "b"]
    assert again.kind is vapp.kind


def test_ids_and_addresses_go_on_where_they_were(lab: LabCloud) -> None:
    lab.vapp("c1", lab.machine("a"))
    other = restored(saved(lab))
    mine, others = (one.vapp("c2", one.machine("b")) for one in (lab, other))
    assert mine.id == others.id
    addresses = [one.cloud.vms_of(vapp)[0].nics[0].ip_address for one, vapp in ((lab, mine), (other, others))]
    assert addresses[0] == addresses[1] is not None


def test_a_direct_network_still_shares_the_addresses_of_its_external_network(lab: LabCloud) -> None:
    shared = [one.name for one in lab.cloud.networks if one.pool in [net.pool for net in lab.cloud.external_networks]]
    other = restored(saved(lab))
    pools = [network.pool for network in other.cloud.external_networks]
    assert [one.name for one in other.cloud.networks if one.pool in pools] == shared != []


def test_tasks_under_way_are_aborted_and_what_they_made_has_failed(lab: LabCloud) -> None:
    vapp, task = lab.begin_vapp("c1", lab.machine("a"))
    other = restored(saved(lab))
    cloud = other.cloud
    assert cloud.tasks.tasks[task.id].status is TaskStatus.ABORTED
    assert cloud.vapps[vapp.id].transient is Status.FAILED_CREATION
    assert not cloud.vms_of(cloud.vapps[vapp.id])
    other.pass_time(1000)
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    alice = RestCaller(other).login("alice", "acme")
    assert alice.delete(f"/api/vApp/vapp-{vapp.id}").status == 202


def test_networks_and_vdcs_that_were_being_made_are_not_there(lab: LabCloud) -> None:
    cloud, administrator = lab.cloud, lab.user("administrator", "System")
    pvdc = next(iter(cloud.provider_vdcs))
    profile = cloud.provider_profiles.find("pvdc", pvdc.id)[0]
    spec = VdcSpec(name="new", provider_vdc=pvdc, profiles=[ProfileSpec(provider_profile=profile)])
    vdc, _ = datacenter.create_vdc(cloud, administrator, lab.org("acme"), spec)
    inner = NetworkSpec(name="inner", gateway="10.8.0.1", netmask="255.255.255.0")
    network, _ = datacenter.create_network(cloud, administrator, lab.vdc(), inner)
    other = restored(saved(lab))
    assert vdc.id not in other.cloud.vdcs
    assert network.id not in other.cloud.networks
    assert not other.cloud.profiles.find("vdc", vdc.id)
    datacenter.create_vdc(other.cloud, administrator, other.org("acme"), spec)
    datacenter.create_network(other.cloud, administrator, other.vdc(), inner)


def test_sessions_are_kept_only_if_wanted(lab: LabCloud, alice: RestCaller) -> None:
    assert alice.token is not None
    assert alice.token.encode() not in saved(lab, alice.sessions)
    content = saved(lab, alice.sessions, include_sessions=True)
    alice.sessions.expire_all()
    assert alice.get("/api/session").status == 401
    state.restore(lab.cloud, alice.sessions, state.parse(content))
    assert alice.get("/api/session").status == 200


def test_every_table_of_the_cloud_is_saved(lab: LabCloud) -> None:
    forgotten_on_purpose = {"transfers", "downloads"}  # whose clients have to begin again
    assert set(lab.cloud.tables()) - forgotten_on_purpose == set(Tables.__dataclass_fields__)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: whole.update(version=7), "version 7, and only version 1"),
        (lambda whole: whole.update(format="x"), "not a saved state"),
        (lambda whole: whole["tables"]["vdcs"][0].pop("name"), r"damaged: tables\.vdcs\.0\.name"),
        (
            lambda whole: whole["tables"]["vapps"][0].update(vdc_id="x"),
            "contradicts itself: vdc_id of .* leads nowhere",
        ),
        (lambda whole: whole["tables"]["vms"].pop(), "a VM that is not there"),
        (lambda whole: whole["tables"]["orgs"].append(whole["tables"]["orgs"][0]), "is taken"),
        (lambda whole: whole["tables"]["networks"][0]["pool"].update(netmask="x"), "damaged"),
        (lambda whole: whole["sequences"]["random"].__setitem__(1, [1]), "contradicts itself"),
    ],
)
def test_damage_is_explained(lab: LabCloud, change: Any, message: str) -> None:
    lab.vapp("c1", lab.machine("a"))
    whole = json.loads(saved(lab))
    change(whole)
    with pytest.raises(state.StateError, match=message):
        restored(json.dumps(whole).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "vcd-simulator-state"}'])
def test_what_is_no_state_is_refused(content: bytes) -> None:
    with pytest.raises(state.StateError):
        state.parse(content)


@pytest.mark.parametrize("name", ["state.json", "state.json.gz"])
def test_a_file_is_private_and_whole(lab: LabCloud, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for _ in range(2):
        state.save(path, saved(lab))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert document(state.render(state.load(path))) == document(saved(lab))
    path.write_bytes(b"x")
    with pytest.raises(state.StateError):
        state.load(path)
    with pytest.raises(state.StateError, match="cannot read"):
        state.load(tmp_path / "missing")
    with pytest.raises(state.StateError, match="cannot save"):
        state.save(tmp_path / "nowhere" / "x", b"")


@pytest.mark.parametrize("keep", [0, 5, 200], ids=["nothing", "part-of-the-head", "part-of-the-content"])
def test_a_compressed_file_that_is_damaged_is_refused(lab: LabCloud, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "state.json.gz"
    state.save(path, saved(lab))
    whole = path.read_bytes()
    for damaged in (whole[:keep], whole[:keep] + b"\xff" * (len(whole) - keep)):
        path.write_bytes(damaged)
        with pytest.raises(state.StateError):
            state.load(path)


def test_states_of_earlier_releases_are_read(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    (vm,) = lab.cloud.vms_of(vapp)
    whole = json.loads(saved(lab, alice.sessions))
    for network in whole["tables"]["vapps"][0]["networks"].values():
        del network["id"]
    for network in whole["tables"]["networks"]:
        pool = network["pool"]
        pool["used"] = {address: f"{holder}/0" for address, holder in pool["used"].items()}
        del pool["strict"]
    other = LabCloud()
    state.restore(other.cloud, RestCaller(other).sessions, state.parse(json.dumps(whole).encode()))
    assert next(iter(other.cloud.vapps)).networks["acme-net"].id
    assert set(other.network().pool.used.values()) == {vm.id}


def test_defined_entities_are_kept_with_who_may_use_them() -> None:
    stage = Stage()
    content = saved(stage.lab)
    other = restored(content)
    before, after = document(content)["tables"], document(saved(other))["tables"]
    for name in ("interfaces", "entity_types", "defined_entities", "access_grants", "rights_bundles", "ui_plugins"):
        assert after[name] == before[name] != [], name
    thing = next(iter(other.cloud.defined_entities))
    alice = RestCaller(other).login("alice", "acme")
    address = f"/cloudapi/1.0.0/entities/{thing.urn}"
    assert alice.call("GET", address).status == 403
    bundle = next(iter(other.cloud.rights_bundles))
    bundles.publish(other.cloud, bundle, [other.org("acme").id])
    role = other.cloud.roles[other.user("alice").role_id]
    role.rights |= dict.fromkeys(bundle.right_ids)
    assert [alice.call("POST", f"{address}/resolve").status, alice.call("DELETE", address).status] == [200, 204]
    other.cloud.clear()
    assert not other.cloud.defined_entities


def test_a_state_without_interfaces_gets_those_of_every_cloud(lab: LabCloud) -> None:
    older = json.loads(saved(lab))
    for name in ("interfaces", "entity_types", "defined_entities", "access_grants", "rights_bundles", "ui_plugins"):
        del older["tables"][name]
    assert [one.name for one in restored(json.dumps(older).encode()).cloud.interfaces] == ["Kubernetes"]
