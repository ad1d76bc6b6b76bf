from collections.abc import Callable
from typing import Any

import pytest

from cse_testing.vcd_cloud import LabCloud
from vcd_simulator.errors import VcdError
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Status
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.model.task import Task
from vcd_simulator.operations import composition, power, vapps
from vcd_simulator.operations.composition import Recomposition
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.customization import CustomizationSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.status import status_of
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec, plan_networks


def test_a_vapp_exists_at_once_and_is_resolved_when_its_task_ends(lab: LabCloud) -> None:
    vapp, task = lab.begin_vapp("c1")
    assert status_of(lab.cloud, vapp) is Status.UNRESOLVED
    assert task.operation.startswith("Composing Virtual Application c1(")
    lab.pass_time()
    assert task.status == "success"
    assert status_of(lab.cloud, vapp) is Status.RESOLVED


def test_new_vms_get_addresses_passwords_and_power_when_the_task_ends(lab: LabCloud) -> None:
    vapp, task = lab.begin_vapp("c1", lab.machine("a"), lab.machine("b"), power_on=True)
    assert [vm.status for vm in lab.cloud.vms_of(vapp)] == [Status.UNRESOLVED] * 2
    lab.pass_time()
    first, second = lab.cloud.vms_of(vapp)
    assert (first.nics[0].ip_address, second.nics[0].ip_address) == ("10.10.0.10", "10.10.0.11")
    assert first.moid != second.moid
    assert first.is_on
    assert first.deployed
    assert vapp.deployed
    assert lab.hypervisor.power_state(first.moid) is PowerState.ON
    assert not first.customization.pending
    assert task.end_time == lab.clock.now()


def test_names_of_vapps_are_unique_in_a_vdc_and_names_of_vms_in_a_vapp(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    with pytest.raises(VcdError, match="already exists") as caught:
        lab.begin_vapp("c1")
    assert caught.value.minor == "DUPLICATE_NAME"
    with pytest.raises(VcdError, match="already exists"):
        composition.recompose(lab.cloud, lab.user("alice"), vapp, Recomposition(add=[lab.machine("a")]))
    with pytest.raises(VcdError, match="already exists"):
        composition.recompose(
            lab.cloud, lab.user("alice"), vapp, Recomposition(add=[lab.machine("x"), lab.machine("x")])
        )


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 129])
def test_impossible_names_are_refused(lab: LabCloud, name: str) -> None:
    with pytest.raises(VcdError) as caught:
        lab.begin_vapp(name)
    assert caught.value.status == 400
    assert len(lab.cloud.vapps) == 0


def test_recomposing_adds_many_vms_each_as_it_is_asked_for(lab: LabCloud) -> None:
    vapp = lab.vapp()
    gold = next(one for one in lab.cloud.profiles.find("vdc", lab.vdc().id) if one.name == "gold")
    custom = CustomizationSpec(
        enabled=True,
        admin_password_enabled=True,
        admin_password_auto=True,
        script="#!/bin/sh\n",
        computer_name="node-1",
    )
    machines = [
        lab.machine("mstr-1", cpu_count=4, cores_per_socket=2, memory_mb=8192, storage_profile=gold),
        lab.machine("node-1", customization=custom, disk_sizes_mb={2000: 20480}),
        lab.machine("node 2/x"),
    ]
    task = composition.recompose(lab.cloud, lab.user("alice"), vapp, Recomposition(add=machines, power_on=True))
    lab.pass_time()
    assert task.status == "success"
    master, node, other = lab.cloud.vms_of(vapp)
    assert (master.hardware.cpu_count, master.hardware.cores_per_socket, master.hardware.memory_mb) == (4, 2, 8192)
    assert master.storage_profile_id == gold.id
    assert node.hardware.disks[0].capacity_mb == 20480
    assert (node.customization.script, node.customization.computer_name) == ("#!/bin/sh\n", "node-1")
    assert other.customization.computer_name == "node-2-x"
    image_password = lab.template_vm().customization.admin_password
    assert node.customization.admin_password != image_password, "an automatic password is a new one"
    assert master.customization.admin_password == image_password, "without a wish the template's stays"


