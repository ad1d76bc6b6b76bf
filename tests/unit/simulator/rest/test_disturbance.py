"""Faults of the REST API and of tasks."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, HttpError, SessionExpired, TaskFails
from vcd_simulator.operations.composition import Recomposition, recompose


def minor(body: bytes) -> str | None:
    return etree.fromstring(body).get("minorErrorCode")


def test_the_third_attempt_to_power_on_works(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine())
    alice.app.faults.add(action="powerOn", error=BusyEntity(entity="c1"), times=2)
    path = f"/api/vApp/vapp-{vapp.id}/power/action/powerOn"
    answers = [alice.post(path) for _ in range(3)]
    assert [answer.status for answer in answers] == [400, 400, 202]
    assert minor(answers[0].body) == "BUSY_ENTITY"


def test_an_error_has_the_codes_of_the_fault_and_the_form_of_vcd(alice: RestCaller) -> None:
    alice.app.faults.add(route="/api/org", error=HttpError(status=503, minor="SERVICE_UNAVAILABLE", message="Gone."))
    answer = alice.get("/api/org")
    assert answer.status == 503
    assert minor(answer.body) == "SERVICE_UNAVAILABLE"
    assert b"Gone." in answer.body
    assert alice.get("/api/org").status == 200


def test_a_session_ends_when_a_fault_wants_it(alice: RestCaller, bob: RestCaller) -> None:
    bob.app.faults.add(error=SessionExpired(), user="bob")
    alice.app.faults.add(error=SessionExpired(), user="alice", after=1)
    assert alice.get("/api/session").status == 200
    assert [alice.get("/api/session").status for _ in range(2)] == [401, 401]
    assert bob.get("/api/session").status == 401
    assert bob.login("bob", "acme").get("/api/session").status == 200


def test_logins_of_one_user_can_fail(lab: LabCloud) -> None:
    caller = RestCaller(lab)
    caller.app.faults.add(route="/api/sessions", error=HttpError(status=500), user="alice", org="acme")
    caller.login("carol", "globex")
    with pytest.raises(AssertionError):
        caller.login("alice", "acme")
    caller.login("alice", "acme")


def test_a_task_fails_after_its_time_and_leaves_what_a_failed_one_leaves(lab: LabCloud) -> None:
    lab.cloud.faults.add(task="vdcComposeVapp", entity="c1", error=TaskFails(message="No room."), delay_s=5)
    vapp, task = lab.begin_vapp("c1", lab.machine())
    lab.pass_time(10)
    assert task.status == "running", "the delay comes on top"
    lab.pass_time(5)
    assert task.status == "error"
    assert task.error is not None
    assert task.error.message == "No room."
    assert not lab.cloud.vms_of(vapp)
    lab.vapp("c2", lab.machine())


def test_a_recomposition_that_is_refused_leaves_no_machine(lab: LabCloud) -> None:
    vapp = lab.vapp("c1")
    lab.cloud.faults.add(error=BusyEntity(), task="vdcRecomposeVapp")
    with pytest.raises(VcdError):
        recompose(lab.cloud, lab.user("alice"), vapp, Recomposition(add=[lab.machine()]))
    assert not lab.cloud.vms_of(vapp)


def test_a_task_is_refused_before_it_changes_anything(lab: LabCloud) -> None:
    lab.cloud.faults.add(error=BusyEntity(), task="vdcDeleteVapp", org="acme", user="alice")
    vapp = lab.vapp()
    access = RestCaller(lab).login("alice", "acme")
    assert minor(access.delete(f"/api/vApp/vapp-{vapp.id}").body) == "BUSY_ENTITY"
    assert access.delete(f"/api/vApp/vapp-{vapp.id}").status == 202
    with pytest.raises(VcdError):
        access.lab.cloud.tasks.require_idle([(vapp.id, vapp.name)])
