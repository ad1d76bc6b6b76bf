"""What is refused or fails leaves nothing behind, and what is needed stays until it is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cse_testing.vcd_cloud import LabCloud
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, TaskFails
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Status, Vapp
from vcd_simulator.model.tenancy import AccessControl, AccessSetting
from vcd_simulator.operations import (
    captures,
    catalogs,
    changes,
    composition,
    datacenter,
    power,
    removal,
    tenancy,
    vapps,
)
from vcd_simulator.operations.composition import Recomposition
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.datacenter import NetworkSpec
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec


def refused(action: Callable[[], object]) -> VcdError:
    with pytest.raises(VcdError) as caught:
        action()
    return caught.value


def bridged(lab: LabCloud, name: str = "acme-net") -> NetworkConfigSpec:
    return NetworkConfigSpec(name=name, fence_mode="bridged", parent_id=lab.network().id)


def isolated(name: str) -> NetworkConfigSpec:
    pool = IpPool(gateway="10.9.0.1", netmask="255.255.255.0", ranges=[("10.9.0.10", "10.9.0.11")])
    return NetworkConfigSpec(name=name, fence_mode="isolated", pool=pool)


def shape(lab: LabCloud, vapp: Vapp) -> object:
    """What of a vApp an operation could change."""
    vms = lab.cloud.vms_of(vapp)
    return (
        {name: replace(network) for name, network in vapp.networks.items()},
        [(vm.id, vm.name, vm.status, vm.deployed, [replace(nic) for nic in vm.nics]) for vm in vms],
        vapp.deployed,
        vapp.name,
        dict(lab.network().pool.used),
    )


def test_a_vapp_that_is_refused_as_busy_is_not_there_afterwards(lab: LabCloud) -> None:
    lab.cloud.faults.add(task="vdcComposeVapp", error=BusyEntity())
    assert refused(lambda: lab.begin_vapp("c1", lab.machine("a"))).minor == "BUSY_ENTITY"
    assert lab.cloud.vapps.first("name", "c1") is None
    assert lab.vapp("c1", lab.machine("a")).transient is None


def test_a_vapp_that_could_not_be_started_is_no_deployed_one(lab: LabCloud) -> None:
    lab.vdc().memory.limit = 1
    vapp, task = lab.begin_vapp("c1", lab.machine("a"), power_on=True)
    lab.pass_time()
    assert (task.status, vapp.transient, vapp.deployed) == ("error", Status.FAILED_CREATION, False)
    assert not vapp.vm_ids
    assert not lab.network().pool.used
    vapps.delete_vapp(lab.cloud, lab.user("alice"), vapp, force=False)


def test_a_recomposition_that_is_refused_changes_no_network(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    before = shape(lab, vapp)
    twice = lab.machine("a", nics=[])
    change = Recomposition(add=[twice], networks=[isolated("inner")])
    assert refused(lambda: composition.recompose(lab.cloud, lab.user("alice"), vapp, change)).minor == "DUPLICATE_NAME"
    assert shape(lab, vapp) == before


@pytest.mark.parametrize("why", ["no address is left", "the VM cannot start", "a fault"])
def test_a_recomposition_that_fails_leaves_everything_as_it_was(lab: LabCloud, why: str) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    before = shape(lab, vapp)
    nic = NicSpec(index=0, network="inner", mode="POOL", connected=True)
    new = [lab.machine(name, nics=[nic]) for name in ("b", "c", "d")[: 3 if why.startswith("no") else 2]]
    if why == "a fault":
        lab.cloud.faults.add(task="vdcRecomposeVapp", error=TaskFails())
    if why == "the VM cannot start":
        lab.vdc().memory.limit = 1
    change = Recomposition(add=new, networks=[isolated("inner")], power_on=True, name="other")
    task = composition.recompose(lab.cloud, lab.user("alice"), vapp, change)
    lab.pass_time()
    assert task.status == "error"
    assert shape(lab, vapp) == before


def test_a_recomposition_connects_new_vms_to_networks_that_come_with_them(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    nic = NicSpec(index=0, network="acme-net", mode="POOL", connected=True)
    inner = replace(bridged(lab, "renamed"), network_id=vapp.networks["acme-net"].id)
    change = Recomposition(add=[lab.machine("b", nics=[nic])], networks=[inner, isolated("acme-net")])
    composition.recompose(lab.cloud, lab.user("alice"), vapp, change)
    lab.pass_time()
    old, new = lab.cloud.vms_of(vapp)
    assert [(vm.nics[0].network, vm.nics[0].ip_address) for vm in (old, new)] == [
        ("renamed", old.nics[0].ip_address),
        ("acme-net", "10.9.0.10"),
    ]


def test_of_two_renamed_alike_one_keeps_its_name(lab: LabCloud) -> None:
    alice = lab.user("alice")
    first, second = lab.vapp("c1", lab.machine("a"), lab.machine("b")), lab.vapp("c2")
    tasks = [vapps.update_vapp(lab.cloud, alice, one, "same", None) for one in (first, second)]
    lab.pass_time()
    assert sorted(task.status for task in tasks) == ["error", "success"]
    assert sorted([first.name, second.name]) == ["c2", "same"]
    vms = lab.cloud.vms_of(first)
    tasks = [changes.rename(lab.cloud, alice, first, vm, "twin", None) for vm in vms]
    lab.pass_time()
    assert [task.error.minor for task in tasks if task.error] == ["DUPLICATE_NAME"]
    assert sorted(vm.name for vm in vms) == ["b", "twin"]


def test_a_template_stays_while_something_is_made_from_it(lab: LabCloud) -> None:
    cloud, alice = lab.cloud, lab.user("alice")
    catalog = catalogs.add_catalog(cloud, lab.org("acme"), alice, "tools")
    spec = catalogs.TemplateSpec(name="tool", image=lab.template_vm().image)
    item = catalogs.add_ready_template(cloud, catalog, lab.vdc(), alice, spec)
    template = cloud.templates[item.template_id]
    machine = lab.machine("a", source=cloud.vms_of(template)[0], nics=[])
    _, task = lab.begin_vapp("c1", machine)
    lab.begin_vapp("c2", machine)  # others may use it, too
    target = lab.vapp("c3", lab.machine("a"))
    lab.begin_vapp("c4", machine)
    overwriting = captures.CaptureSpec(name="tool", target=item)
    for action in (
        lambda: catalogs.delete_item(cloud, item),
        lambda: catalogs.delete_template(cloud, alice, template),
        lambda: catalogs.delete_catalog(cloud, catalog, recursive=True),
        lambda: captures.capture(cloud, alice, catalog, target, overwriting),
    ):
        assert refused(action).minor == "BUSY_ENTITY"
    lab.pass_time()
    assert task.status == "success"
    catalogs.delete_catalog(cloud, catalog, recursive=True)
    assert template.id not in cloud.templates


def test_of_a_catalog_nothing_is_deleted_if_not_everything_can_be(lab: LabCloud) -> None:
    cloud, alice = lab.cloud, lab.user("alice")
    catalog = catalogs.add_catalog(cloud, lab.org("acme"), alice, "tools")
    items = [
        catalogs.add_ready_template(
            cloud, catalog, lab.vdc(), alice, catalogs.TemplateSpec(name=name, image=lab.template_vm().image)
        )
        for name in ("one", "two")
    ]
    catalogs.delete_template(cloud, alice, cloud.templates[items[1].template_id])
    assert refused(lambda: catalogs.delete_catalog(cloud, catalog, recursive=True)).minor == "BUSY_ENTITY"
    assert cloud.items.count("catalog", catalog.id) == 2


def test_nothing_is_connected_to_a_network_that_comes_or_goes(lab: LabCloud) -> None:
    cloud, alice = lab.cloud, lab.user("alice")
    datacenter.delete_network(cloud, alice, lab.network())
    assert refused(lambda: lab.begin_vapp("c1", lab.machine("a"))).minor == "BUSY_ENTITY"
    assert cloud.vapps.first("name", "c1") is None


def test_nothing_is_made_in_a_vdc_that_comes_or_goes(lab: LabCloud) -> None:
    cloud, alice, vdc = lab.cloud, lab.user("alice"), lab.vdc()
    spec = NetworkSpec(name="inner", gateway="10.8.0.1", netmask="255.255.255.0")
    datacenter.update_vdc(cloud, alice, vdc, datacenter.VdcChanges(description="x"))
    assert refused(lambda: datacenter.create_network(cloud, alice, vdc, spec)).minor == "BUSY_ENTITY"
    assert refused(lambda: lab.begin_vapp("c1")).minor == "BUSY_ENTITY"
    assert refused(lambda: datacenter.set_enabled(cloud, vdc, enabled=False)).minor == "BUSY_ENTITY"
    assert not cloud.vapps.find("vdc", vdc.id)
    assert [one.name for one in cloud.networks.find("vdc", vdc.id)] == ["acme-net"]


def test_in_a_disabled_vdc_nothing_starts_and_what_runs_can_be_stopped(lab: LabCloud) -> None:
    cloud, alice, vdc = lab.cloud, lab.user("alice"), lab.vdc()
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    on, off = cloud.vms_of(vapp)
    power.power_on(cloud, alice, vapp, on)
    lab.pass_time()
    datacenter.set_enabled(cloud, vdc, enabled=False)
    for action in (
        lambda: power.power_on(cloud, alice, vapp, off),
        lambda: power.power_on(cloud, alice, vapp, None, deploy=True, power=False),
        lambda: composition.recompose(cloud, alice, vapp, Recomposition(add=[lab.machine("c")])),
        lambda: lab.begin_vapp("c2"),
    ):
        assert "is disabled" in refused(action).message
    composition.recompose(cloud, alice, vapp, Recomposition(description="still to be changed"))
    lab.pass_time()
    task = power.undeploy(cloud, alice, vapp, None, "powerOff")
    lab.pass_time()
    assert task.status == "success"
    assert not on.is_on


def test_whoever_is_busy_is_so_whatever_its_state_is(lab: LabCloud) -> None:
    cloud, alice = lab.cloud, lab.user("alice")
    vapp = lab.vapp("c1", lab.machine("a"))
    (vm,) = cloud.vms_of(vapp)
    power.power_on(cloud, alice, vapp, None)
    for target in (vm, None):
        for action in (
            lambda target=target: power.undeploy(cloud, alice, vapp, target, "powerOff"),
            lambda target=target: power.act(cloud, alice, vapp, target, "powerOff"),
            lambda target=target: power.discard_suspended_state(cloud, alice, vapp, target),
            lambda target=target: power.power_on(cloud, alice, vapp, target),
        ):
            assert refused(action).minor == "BUSY_ENTITY"


def test_a_vdc_goes_with_everything_in_it_if_asked(lab: LabCloud) -> None:
    cloud, administrator, vdc = lab.cloud, lab.user("administrator", "System"), lab.vdc()
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    assert "is enabled" in refused(lambda: removal.delete_vdc(cloud, administrator, vdc, recursive=True)).message
    datacenter.set_enabled(cloud, vdc, enabled=False)
    assert "not empty" in refused(lambda: removal.delete_vdc(cloud, administrator, vdc)).message
    assert "is deployed" in refused(lambda: removal.delete_vdc(cloud, administrator, vdc, recursive=True)).message
    removal.delete_vdc(cloud, administrator, vdc, recursive=True, force=True)
    assert refused(lambda: power.act(cloud, administrator, vapp, None, "powerOff")).minor == "BUSY_ENTITY"
    lab.pass_time()
    assert vdc.id not in cloud.vdcs
    assert not [
        one for one in (*cloud.vapps, *cloud.networks, *cloud.profiles) if one.id == vapp.id or vdc.id in str(one)
    ]
    assert not [vm for vm in cloud.vms if vm.vapp_id == vapp.id]


def test_an_organisation_goes_with_everything_in_it_if_asked(lab: LabCloud) -> None:
    cloud, administrator, acme = lab.cloud, lab.user("administrator", "System"), lab.org("acme")
    vapp = lab.vapp("c1", lab.machine("a"))
    catalog = catalogs.add_catalog(cloud, acme, lab.user("alice"), "tools")
    spec = catalogs.TemplateSpec(name="tool", image=lab.template_vm().image)
    catalogs.add_ready_template(cloud, catalog, lab.vdc(), lab.user("alice"), spec)
    assert "cannot be disabled" in refused(lambda: tenancy.set_enabled(cloud.system_org, enabled=False)).message
    tenancy.set_enabled(acme, enabled=False)
    for recursive in (False, True):
        task = removal.delete_org(cloud, administrator, acme, recursive=recursive)
        lab.pass_time()
        assert task.status == "error", "it has VDCs, one of them enabled"
    assert vapp.id in cloud.vapps
    datacenter.set_enabled(cloud, lab.vdc(), enabled=False)
    task = removal.delete_org(cloud, administrator, acme, recursive=True)
    lab.pass_time()
    assert task.status == "success", task.error
    assert not any("acme" in str(one) for table in cloud.tables().values() for one in table)


def test_whoever_goes_is_shared_with_no_more(lab: LabCloud) -> None:
    cloud, bob = lab.cloud, lab.user("bob")
    vapp = lab.vapp("c1")
    setting = AccessSetting(subject_kind=bob.kind, subject_id=bob.id, level="Change")
    vapp.access = AccessControl(settings=[setting])
    tenancy.delete_user(cloud, bob)
    assert vapp.access.settings == []


def test_a_user_is_changed_as_a_whole_or_not_at_all(lab: LabCloud) -> None:
    cloud, bob = lab.cloud, lab.user("bob")
    before = replace(bob)
    for wrong in (
        tenancy.UserChanges(full_name="x", name="alice"),
        tenancy.UserChanges(full_name="x", name="ALICE"),
        tenancy.UserChanges(full_name="x", stored_vm_quota=-1),
        tenancy.UserChanges(full_name="x", role=cloud.roles[lab.user("carol", "globex").role_id]),
    ):
        with pytest.raises(VcdError):
            tenancy.update_user(cloud, bob, wrong)
        assert bob == before
    tenancy.update_user(cloud, bob, tenancy.UserChanges(name="Bob"))
    assert lab.user("bob") is bob
