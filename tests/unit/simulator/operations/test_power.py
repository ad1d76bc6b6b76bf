from collections.abc import Callable

import pytest

from cse_testing.vcd_cloud import LabCloud
from vcd_simulator.errors import VcdError
from vcd_simulator.guests.errors import ToolsNotRunningError
from vcd_simulator.guests.spec import GuestSpec, PowerState
from vcd_simulator.model.compute import Status, Vapp, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.operations import changes, power
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.status import status_of


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    """Two VMs, off."""
    return lab.vapp("c1", lab.machine("a"), lab.machine("b"))


def links(lab: LabCloud, vapp: Vapp) -> set[str]:
    return set(power.available_actions(vapp, status_of(lab.cloud, vapp), deployed=vapp.deployed))


RUNNING = {"powerOff", "shutdown", "reset", "reboot", "suspend"}


def test_a_vapp_goes_through_its_states_and_offers_what_each_allows(lab: LabCloud, vapp: Vapp) -> None:
    user, first = lab.user("alice"), lab.cloud.vms_of(vapp)[0]
    steps: list[tuple[Callable[[], Task], Status, set[str]]] = [
        (lambda: power.power_on(lab.cloud, user, vapp, first), Status.MIXED, {"powerOn"} | RUNNING),
        (lambda: power.power_on(lab.cloud, user, vapp, None), Status.POWERED_ON, RUNNING),
        (
            lambda: power.act(lab.cloud, user, vapp, None, "suspend"),
            Status.SUSPENDED,
            {"powerOn", "powerOff", "discardSuspendedState"},
        ),
        (lambda: power.discard_suspended_state(lab.cloud, user, vapp, None), Status.POWERED_OFF, {"powerOn"}),
        (lambda: power.power_on(lab.cloud, user, vapp, None), Status.POWERED_ON, RUNNING),
        (lambda: power.act(lab.cloud, user, vapp, None, "reset"), Status.POWERED_ON, RUNNING),
        (lambda: power.act(lab.cloud, user, vapp, None, "shutdown"), Status.POWERED_OFF, {"powerOn"}),
    ]
    for act, status, expected in steps:
        task = act()
        lab.pass_time()
        assert task.status == "success", task
        assert (status_of(lab.cloud, vapp), links(lab, vapp)) == (status, expected)
    assert vapp.deployed, "a guest that ended leaves its vApp deployed"
    power.undeploy(lab.cloud, user, vapp, None, "default")
    lab.pass_time()
    assert not vapp.deployed


def test_states_forbid_what_makes_no_sense(lab: LabCloud, vapp: Vapp) -> None:
    user = lab.user("alice")
    for action in power.ACTIONS:
        with pytest.raises(VcdError, match="is not running"):
            power.act(lab.cloud, user, vapp, None, action)
    with pytest.raises(VcdError, match="is not deployed"):
        power.undeploy(lab.cloud, user, vapp, None, "default")
    with pytest.raises(VcdError, match="is not suspended"):
        power.discard_suspended_state(lab.cloud, user, vapp, None)
    power.power_on(lab.cloud, user, vapp, None)
    lab.pass_time()
    with pytest.raises(VcdError, match="already powered on"):
        power.power_on(lab.cloud, user, vapp, None)
    with pytest.raises(VcdError, match="UndeployPowerAction"):
        power.undeploy(lab.cloud, user, vapp, None, "explode")


@pytest.mark.parametrize(
    ("action", "status"),
    [("default", Status.POWERED_OFF), ("shutdown", Status.POWERED_OFF), ("suspend", Status.SUSPENDED)],
)
def test_undeploying_stops_vms_as_it_is_told(lab: LabCloud, vapp: Vapp, action: str, status: Status) -> None:
    power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    lab.pass_time()
    power.undeploy(lab.cloud, lab.user("alice"), vapp, None, action)
    lab.pass_time()
    assert {(vm.status, vm.deployed) for vm in lab.cloud.vms_of(vapp)} == {(status, False)}


def test_a_deployed_vapp_without_power_stays_off(lab: LabCloud, vapp: Vapp) -> None:
    power.power_on(lab.cloud, lab.user("alice"), vapp, None, deploy=True, power=False)
    lab.pass_time()
    assert (vapp.deployed, status_of(lab.cloud, vapp)) == (True, Status.POWERED_OFF)


