"""What is late does not begin, and no reply leaves after its time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.extension import request_message
from cse_testing.fake_services import an_operation
from cse_testing.gateway import Bench, running_gateway
from cse_testing.waiting import LIMIT_S, wait_until

NEW_CLUSTER = {"name": "demo", "vdc": "dev", "network": "net"}
MARGIN_S = 20.0
"""How long a reply may take from the gateway to here: much more than it ever takes."""
AT_WORK_S = 3.0
"""What is left for the work; by then each request must have come to the gateway."""


@pytest.fixture(scope="module")
def hurried(broker: PrivateRabbitMQ) -> Iterator[Bench]:
    """A gateway whose replies must leave long before vCD gives up, so that little time is left for the work."""
    timeout, margin = timedelta(seconds=MARGIN_S + AT_WORK_S), timedelta(seconds=MARGIN_S)
    with running_gateway(broker, "hurried", timeout=timeout, margin=margin) as running:
        yield running


@contextmanager
def hanging_services(bench: Bench) -> Iterator[threading.Event]:
    """While inside, calls hang until the event is set."""
    release = threading.Event()

    def wait(_request: Any) -> Any:
        release.wait(LIMIT_S)
        return an_operation()

    def nothing(_request: Any) -> Any:
        release.wait(LIMIT_S)
        return iter(())

    bench.services.answers |= {"CreateCluster": wait, "DeleteCluster": wait, "WatchOperation": nothing}
    try:
        yield release
    finally:
        release.set()


@pytest.fixture
def hanging(hurried: Bench) -> Iterator[Bench]:
    """Its services hang until the test is over."""
    hurried.services.reset()
    with hanging_services(hurried):
        yield hurried


@pytest.mark.parametrize("late_s", [0.0, 0.001, 1.0, 3600.0, 1e9])
def test_what_is_late_already_does_not_begin(bench: Bench, late_s: float) -> None:
    counters = bench.gateway.counters
    late = counters.late
    message = request_message("POST", "/api/cse", body=NEW_CLUSTER)
    correlation_id = bench.cell.send(message, timeout_s=-late_s)
    wait_until(lambda: counters.late == late + 1, "the request to be found late", seen=lambda: counters)
    assert bench.cell.ask().status == 200
    assert correlation_id not in bench.cell.replies
    assert not bench.services.called("CreateCluster")


def test_what_waited_too_long_in_the_queue_does_not_begin(bench: Bench) -> None:
    """50 hang, which is all that is at work at once; the 51st waits for them until its time is over."""
    cell, counters = bench.cell, bench.gateway.counters
    with hanging_services(bench):
        sent = [cell.send(request_message("DELETE", "/api/cse/demo")) for _ in range(50)]
        wait_until(lambda: counters.in_flight == 50, "50 at work", seen=lambda: counters)
        late = counters.late
        last = cell.send(request_message("POST", "/api/cse", body=NEW_CLUSTER), timeout_s=1)
        over = time.time() + 1
        wait_until(lambda: time.time() > over, "its time to be over")
        assert (counters.in_flight, counters.late) == (50, late)
    assert {cell.reply_to(one).status for one in sent} == {202}
    wait_until(lambda: counters.late == late + 1, "the last one to be found late", seen=lambda: counters)
    assert last not in cell.replies
    assert not bench.services.called("CreateCluster")


def test_a_service_that_takes_too_long_costs_a_504_in_time(hanging: Bench) -> None:
    """The time that vCD names counts, for it is less than the extension timeout."""
    timeout_s = MARGIN_S + AT_WORK_S - 0.5
    gives_up = time.time() + timeout_s
    correlation_id = hanging.cell.send(request_message("POST", "/api/cse", body=NEW_CLUSTER), timeout_s=timeout_s)
    reply = hanging.cell.reply_to(correlation_id)
    assert reply.status == 504
    assert b"GATEWAY_TIMEOUT" in reply.content
    assert gives_up - MARGIN_S - 0.1 < reply.received_at < gives_up
    (call,) = hanging.services.called("CreateCluster")
    assert call.time_remaining_s is not None
    assert call.time_remaining_s <= timeout_s - MARGIN_S


@pytest.mark.parametrize("timeout_s", [None, 3600], ids=["unsaid", "far away"])
def test_without_a_timestamp_or_with_one_far_away_the_extension_timeout_counts(
    hanging: Bench, timeout_s: float | None
) -> None:
    began = time.time()
    reply = hanging.cell.reply_to(hanging.cell.send(request_message("DELETE", "/api/cse/demo"), timeout_s=timeout_s))
    assert reply.status == 504
    assert AT_WORK_S - 0.1 < reply.received_at - began < MARGIN_S + AT_WORK_S


def test_where_nothing_happens_events_are_answered_in_time_and_empty(hanging: Bench) -> None:
    began = time.time()
    reply = hanging.cell.ask("GET", "/api/cse/_operations/op-1/events?wait=60")
    assert (reply.status, reply.json) == (200, {"events": [], "done": False})
    assert reply.received_at - began < MARGIN_S + AT_WORK_S


def test_others_are_answered_while_some_hang(bench: Bench) -> None:
    with hanging_services(bench):
        slow = [bench.cell.send(request_message("DELETE", "/api/cse/demo")) for _ in range(10)]
        bench.cell.wait_until(lambda: len(bench.services.called("DeleteCluster")) == 10, "ten that hang")
        assert bench.cell.ask("GET", "/api/cse").status == 200
        assert not any(one in bench.cell.replies for one in slow)
    assert {bench.cell.reply_to(one).status for one in slow} == {202}