def test_a_password_is_there_although_the_request_enables_none_and_the_source_has_none(lab: LabCloud) -> None:
    lab.template_vm().customization.admin_password = None
    vapp = lab.vapp("c1", lab.machine("a", customization=CustomizationSpec(admin_password_enabled=False)))
    (vm,) = lab.cloud.vms_of(vapp)
    assert vm.customization.admin_password
    assert not vm.customization.admin_password_enabled


def test_when_addresses_run_out_the_task_fails_and_leaves_nothing_behind(lab: LabCloud) -> None:
    lab.network().pool = IpPool(gateway="10.10.0.1", netmask="255.255.0.0", ranges=[("10.10.0.10", "10.10.0.11")])
    vapp = lab.vapp("c1", lab.machine("a"))
    change = Recomposition(add=[lab.machine(name) for name in "bc"], power_on=True)
    task = composition.recompose(lab.cloud, lab.user("alice"), vapp, change)
    lab.pass_time()
    assert task.status == "error"
    assert task.error is not None
    assert 'no more free IP addresses in the network "acme-net"' in task.error.message
    assert [vm.name for vm in lab.cloud.vms_of(vapp)] == ["a"]
    assert list(lab.network().pool.used) == ["10.10.0.10"]
    assert status_of(lab.cloud, vapp) is Status.POWERED_OFF


def test_a_vapp_that_could_not_be_made_says_so_and_can_only_be_deleted(lab: LabCloud) -> None:
    lab.network().pool = IpPool(gateway="10.10.0.1", netmask="255.255.0.0")
    vapp, task = lab.begin_vapp("c1", lab.machine("a"))
    lab.pass_time()
    assert task.status == "error"
    assert status_of(lab.cloud, vapp) is Status.FAILED_CREATION
    with pytest.raises(VcdError, match="can only be deleted"):
        composition.recompose(lab.cloud, lab.user("alice"), vapp, Recomposition())
    vapps.delete_vapp(lab.cloud, lab.user("alice"), vapp, force=False)
    lab.pass_time()
    assert len(lab.cloud.vapps) == 0


def test_a_canceled_composition_leaves_no_vms(lab: LabCloud) -> None:
    vapp, task = lab.begin_vapp("c1", lab.machine("a"))
    lab.cloud.tasks.cancel(task)
    lab.pass_time()
    assert lab.cloud.vms_of(vapp) == []
    assert status_of(lab.cloud, vapp) is Status.FAILED_CREATION


