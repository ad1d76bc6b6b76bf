"""The gateway and its broker: restarts, redelivery, what CSE 1.2.x left behind, what an administrator deleted."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pika
import pytest
import structlog

from cse_core.errors import UnavailableError
from cse_gateway import bootstrap
from cse_gateway.bootstrap import create
from cse_gateway.entrypoints.amqp import listener
from cse_gateway.settings import GatewaySettings
from cse_lab.ports import free_port
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.extension import Cell, request_message
from cse_testing.fake_services import FakeServices
from cse_testing.gateway import Bench, gateway_config, health_of, running_gateway, wait_for_health
from cse_testing.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def own_broker() -> Iterator[PrivateRabbitMQ]:
    """One for the tests here, which kill and restart it, and leave it running."""
    with PrivateRabbitMQ() as running:
        yield running


@pytest.fixture
def own(own_broker: PrivateRabbitMQ) -> Iterator[Bench]:
    """A gateway at a broker that may be killed."""
    with running_gateway(own_broker, "own") as bench:
        yield bench


def test_after_a_crash_of_the_broker_the_gateway_is_back_by_itself(own: Bench, own_broker: PrivateRabbitMQ) -> None:
    assert own.cell.ask().status == 200
    own.cell.send(b"rubbish")
    counters = own.gateway.counters
    # Handled means confirmed: before that the broker may not have written the dead letter to disk.
    wait_until(lambda: counters.dead_lettered == 1 and counters.in_flight == 0, "rubbish to be kept")
    own_broker.flush()
    own_broker.kill()
    wait_for_health(own.gateway.address, "NOT_SERVING")
    own_broker.start()
    own.cell.reconnect()
    sent = [own.cell.send(request_message()) for _ in range(10)]  # at once: the queue is durable and was bound
    assert [own.cell.reply_to(one).status for one in sent] == [200] * 10
    wait_for_health(own.gateway.address, "SERVING")
    assert own.cell.take_dead_letter()[1] == b"rubbish"


def test_a_request_at_work_when_the_connection_breaks_is_answered_after_it(
    own: Bench, own_broker: PrivateRabbitMQ
) -> None:
    """The broker keeps the message: it is persistent here. The second call carries the same request id."""
    entered, release = threading.Event(), threading.Event()

    def slow(request: object) -> object:
        entered.set()
        release.wait(LIMIT_S)
        raise UnavailableError("vCD does not answer")

    own.services.answers["DeleteCluster"] = slow
    properties = own.cell.properties("kept")
    properties.delivery_mode = 2
    own.cell.send(request_message("DELETE", "/api/cse/demo"), properties=properties)
    assert entered.wait(LIMIT_S)
    own_broker.flush()
    own_broker.kill()
    release.set()
    del own.services.answers["DeleteCluster"]
    own_broker.start()
    own.cell.reconnect()
    assert own.cell.reply_to("kept").status == 202
    first, again = own.services.called("DeleteCluster")
    assert first.request == again.request
    assert own.gateway.counters.redelivered == 1


def test_a_queue_that_cse_1_2_left_is_used_and_replaced_when_the_broker_restarts(
    own_broker: PrivateRabbitMQ,
) -> None:
    with pika.BlockingConnection(pika.URLParameters(own_broker.url)) as connection:
        connection.channel().queue_declare("old", durable=False)
    with structlog.testing.capture_logs() as lines, running_gateway(own_broker, "old") as bench:
        (warning,) = [line for line in lines if line["event"] == "queue_has_other_properties"]
        assert "rabbitmqctl delete_queue old" in warning["to_migrate"]
        assert bench.cell.ask().status == 200
        own_broker.restart()
        wait_until(lambda: bench.gateway.counters.connections == 2, "a new connection")
        wait_for_health(bench.gateway.address, "SERVING")
        bench.cell.reconnect()
        assert bench.cell.ask().status == 200
        with pika.BlockingConnection(pika.URLParameters(own_broker.url)) as connection:
            connection.channel().queue_declare("old", durable=True)  # refused if it were the old one


def test_a_deleted_queue_is_made_again(broker: PrivateRabbitMQ) -> None:
    with running_gateway(broker, "deleted") as bench:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            connection.channel().queue_delete("deleted")
        wait_until(lambda: bench.gateway.counters.connections == 2, "a new connection")
        wait_for_health(bench.gateway.address, "SERVING")
        assert bench.cell.ask().status == 200


def test_a_missing_exchange_is_waited_for_and_said_once(broker: PrivateRabbitMQ) -> None:
    settings = GatewaySettings(clusters_target="127.0.0.1:1", templates_target="127.0.0.1:1", listen="127.0.0.1:0")
    gateway = create(gateway_config(broker, exchange="late-ext", routing_key="late"), settings)
    with structlog.testing.capture_logs() as lines:
        gateway.start()
        try:
            wait_until(lambda: _problems(lines), "a word about what is missing")
            assert "cse install" in _problems(lines)[0]
            assert health_of(gateway.address) == "NOT_SERVING"
            cell = Cell(broker.url, exchange="late-ext", routing_key="late")
            wait_for_health(gateway.address, "SERVING")
            cell.close()
        finally:
            gateway.stop(5)
    assert len(_problems(lines)) == 1


def test_an_absent_broker_is_named_with_the_reason(broker: PrivateRabbitMQ) -> None:
    config = gateway_config(broker, exchange="x", routing_key="x")
    away = config.model_copy(update={"amqp": config.amqp.model_copy(update={"port": free_port("127.0.0.1")})})
    settings = GatewaySettings(clusters_target="127.0.0.1:1", templates_target="127.0.0.1:1", listen="127.0.0.1:0")
    gateway = create(away, settings)
    with structlog.testing.capture_logs() as lines:
        gateway.start()
        try:
            wait_until(lambda: _problems(lines), "a word about what is wrong")
        finally:
            gateway.stop(5)
    assert "refused" in _problems(lines)[0]


def test_it_ends_at_once_while_it_waits_for_a_broker_that_says_nothing(
    broker: PrivateRabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_CONNECT_TIMEOUT_S", 2 * LIMIT_S)
    monkeypatch.setattr(listener, "_CONNECT_TIMEOUT_S", 2 * LIMIT_S)  # ends at once, or much later
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = gateway_config(broker, exchange="x", routing_key="x")
        amqp = config.amqp.model_copy(update={"port": silent.getsockname()[1]})
        settings = GatewaySettings(clusters_target="127.0.0.1:1", templates_target="127.0.0.1:1", listen="127.0.0.1:0")
        gateway = create(config.model_copy(update={"amqp": amqp}), settings)
        gateway.start()
        silent.accept()[0].close()
        connection, _ = silent.accept()  # from now on it waits for a first word
        stopping = threading.Thread(target=gateway.stop, args=(LIMIT_S,))
        stopping.start()
        ended = gateway.wait(LIMIT_S)
        connection.close()
        stopping.join()
    assert ended


def test_a_wrong_password_is_told_without_the_password(broker: PrivateRabbitMQ) -> None:
    config = gateway_config(broker, exchange="x", routing_key="x")
    wrong = config.model_copy(
        update={"amqp": config.amqp.model_copy(update={"password": type(config.amqp.password)("hunter2")})}
    )
    settings = GatewaySettings(clusters_target="127.0.0.1:1", templates_target="127.0.0.1:1", listen="127.0.0.1:0")
    gateway = create(wrong, settings)
    with structlog.testing.capture_logs() as lines:
        gateway.start()
        try:
            wait_until(lambda: _problems(lines), "a word about what is wrong")
        finally:
            gateway.stop(5)
    assert "ACCESS_REFUSED" in _problems(lines)[0] or "uthenticat" in _problems(lines)[0]
    assert "hunter2" not in repr(lines)


def test_the_work_in_flight_is_bounded(broker: PrivateRabbitMQ) -> None:
    with running_gateway(broker, "bounded") as bench:
        release = threading.Event()
        most = 0

        def slow(_request: object) -> object:
            nonlocal most
            most = max(most, bench.gateway.counters.in_flight)
            release.wait(LIMIT_S)
            raise UnavailableError("too slow")

        bench.services.answers["ListTemplates"] = slow
        sent = [bench.cell.send(request_message()) for _ in range(80)]
        wait_until(lambda: bench.gateway.counters.in_flight == 50, "50 at work")
        assert bench.cell.message_count("bounded") == 30
        release.set()
        assert {bench.cell.reply_to(one).status for one in sent} == {503}
        assert most <= 50


def test_several_gateways_share_the_queue(broker: PrivateRabbitMQ) -> None:
    with running_gateway(broker, "shared") as first, running_gateway(broker, "shared") as second:
        sent = [first.cell.send(request_message()) for _ in range(40)]
        replies = first.cell.replies, second.cell.replies  # both cells read the one reply queue

        def answered() -> bool:
            second.cell.receive()
            return all(any(one in known for known in replies) for one in sent)

        first.cell.wait_until(answered, "all replies")
        assert first.gateway.counters.received + second.gateway.counters.received == 40
        assert first.gateway.counters.received > 0
        assert second.gateway.counters.received > 0


def test_nothing_behind_the_gateway_answers_and_it_does(broker: PrivateRabbitMQ) -> None:
    with running_gateway(broker, "alone") as bench:
        assert bench.cell.ask("GET", "/api/cse").status == 200
        bench.services.stop()
        for path in ("/api/cse", "/api/cse/template", "/api/cse/system", "/api/cse/demo/info"):
            reply = bench.cell.ask("GET", path)
            assert reply.status == 503  # 504 if it had been waited for
            assert "does not answer; try again" in reply.message["reason"]
        bench.services.start()
        bench.cell.wait_until(lambda: bench.cell.ask("GET", "/api/cse").status == 200, "an answer from behind")


def test_gateways_start_before_anything_behind_them(broker: PrivateRabbitMQ) -> None:
    services = FakeServices().start()
    address = services.address
    services.stop()
    settings = GatewaySettings(
        clusters_target=address,
        templates_target=address,
        listen="127.0.0.1:0",
        extension_timeout=timedelta(seconds=LIMIT_S),
    )
    cell = Cell(broker.url, exchange="first-ext", routing_key="first")
    gateway = create(gateway_config(broker, exchange="first-ext", routing_key="first"), settings)
    gateway.start()
    try:
        wait_for_health(gateway.address, "SERVING")
        assert cell.ask().status == 503
        services.start()
        cell.wait_until(lambda: cell.ask().status == 200, "an answer from behind")
    finally:
        gateway.stop(5)
        cell.close()
        services.stop()


def _problems(lines: list[structlog.typing.EventDict]) -> list[str]:
    return [str(line["problem"]) for line in lines if line["event"] == "not_consuming"]
