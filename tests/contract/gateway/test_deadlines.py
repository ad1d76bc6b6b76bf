"""What is late does not begin, and no reply leaves after its time."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cse_lab.processes import wait_until
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.extension import request_message
from cse_testing.fake_services import an_operation
from cse_testing.gateway import Bench, running_gateway

NEW_CLUSTER = {"name": "demo", "vdc": "dev", "network": "net"}


@pytest.fixture(scope="module")
def slow_bench(broker: PrivateRabbitMQ) -> Iterator[Bench]:
    """A gateway of which vCD says nothing about time, and whose extension timeout is 2 s."""
    with running_gateway(broker, "slow", timeout=timedelta(seconds=2)) as running:
        yield running


@pytest.fixture
def hanging(slow_bench: Bench) -> Iterator[Bench]:
    """Its services hang until the test is over."""
    release = threading.Event()
    slow_bench.services.reset()

    def hang(_request: Any) -> Any:
        release.wait(20)
        return an_operation()

    slow_bench.services.answers["CreateCluster"] = hang
    slow_bench.services.answers["ListTemplates"] = hang
    yield slow_bench
    release.set()


@pytest.mark.parametrize("late_s", [0.0, 0.001, 1.0, 3600.0, 1e9])
def test_what_is_late_already_does_not_begin(bench: Bench, late_s: float) -> None:
    late = bench.gateway.counters.late
    message = request_message("POST", "/api/cse", body=NEW_CLUSTER)
    correlation_id = bench.cell.send(message, timeout_s=-late_s)
    assert wait_until(lambda: bench.gateway.counters.late == late + 1, timeout_s=5)
    assert bench.cell.ask().status == 200
    assert correlation_id not in bench.cell.replies
    assert not bench.services.called("CreateCluster")


def test_what_waited_too_long_in_the_queue_does_not_begin(hanging: Bench) -> None:
    """50 hang, which is all that is at work at once; the 51st waits for them, and by then its time is over."""
    cell = hanging.cell
    sent = [cell.send(request_message(), timeout_s=None) for _ in range(50)]
    late = hanging.gateway.counters.late
    last = cell.send(request_message("POST", "/api/cse", body=NEW_CLUSTER), timeout_s=1.5)
    assert {cell.reply_to(one).status for one in sent} == {504}
    assert wait_until(lambda: hanging.gateway.counters.late == late + 1, timeout_s=5)
    assert last not in cell.replies
    assert not hanging.services.called("CreateCluster")


@pytest.mark.parametrize("timeout_s", [1.0, 1.8])
def test_a_service_that_takes_too_long_costs_a_504_in_time(hanging: Bench, timeout_s: float) -> None:
    deadline = time.time() + timeout_s
    correlation_id = hanging.cell.send(request_message("POST", "/api/cse", body=NEW_CLUSTER), timeout_s=timeout_s)
    reply = hanging.cell.reply_to(correlation_id)
    assert reply.status == 504
    assert b"GATEWAY_TIMEOUT" in reply.content
    assert deadline - 0.6 < reply.received_at < deadline
    (call,) = hanging.services.called("CreateCluster")
    assert call.time_remaining_s is not None
    assert call.time_remaining_s <= timeout_s - 0.5


def test_without_a_timestamp_the_extension_timeout_counts(hanging: Bench) -> None:
    began = time.time()
    reply = hanging.cell.reply_to(hanging.cell.send(request_message(), timeout_s=None))
    assert reply.status == 504
    assert 1.4 < reply.received_at - began < 2.0


def test_a_timestamp_far_away_does_not_make_anybody_wait(hanging: Bench) -> None:
    began = time.time()
    assert hanging.cell.reply_to(hanging.cell.send(request_message(), timeout_s=3600)).status == 504
    assert time.time() - began < 2.0


def test_others_are_answered_while_one_hangs(hanging: Bench) -> None:
    slow = [hanging.cell.send(request_message()) for _ in range(10)]
    began = time.monotonic()
    assert hanging.cell.ask("GET", "/api/cse").status == 200
    assert time.monotonic() - began < 1.0
    assert {hanging.cell.reply_to(one).status for one in slow} == {504}
