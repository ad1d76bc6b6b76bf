"""Messages that are lost, come twice or late."""

import time
from collections.abc import Iterator

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.amqp_extension import Extension
from cse_testing.vcd_rest import XML, VcdRest
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.extensions.registry import ExtensionRegistry, FilterSpec, ServiceSpec
from vcd_simulator.faults import Drop, Duplicate
from vcd_simulator.simulator import Simulator

SOON_S = 1.0
"""The time that an extension has where it is not to answer."""


@pytest.fixture(scope="module")
def running(broker: PrivateRabbitMQ) -> Iterator[Simulator]:
    with Simulator(amqp=broker.url, extension_timeout_s=LIMIT_S) as vcd:
        assert vcd.forwarder.wait_until_connected(LIMIT_S)
        with vcd.cloud.lock:
            pattern = FilterSpec(url_pattern="/api/hello")
            ExtensionRegistry(vcd.cloud).register(
                ServiceSpec(
                    name="hello", namespace="hello", exchange="lossy-ext", routing_key="lossy", filters=(pattern,)
                )
            )
        yield vcd


@pytest.fixture
def extension(running: Simulator, broker: PrivateRabbitMQ) -> Iterator[Extension]:
    running.stats.reset()
    running.forwarder.timeout_s = LIMIT_S
    with Extension(broker.url, "lossy-ext", "lossy") as consumer:
        yield consumer
    running.faults.clear()


@pytest.fixture
def alice(running: Simulator) -> VcdRest:
    return VcdRest.login(running.address, org="acme", user="alice", password="alice-secret")


def hello(alice: VcdRest) -> int:
    return alice.send("GET", "/api/hello", accept=XML).status


def hello_in_vain(vcd: Simulator, alice: VcdRest) -> int:
    """Asks while answers have little time."""
    vcd.forwarder.timeout_s = SOON_S
    status = hello(alice)
    vcd.forwarder.timeout_s = LIMIT_S
    return status


def test_a_lost_request_times_out_and_the_next_one_arrives(
    running: Simulator, extension: Extension, alice: VcdRest
) -> None:
    fault = running.faults.add(service="hello", message="request", error=Drop())
    assert (hello_in_vain(running, alice), fault.injected, extension.received.qsize()) == (504, 1, 0)
    assert hello(alice) == 200
    assert running.stats.total("message", "request hello") == 2
    assert running.stats.total("rest", "GET (extension)", "alice@acme") == 2


def test_a_request_that_comes_twice_is_answered_twice(running: Simulator, extension: Extension, alice: VcdRest) -> None:
    running.faults.add(service="hello", route="/api/hel*", message="request", error=Duplicate())
    assert hello(alice) == 200
    first, second = extension.take(), extension.take()
    assert first.request["id"] == second.request["id"]
    assert first.properties.correlation_id == second.properties.correlation_id


def test_a_lost_reply_times_out(running: Simulator, extension: Extension, alice: VcdRest) -> None:
    running.faults.add(message="reply", error=Drop())
    assert hello_in_vain(running, alice) == 504
    assert extension.take().request["requestUri"] == "/api/hello"
    assert hello(alice) == 200


def test_a_repeated_reply_is_counted(running: Simulator, extension: Extension, alice: VcdRest) -> None:
    before = running.forwarder.stats.repeated
    running.faults.add(message="reply", error=Duplicate(copies=2))
    assert hello(alice) == 200
    forwarder = running.forwarder
    wait_until(lambda: forwarder.stats.repeated == before + 2, "two repeated replies", seen=lambda: forwarder.stats)


def test_a_message_is_late(running: Simulator, extension: Extension, alice: VcdRest) -> None:
    for message in ("request", "reply"):
        running.faults.add(message=message, delay_s=0.2)
    began = time.monotonic()
    assert hello(alice) == 200
    assert time.monotonic() - began > 0.39
    running.faults.add(message="reply", delay_s=SOON_S + 0.2)
    assert hello_in_vain(running, alice) == 504
