"""The vCD tasks that show what we do."""

import threading
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from lxml import etree
from requests.models import PreparedRequest

from cse_core.errors import UnavailableError
from cse_testing.scripted_vcd import NS, URL, Answer, ManualClock, ScriptedVcd, a_session, error, records, session, task
from cse_testing.waiting import LIMIT_S, wait_until
from cse_vcd.documents import NAMESPACES
from cse_vcd.service_tasks import ServiceTasks, TaskCard

HREF = f"{URL}/api/task/t1"
CARD = TaskCard(
    operation_name="create_cluster",
    cluster_id="5c6b",
    cluster_name="c1",
    org_href=f"{URL}/api/org/o1",
    org_name="acme",
    user="alice",
    user_urn="urn:vcloud:user:u1",
)


@pytest.fixture
def tasks(server: ScriptedVcd, clock: ManualClock) -> Iterator[ServiceTasks]:
    server.answer("GET", "/api/session", session("System"))
    kind = "application/vnd.vmware.vcloud.tasksList+xml"
    link = f'<Link rel="down" type="{kind}" href="{URL}/api/tasksList/o1"/>'
    server.answer("GET", "/api/org/o1", f"<Org {NS}>{link}</Org>")
    server.answer("POST", "/api/tasksList/o1", Answer(task("t1", "running"), 201))
    server.answer("PUT", "/api/task/t1", task("t1", "running"))
    server.answer("GET", "/api/task/t1", task("t1", "running"))
    found = ServiceTasks(a_session(server, clock), clock)
    yield found
    found.close()


