"""Tasks that fail on demand or are cancelled: what remains of what they were about, and what they say."""

from collections.abc import Callable

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, HttpError, TaskFails
from vcd_simulator.model.compute import Status
from vcd_simulator.model.task import Task
from vcd_simulator.operations import catalogs, datacenter, power, quotas, vapps
from vcd_simulator.operations.datacenter import NetworkSpec


@pytest.mark.parametrize("how", ["fails", "is cancelled while it runs", "is cancelled in the queue"])
def test_what_was_to_be_made_is_not_there_afterwards(lab: LabCloud, how: str) -> None:
    cloud, alice, vdc = lab.cloud, lab.user("alice"), lab.vdc()
    if how == "fails":
        cloud.faults.add(task="*", error=TaskFails(message="told to"), times=None)
    spec = NetworkSpec(name="inner", gateway="10.8.0.1", netmask="255.255.255.0")
    network, network_task = datacenter.create_network(cloud, alice, vdc, spec)
    catalog, catalog_task = catalogs.create_catalog(cloud, alice, lab.org("acme"), "tools", "")
    vapp, vapp_task = lab.begin_vapp("c1", lab.machine("a"), power_on=True)
    if how != "fails":
        if "runs" in how:
            lab.pass_time(1)
        for task in (network_task, catalog_task, vapp_task):
            cloud.tasks.cancel(task)
    lab.pass_time()
    assert {task.status for task in (network_task, catalog_task, vapp_task)} == {
        "error" if how == "fails" else "canceled"
    }
    assert network.id not in cloud.networks
    assert catalog.id not in cloud.catalogs
    assert (vapp.transient, list(vapp.vm_ids)) == (Status.FAILED_CREATION, [])
    assert not lab.network().pool.used


def test_what_was_to_be_changed_or_deleted_stays(lab: LabCloud) -> None:
    cloud, alice = lab.cloud, lab.user("alice")
    vapp = lab.vapp("c1", lab.machine("a"))
    cloud.faults.add(task="*", error=TaskFails(), times=None)
    begins: list[Callable[[], Task]] = [
        lambda: power.power_on(cloud, alice, vapp, None),
        lambda: vapps.update_vapp(cloud, alice, vapp, "other", None),
        lambda: vapps.delete_vapp(cloud, alice, vapp, force=True),
        lambda: datacenter.update_vdc(cloud, alice, lab.vdc(), datacenter.VdcChanges(name="other")),
    ]
    for begin in begins:
        task = begin()
        lab.pass_time()
        assert (task.status, task.error is not None and task.error.minor) == ("error", "INTERNAL_SERVER_ERROR")
    assert (vapp.name, vapp.deployed, len(vapp.vm_ids), lab.vdc().name) == ("c1", False, 1, "acme-vdc")
    assert not any(cloud.tasks.is_busy(one) for one in (vapp.id, *vapp.vm_ids, lab.vdc().id))


def test_only_who_began_a_task_and_administrators_end_it(lab: LabCloud, alice: RestCaller, bob: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    vapp.access.everyone = "FullControl"
    path = f"/api/vApp/vapp-{vapp.id}"
    task = power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    shown = bob.get(f"/api/task/{task.id}")
    assert "task:cancel" not in [rel for rel, _ in shown.links()]
    assert bob.post(f"/api/task/{task.id}/action/cancel").status == 403
    assert alice.get(f"/api/task/{task.id}").links()["task:cancel", None].endswith("/action/cancel")
    assert alice.post(f"/api/task/{task.id}/action/cancel").status == 204
    assert alice.post(f"/api/task/{task.id}/action/cancel").status == 400
    own = bob.post(f"{path}/power/action/powerOn").xml.get("href", "")
    assert bob.post(f"{own}/action/cancel").status == 204


def test_messages_of_faults_may_be_anything(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    odd = "a\x00b\x1b[31m <c> & \"d\" 'e' \ud800 ü"
    lab.cloud.faults.add(task="vappPowerOn", error=TaskFails(message=odd, minor="A&B"))
    href = alice.post(f"/api/vApp/vapp-{vapp.id}/power/action/powerOn").xml.get("href", "")
    lab.pass_time()
    error = alice.get(href).xml.find("{*}Error")
    assert error is not None
    assert (error.get("minorErrorCode"), "<c> &" in error.get("message", "")) == ("A&B", True)
    assert alice.get(href, accept="application/*+json;version=36.0").status == 200


def test_quotas_hold_for_requests_side_by_side(lab: LabCloud) -> None:
    cloud, alice, vdc = lab.cloud, lab.user("alice"), lab.vdc()
    first, second = lab.vapp("c1", lab.machine("a")), lab.vapp("c2", lab.machine("a"))
    alice.deployed_vm_quota = 1
    tasks = [power.power_on(cloud, alice, one, None) for one in (first, second)]
    lab.pass_time()
    assert [task.status for task in tasks] == ["success", "error"]
    assert tasks[1].error is not None
    assert tasks[1].error.minor == "QUOTA_EXCEEDED"
    assert (first.deployed, second.deployed) == (True, False)
    power.undeploy(cloud, alice, first, None, "powerOff")
    lab.pass_time()
    power.power_on(cloud, alice, second, None)
    lab.pass_time()
    assert (first.deployed, second.deployed) == (False, True)
    profile = cloud.profiles[cloud.vms_of(first)[0].storage_profile_id or ""]
    profile.limit_mb = quotas.profile_used_mb(cloud, profile) + 20_000
    tasks = [lab.begin_vapp(name, lab.machine("a"))[1] for name in ("c3", "c4")]
    lab.pass_time()
    assert [task.status for task in tasks] == ["success", "error"], "there was room for one"
    assert tasks[1].error is not None
    assert tasks[1].error.minor == "STORAGE_LIMIT"
    vdc.vm_quota = 4
    lab.begin_vapp("c5", lab.machine("a"))
    with pytest.raises(VcdError, match="quota of 4 VMs"):
        lab.begin_vapp("c6", lab.machine("a"))


@pytest.mark.parametrize("model", ["AllocationPool", "ReservationPool", "AllocationVApp"])
def test_what_is_set_apart_is_all_that_there_is(lab: LabCloud, model: str) -> None:
    vdc = lab.vdc()
    vdc.allocation_model, vdc.memory.allocated = model, 3000
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    task = power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    lab.pass_time()
    assert task.status == ("success" if model == "AllocationVApp" else "error")


def test_a_busy_fault_and_an_http_fault_touch_nothing(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    for fault, status in ((BusyEntity(), 400), (HttpError(status=503), 503)):
        alice.app.faults.add(action="powerOn", error=fault)
        assert alice.post(f"/api/vApp/vapp-{vapp.id}/power/action/powerOn").status == status
        lab.pass_time()
        assert not vapp.deployed