def test_a_vapp_and_its_vms_are_busy_while_it_is_recomposed(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    (vm,) = lab.cloud.vms_of(vapp)
    user = lab.user("alice")
    composition.recompose(lab.cloud, user, vapp, Recomposition(add=[lab.machine("b")]))
    attempts: list[Callable[[], Task]] = [
        lambda: composition.recompose(lab.cloud, user, vapp, Recomposition(add=[lab.machine("c")])),
        lambda: vapps.delete_vapp(lab.cloud, user, vapp, force=True),
        lambda: power.act(lab.cloud, user, vapp, vm, "powerOff"),
        lambda: power.undeploy(lab.cloud, user, vapp, None, "default"),
    ]
    for attempt in attempts:
        with pytest.raises(VcdError, match="VDC_RECOMPOSE_VAPP") as caught:
            attempt()
        assert caught.value.minor == "BUSY_ENTITY"
    assert [one.name for one in lab.cloud.vms_of(vapp)] == ["a", "b"]
    lab.pass_time()
    power.act(lab.cloud, user, vapp, vm, "powerOff")


def test_vms_of_one_vapp_change_side_by_side_but_not_beside_the_vapp(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"), power_on=True)
    first, second = lab.cloud.vms_of(vapp)
    user = lab.user("alice")
    power.act(lab.cloud, user, vapp, first, "powerOff")
    power.act(lab.cloud, user, vapp, second, "powerOff")
    with pytest.raises(VcdError, match="VM_POWER_OFF"):
        power.act(lab.cloud, user, vapp, None, "powerOff")


def test_only_undeployed_vms_are_deleted_and_their_addresses_return(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"), power_on=True)
    first, second = lab.cloud.vms_of(vapp)
    user = lab.user("alice")
    with pytest.raises(VcdError, match="VM a is not stopped"):
        composition.recompose(lab.cloud, user, vapp, Recomposition(delete=[first]))
    power.undeploy(lab.cloud, user, vapp, first, "default")
    lab.pass_time()
    lab.cloud.metadata.put(first.id, [MetadataEntry(key="k", value="v")])
    composition.recompose(lab.cloud, user, vapp, Recomposition(delete=[first]))
    lab.pass_time()
    assert lab.cloud.vms_of(vapp) == [second]
    assert list(lab.network().pool.used) == ["10.10.0.11"]
    assert first.id not in lab.cloud.vms
    assert lab.cloud.metadata.of(first.id) == []


def test_a_deployed_vapp_is_deleted_only_by_force(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    (vm,) = lab.cloud.vms_of(vapp)
    with pytest.raises(VcdError, match="not stopped"):
        vapps.delete_vapp(lab.cloud, lab.user("alice"), vapp, force=False)
    task = vapps.delete_vapp(lab.cloud, lab.user("alice"), vapp, force=True)
    assert vapp.id in lab.cloud.vapps
    lab.pass_time()
    assert task.status == "success"
    assert vapp.id not in lab.cloud.vapps
    assert lab.network().pool.used == {}
    with pytest.raises(KeyError):
        lab.hypervisor.power_state(vm.moid)
    lab.vapp("c1")


def test_a_vdc_gives_no_more_vms_than_its_quota(lab: LabCloud) -> None:
    lab.vdc().vm_quota = 2
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    with pytest.raises(VcdError, match="quota of 2 VMs"):
        composition.recompose(lab.cloud, lab.user("alice"), vapp, Recomposition(add=[lab.machine("c")]))


def test_a_full_storage_profile_fails_the_task(lab: LabCloud) -> None:
    for profile in lab.cloud.profiles.find("vdc", lab.vdc().id):
        profile.limit_mb = 20_000
    _, task = lab.begin_vapp("c1", lab.machine("a"), lab.machine("b"))
    lab.pass_time()
    assert task.error is not None
    assert task.error.minor == "STORAGE_LIMIT"


def test_nothing_is_created_in_a_disabled_vdc(lab: LabCloud) -> None:
    lab.vdc().enabled = False
    with pytest.raises(VcdError, match="disabled"):
        lab.begin_vapp("c1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cpu_count": 0}, "number of CPUs"),
        ({"cpu_count": 3, "cores_per_socket": 2}, "cores per socket"),
        ({"memory_mb": 2}, "memory"),
        ({"memory_mb": 1025}, "memory"),
        ({"disk_sizes_mb": {2000: 1}}, "cannot shrink"),
        ({"nics": [NicSpec(index=0, network="elsewhere", mode="POOL")]}, "does not exist in the vApp"),
        ({"nics": [NicSpec(index=0, network="acme-net", mode="MANUAL")]}, "needs an IpAddress"),
        ({"nics": [NicSpec(index=0, network="acme-net", mode="STATIC")]}, "IpAddressAllocationMode"),
        ({"customization": CustomizationSpec(computer_name="a b")}, "ComputerName"),
        ({"customization": CustomizationSpec(computer_name="$(reboot)")}, "ComputerName"),
        ({"name": "x" * 81}, "longer than 80"),
    ],
)
def test_impossible_machines_are_refused_before_anything_happens(
    lab: LabCloud, changes: dict[str, Any], message: str
) -> None:
    vapp = lab.vapp()
    with pytest.raises(VcdError, match=message):
        composition.recompose(lab.cloud, lab.user("alice"), vapp, Recomposition(add=[lab.machine(**changes)]))
    assert lab.cloud.vms_of(vapp) == []
    assert not lab.cloud.tasks.is_busy(vapp.id)


def test_a_wanted_address_is_given_once(lab: LabCloud) -> None:
    def with_address(name: str) -> MachineSpec:
        nic = NicSpec(index=0, network="acme-net", mode="MANUAL", ip_address="10.10.7.7", connected=True)
        return lab.machine(name, nics=[nic])

    vapp = lab.vapp("c1", with_address("a"))
    assert lab.cloud.vms_of(vapp)[0].nics[0].ip_address == "10.10.7.7"
    _, task = lab.begin_vapp("c2", with_address("b"))
    lab.pass_time()
    assert task.error is not None
    assert "in use" in task.error.message
    assert list(lab.network().pool.used) == ["10.10.7.7"]


def test_a_vm_of_another_vapp_is_cloned_or_moved(lab: LabCloud) -> None:
    origin = lab.vapp("origin", lab.machine("a"), lab.machine("b"))
    first, second = lab.cloud.vms_of(origin)
    target = lab.vapp("target")
    change = Recomposition(add=[lab.machine("x", source=first), lab.machine("y", source=second, delete_source=True)])
    composition.recompose(lab.cloud, lab.user("alice"), target, change)
    with pytest.raises(VcdError, match="busy"):
        power.power_on(lab.cloud, lab.user("alice"), origin, first)
    lab.pass_time()
    copy, moved = lab.cloud.vms_of(target)
    assert lab.cloud.vms_of(origin) == [first]
    assert copy.image == f"image-of-{first.moid}", "the disk as it is, not the template's"
    assert moved.image == f"image-of-{second.moid}"


def test_renaming_moves_the_name_and_refuses_taken_ones(lab: LabCloud) -> None:
    vapp = lab.vapp("old")
    lab.vapp("taken")
    user = lab.user("alice")
    with pytest.raises(VcdError, match="already exists"):
        vapps.update_vapp(lab.cloud, user, vapp, "taken", None)
    vapps.update_vapp(lab.cloud, user, vapp, "new", "described")
    lab.pass_time()
    assert lab.cloud.vapps.first("name", "new") is vapp
    assert lab.cloud.vapps.first("name", "old") is None
    assert vapp.description == "described"


def test_vms_lose_their_connections_to_a_network_that_leaves_their_vapp(lab: LabCloud) -> None:
    nic = NicSpec(index=0, network="acme-net", mode="POOL", connected=True)
    vapp = lab.vapp("c1", lab.machine("a", nics=[nic]), power_on=True)
    card, pool = lab.cloud.vms_of(vapp)[0].nics[0], lab.network().pool
    address = card.ip_address
    vapps.update_networks(lab.cloud, lab.user("alice"), vapp, [])
    assert address in pool.used, "not before the task ends"
    lab.pass_time()
    assert (card.network, card.mode, card.ip_address, card.connected) == ("none", "NONE", None, False)
    assert address not in pool.used
    assert not vapp.networks


def test_a_vapp_gets_more_networks(lab: LabCloud) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    user = lab.user("alice")
    bridged = NetworkConfigSpec(name="acme-net", fence_mode="bridged", parent_id=lab.network().id)
    pool = IpPool(gateway="192.168.0.1", netmask="255.255.255.0", ranges=[("192.168.0.2", "192.168.0.9")])
    isolated = NetworkConfigSpec(name="inner", fence_mode="isolated", pool=pool)
    vapps.update_networks(lab.cloud, user, vapp, [bridged, isolated])
    lab.pass_time()
    nic = NicSpec(index=0, network="inner", mode="POOL", connected=True)
    composition.recompose(lab.cloud, user, vapp, Recomposition(add=[lab.machine("b", nics=[nic])]))
    lab.pass_time()
    assert lab.cloud.vms_of(vapp)[1].nics[0].ip_address == "192.168.0.2"


def test_networks_of_other_organisations_do_not_exist(lab: LabCloud) -> None:
    foreign = NetworkConfigSpec(name="n", fence_mode="bridged", parent_id=lab.network("globex-net", "globex").id)
    with pytest.raises(VcdError) as caught:
        plan_networks(lab.cloud, lab.vdc(), [foreign])
    assert caught.value.status == 403


def test_routed_networks_are_refused_honestly(lab: LabCloud) -> None:
    routed = NetworkConfigSpec(name="n", fence_mode="natRouted", parent_id=lab.network().id)
    with pytest.raises(VcdError, match="edge gateway"):
        plan_networks(lab.cloud, lab.vdc(), [routed])