def test_a_task_is_created_in_the_tenants_org_and_shows_who_and_what(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    assert tasks.create(CARD, "Creating cluster c1") == HREF
    sent = etree.fromstring(server.bodies("POST")[0])
    assert dict(sent.items()) == {
        "status": "running",
        "serviceNamespace": "vcloud.cse",
        "operationName": "create_cluster",
        "name": "task",
        "type": "application/vnd.vmware.vcloud.task+xml",
        "operation": "Creating cluster c1",
    }
    owner, user = sent.find("v:Owner", NAMESPACES), sent.find("v:User", NAMESPACES)
    assert owner is not None
    assert dict(owner.items()) == {
        "href": "urn:cse:cluster:5c6b",
        "name": "c1",
        "type": "application/vcloud.cse.cluster+xml",
    }
    assert user is not None
    assert (user.get("href"), user.get("name")) == ("urn:vcloud:user:u1", "alice")


def test_where_an_orgs_tasks_go_is_asked_once(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "one")
    tasks.create(CARD, "two")
    assert server.paths().count("/api/org/o1") == 1


def test_of_many_updates_the_newest_is_written_and_never_an_older_one_after_it(
    server: ScriptedVcd, tasks: ServiceTasks
) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(_request: PreparedRequest) -> Answer:
        entered.set()
        go.wait(LIMIT_S)
        return Answer(task("t1", "running"))

    server.on("PUT", "/api/task/t1", slow)
    tasks.create(CARD, "begin")
    tasks.progress(HREF, CARD, "step 0")
    assert entered.wait(LIMIT_S)
    for number in range(1, 50):
        tasks.progress(HREF, CARD, f"step {number}", number)
    go.set()
    tasks.close()
    texts = [etree.fromstring(body).get("operation") for body in server.bodies("PUT")]
    assert texts == ["step 0", "step 49"]


def test_nothing_is_written_after_the_end(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "begin")
    tasks.succeed(HREF, CARD, "Created cluster c1")
    tasks.progress(HREF, CARD, "late")
    tasks.fail(HREF, CARD, "late", reason="X", error="late")
    tasks.close()
    (sent,) = map(etree.fromstring, server.bodies("PUT"))
    assert (sent.get("status"), sent.get("operation")) == ("success", "Created cluster c1")


def test_pending_progress_does_not_overwrite_the_end(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(_request: PreparedRequest) -> Answer:
        entered.set()
        go.wait(LIMIT_S)
        return Answer(task("t1", "running"))

    server.on("PUT", "/api/task/t1", slow)
    tasks.create(CARD, "begin")
    tasks.progress(HREF, CARD, "one")
    assert entered.wait(LIMIT_S)
    tasks.progress(HREF, CARD, "two")
    end = threading.Thread(target=tasks.succeed, args=(HREF, CARD, "done"))
    end.start()
    go.set()
    end.join()
    tasks.close()
    texts = [etree.fromstring(body).get("operation") for body in server.bodies("PUT")]
    assert texts[0] == "one"
    assert texts[-1] == "done"


def test_a_failure_says_why(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "begin")
    tasks.fail(HREF, CARD, "Failed", reason="GUEST_UNAVAILABLE", error="node-1: tools\x00 <do not run>")
    sent = etree.fromstring(server.bodies("PUT")[0])
    shown = sent.find("v:Error", NAMESPACES)
    assert sent.get("status") == "error"
    assert shown is not None
    assert shown.get("minorErrorCode") == "GUEST_UNAVAILABLE"
    assert shown.get("message") == "node-1: tools\N{REPLACEMENT CHARACTER} <do not run>"


def test_the_end_is_written_until_vcd_has_it(server: ScriptedVcd, tasks: ServiceTasks, clock: ManualClock) -> None:
    tasks.create(CARD, "begin")
    away = Answer(status=503)
    server.answer("PUT", "/api/task/t1", away, away, away, task("t1", "success"))
    tasks.succeed(HREF, CARD, "done")
    assert len(server.bodies("PUT")) == 4


def test_a_vcd_that_stays_away_is_reported(server: ScriptedVcd, tasks: ServiceTasks, clock: ManualClock) -> None:
    tasks.create(CARD, "begin")
    server.answer("PUT", "/api/task/t1", Answer(status=503))
    before = clock.now
    with pytest.raises(UnavailableError):
        tasks.succeed(HREF, CARD, "done")
    assert 55 < clock.now - before < 70


def test_a_task_that_an_earlier_process_ended_stays_as_it_is(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    server.answer("GET", "/api/task/t1", task("t1", "error"))
    tasks.succeed(HREF, CARD, "done")
    assert server.bodies("PUT") == []


def test_a_task_that_an_earlier_process_left_running_is_ended(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.succeed(HREF, CARD, "done")
    assert len(server.bodies("PUT")) == 1


def test_a_task_that_vcd_has_forgotten_ends_quietly(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "begin")
    server.answer("PUT", "/api/task/t1", error(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", "No access"))
    tasks.succeed(HREF, CARD, "done")


def test_progress_that_cannot_be_written_is_no_error(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "begin")
    server.answer("PUT", "/api/task/t1", Answer(status=500), task("t1", "success"))
    tasks.progress(HREF, CARD, "one")
    tasks.close()
    tasks.succeed(HREF, CARD, "done")
    assert etree.fromstring(server.bodies("PUT")[-1]).get("status") == "success"


def test_our_tasks_that_have_not_ended_are_found_whoever_created_them(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    server.answer("GET", "/api/query", records('<AdminTaskRecord id="urn:vcloud:task:t7" status="running"/>'))
    assert tasks.unfinished() == [f"{URL}/api/task/t7"]
    (asked,) = [unquote(path) for path in server.paths() if path.startswith("/api/query")]
    assert "type=adminTask" in asked
    assert "filter=serviceNamespace==vcloud.cse;status==running" in asked


def test_a_task_is_read_as_it_was_written(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    tasks.create(CARD, "Creating cluster c1")
    server.answer("GET", "/api/task/t1", server.bodies("POST")[0])
    assert tasks.read_card(HREF) == CARD


def test_an_update_that_crashes_ends_no_other(server: ScriptedVcd, tasks: ServiceTasks) -> None:
    crashed = threading.Event()

    def crash(_request: PreparedRequest) -> Answer:
        crashed.set()
        raise ZeroDivisionError("a mistake")

    server.on("PUT", "/api/task/t1", crash)
    tasks.progress(HREF, CARD, "one")
    assert crashed.wait(LIMIT_S)
    server.answer("PUT", "/api/task/t1", task("t1", "running"))
    tasks.progress(HREF, CARD, "two")
    wait_until(lambda: any("two" in body for body in server.bodies("PUT")), "the second update")
