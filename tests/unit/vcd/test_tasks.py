"""Waiting for tasks of vCD, many at a time."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest
from lxml import etree
from requests.models import PreparedRequest

from cse_core.errors import AlreadyExistsError, CseError, DeadlineError, ExhaustedError, NotFoundError
from cse_testing.scripted_vcd import URL, Answer, ScriptedVcd, a_session, error, records, session, task
from cse_testing.waiting import LIMIT_S, wait_until
from cse_vcd.errors import BusyError, TaskAbortedError, TaskFailedError, VcdUnavailableError
from cse_vcd.tasks import Task, TaskPoller


class Tasks:
    """vCD's tasks, and what was asked about them."""

    def __init__(self, server: ScriptedVcd) -> None:
        self.server = server
        self.status: dict[str, str] = {}
        self.inner: dict[str, str] = {}
        server.on("GET", "/api/task/.*", self._get)
        server.on("GET", "/api/query", self._query)

    def add(self, *ids: str, status: str = "running") -> list[str]:
        self.status.update(dict.fromkeys(ids, status))
        return [f"{URL}/api/task/{id_}" for id_ in ids]

    def _get(self, request: PreparedRequest) -> Answer:
        id_ = str(request.url).rsplit("/", 1)[-1]
        if id_ not in self.status:
            return error(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", "No access")
        return Answer(task(id_, self.status[id_], self.inner.get(id_, "")))

    def _query(self, request: PreparedRequest) -> Answer:
        expression = unquote(unquote(str(request.url)))
        lines = [
            f'<TaskRecord id="urn:vcloud:task:{id_}" status="{status}"/>'
            for id_, status in self.status.items()
            if f"id=={id_}" in expression
        ]
        return Answer(records(*lines))


@pytest.fixture
def tasks(server: ScriptedVcd) -> Tasks:
    server.answer("GET", "/api/session", session("System"))
    return Tasks(server)


@pytest.fixture
def poller(server: ScriptedVcd, tasks: Tasks) -> Iterator[TaskPoller]:
    found = TaskPoller(a_session(server))
    yield found
    found.close()


def test_a_task_that_has_ended_already_costs_one_request(server: ScriptedVcd, tasks: Tasks, poller: TaskPoller) -> None:
    (href,) = tasks.add("t1", status="success")
    assert poller.wait(href, timeout_s=LIMIT_S).status == "success"
    assert [path for path in server.paths() if "task" in path] == ["/api/task/t1"]


def test_many_waiters_share_one_query(server: ScriptedVcd, tasks: Tasks, poller: TaskPoller) -> None:
    hrefs = tasks.add(*(f"t{n}" for n in range(40)))
    results: list[Task] = []
    threads = [
        threading.Thread(target=lambda href=href: results.append(poller.wait(href, timeout_s=LIMIT_S)))
        for href in hrefs
    ]
    for thread in threads:
        thread.start()

    def looks() -> list[set[str]]:
        """The tasks that each of the requests has asked for."""
        return [set(re.findall(r"(?:id==|/task/)(t\d+)", unquote(unquote(path)))) for path in server.paths()]

    wait_until(lambda: len(set[str]().union(*looks())) == len(hrefs), "a look at each", seen=server.paths)
    before = len(looks())
    wait_until(lambda: sum(map(len, looks()[before:])) >= 5 * len(hrefs), "many looks at all", seen=server.paths)
    shared = looks()[before:]
    assert sum(map(len, shared)) > 5 * len(shared), "queries for many, not one request for each"
    tasks.status = dict.fromkeys(tasks.status, "success")
    for thread in threads:
        thread.join()
    assert len(results) == 40


def test_a_fresh_task_is_asked_for_soon_and_an_old_one_seldom(
    server: ScriptedVcd, tasks: Tasks, poller: TaskPoller
) -> None:
    (href,) = tasks.add("t1")
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(poller.wait, href, timeout_s=LIMIT_S)
        wait_until(lambda: server.paths().count("/api/task/t1") >= 25, "many looks at a task", seen=server.paths)
        elapsed_s = time.monotonic() - began
        tasks.status["t1"] = "success"
        assert waiting.result(LIMIT_S).status == "success"
    assert elapsed_s > 24 * 0.06, "the looks become rarer than the first, of which there are twenty in a second"


@pytest.mark.parametrize(
    ("status", "inner", "expected"),
    [
        ("error", '<Error message="out of addresses" minorErrorCode="INTERNAL_SERVER_ERROR"/>', TaskFailedError),
        ("error", "", TaskFailedError),
        ("error", '<Error message="x" minorErrorCode="BUSY_ENTITY"/>', BusyError),
        ("error", '<Error message="x" minorErrorCode="DUPLICATE_NAME"/>', AlreadyExistsError),
        ("error", '<Error message="x" minorErrorCode="QUOTA_EXCEEDED"/>', ExhaustedError),
        ("error", '<Error message="x" minorErrorCode="OUT_OF_IP_ADDRESSES"/>', ExhaustedError),
        ("canceled", "", TaskAbortedError),
        ("aborted", "", VcdUnavailableError),
        ("ABORTED", "", VcdUnavailableError),
    ],
)
def test_a_task_that_ends_badly_raises_what_that_means(
    tasks: Tasks, poller: TaskPoller, status: str, inner: str, expected: type[CseError]
) -> None:
    (href,) = tasks.add("t1", status=status)
    tasks.inner["t1"] = inner
    with pytest.raises(expected) as caught:
        poller.wait(href, timeout_s=LIMIT_S)
    assert type(caught.value) is expected
    assert "'Composing'" in str(caught.value)


def test_vcds_reason_is_told(tasks: Tasks, poller: TaskPoller) -> None:
    (href,) = tasks.add("t1", status="error")
    tasks.inner["t1"] = '<Error message="out of addresses" minorErrorCode="X"/>'
    with pytest.raises(TaskFailedError, match="out of addresses"):
        poller.wait(href, timeout_s=LIMIT_S)


def test_a_wait_ends_with_its_time_and_the_task_goes_on(tasks: Tasks, poller: TaskPoller) -> None:
    (href,) = tasks.add("t1")
    with pytest.raises(DeadlineError):
        poller.wait(href, timeout_s=0.05)
    tasks.status["t1"] = "success"
    assert poller.wait(href, timeout_s=LIMIT_S).status == "success"


def test_a_wait_ends_when_the_check_says_so(tasks: Tasks, poller: TaskPoller) -> None:
    (href,) = tasks.add("t1")

    class StopError(Exception):
        pass

    def check() -> None:
        raise StopError

    with pytest.raises(StopError):
        poller.wait(href, timeout_s=LIMIT_S, check=check)


def test_an_unknown_task_is_not_waited_for(tasks: Tasks, poller: TaskPoller) -> None:
    with pytest.raises(NotFoundError):
        poller.wait(f"{URL}/api/task/unknown", timeout_s=LIMIT_S)


def test_a_vcd_that_is_away_for_a_while_ends_no_wait(server: ScriptedVcd, tasks: Tasks, poller: TaskPoller) -> None:
    (href,) = tasks.add("t1")
    away = Answer(status=503)
    server.answer("GET", "/api/task/t1", away, away, Answer(task("t1", "success")))
    assert poller.wait(href, timeout_s=LIMIT_S).status == "success"


def test_what_the_query_does_not_show_is_read_on_its_own(server: ScriptedVcd, tasks: Tasks, poller: TaskPoller) -> None:
    first, second = tasks.add("t1", "t2")
    server.answer("GET", "/api/query", records())
    results: list[Task] = []
    thread = threading.Thread(target=lambda: results.append(poller.wait(first, timeout_s=LIMIT_S)))
    thread.start()
    tasks.status = dict.fromkeys(tasks.status, "success")
    assert poller.wait(second, timeout_s=LIMIT_S).status == "success"
    thread.join()
    assert [found.id for found in results] == ["t1"]


def test_an_unfinished_task_keeps_its_progress() -> None:
    document = etree.fromstring(task("t1", "running", "<Progress>40</Progress>"))
    assert Task.of(document).progress == 40
    assert not Task.of(document).is_final