def test_guests_are_customized_at_the_first_start_and_when_it_is_forced(
    lab: LabCloud, vapp: Vapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[GuestSpec] = []
    power_on = lab.hypervisor.power_on

    def note(moid: str, spec: GuestSpec) -> None:
        started.append(spec)
        power_on(moid, spec)

    monkeypatch.setattr(lab.hypervisor, "power_on", note)
    vm, user = lab.cloud.vms_of(vapp)[0], lab.user("alice")
    vm.customization.script = "#!/bin/sh\necho hi"

    def restart(*, force: bool = False) -> GuestSpec:
        power.power_on(lab.cloud, user, vapp, vm, deploy=force, force_customization=force)
        lab.pass_time()
        power.act(lab.cloud, user, vapp, vm, "powerOff")
        lab.pass_time()
        return started[-1]

    first = restart()
    assert first.customize
    assert first.admin_password == vm.customization.admin_password
    assert first.customization_script == "#!/bin/sh\necho hi"
    assert first.ip_addresses == (vm.nics[0].ip_address,)
    assert first.network_ids == (lab.network().id,)
    assert (first.name, first.computer_name) == ("a", "a")
    assert restart().customize is False
    assert restart(force=True).customize
    changes.customize_at_next_power_on(vm)
    assert restart().customize
    vm.customization.enabled = False
    changes.customize_at_next_power_on(vm)
    assert restart().customize is False


def test_what_the_hypervisor_refuses_fails_the_task_in_words(
    lab: LabCloud, vapp: Vapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(moid: str) -> None:
        raise ToolsNotRunningError(moid)

    monkeypatch.setattr(lab.hypervisor, "shut_down", refuse)
    power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    lab.pass_time()
    task = power.act(lab.cloud, lab.user("alice"), vapp, None, "shutdown")
    lab.pass_time()
    assert task.error is not None
    assert "VMware Tools is not running in the VM a" in task.error.message
    assert status_of(lab.cloud, vapp) is Status.POWERED_ON


def test_a_guest_that_ends_by_itself_is_noticed(lab: LabCloud, vapp: Vapp) -> None:
    power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    lab.pass_time()
    first = lab.cloud.vms_of(vapp)[0]
    lab.hypervisor.power_off(first.moid)
    power.notice_guests(lab.cloud, lab.cloud.vms_of(vapp))
    assert (first.status, first.deployed) == (Status.POWERED_OFF, True)
    assert status_of(lab.cloud, vapp) is Status.MIXED


def test_hardware_changes_only_while_the_vm_is_off(lab: LabCloud, vapp: Vapp) -> None:
    vm, user = lab.cloud.vms_of(vapp)[0], lab.user("alice")
    changes.set_cpus(lab.cloud, user, vapp, vm, 8, 4)
    lab.pass_time()
    changes.set_memory(lab.cloud, user, vapp, vm, 4096)
    lab.pass_time()
    assert (vm.hardware.cpu_count, vm.hardware.cores_per_socket, vm.hardware.memory_mb) == (8, 4, 4096)
    power.power_on(lab.cloud, user, vapp, vm)
    lab.pass_time()
    assert lab.hypervisor.power_state(vm.moid) is PowerState.ON
    with pytest.raises(VcdError, match="powered on"):
        changes.set_cpus(lab.cloud, user, vapp, vm, 2, None)
    with pytest.raises(VcdError, match="powered on"):
        changes.set_memory(lab.cloud, user, vapp, vm, 1024)


def test_connections_change_and_keep_what_stays(lab: LabCloud, vapp: Vapp) -> None:
    vm, user = lab.cloud.vms_of(vapp)[0], lab.user("alice")
    kept = vm.nics[0].ip_address
    both = [NicSpec(index=index, network="acme-net", mode="POOL", connected=True) for index in (0, 1)]
    changes.set_nics(lab.cloud, user, vapp, vm, both, 1)
    lab.pass_time()
    assert [one.ip_address for one in vm.nics] == [kept, "10.10.0.12"]
    assert vm.primary_nic == 1
    changes.set_nics(lab.cloud, user, vapp, vm, both[1:], 1)
    lab.pass_time()
    assert [one.ip_address for one in vm.nics] == ["10.10.0.12"]
    assert kept not in lab.network().pool.used


def test_connections_stay_as_they_are_when_the_new_ones_are_impossible(lab: LabCloud, vapp: Vapp) -> None:
    first, second = lab.cloud.vms_of(vapp)
    taken = second.nics[0].ip_address
    before = first.nics[0].ip_address
    spec = NicSpec(index=0, network="acme-net", mode="MANUAL", ip_address=taken, connected=True)
    task = changes.set_nics(lab.cloud, lab.user("alice"), vapp, first, [spec], 0)
    lab.pass_time()
    assert task.status == "error"
    assert [nic.ip_address for nic in first.nics] == [before]
    assert set(lab.network().pool.used) == {before, taken}


def test_renaming_a_vm_respects_its_neighbours(lab: LabCloud, vapp: Vapp) -> None:
    vm: Vm = lab.cloud.vms_of(vapp)[0]
    with pytest.raises(VcdError, match="already exists"):
        changes.rename(lab.cloud, lab.user("alice"), vapp, vm, "b", None)
    changes.rename(lab.cloud, lab.user("alice"), vapp, vm, "c", "text")
    lab.pass_time()
    assert lab.cloud.vms.first("vapp_name", (vapp.id, "c")) is vm
