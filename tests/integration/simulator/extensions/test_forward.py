"""Forwarding over a real broker to an extension of the test's own."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pika
import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.amqp_extension import Answer, Extension, Received, answer_with, reply_body
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.extensions.errors import ExtensionTimeoutError, ExtensionUnreachableError, ReplyMismatchError
from vcd_simulator.extensions.forward import Forwarder, diagnose
from vcd_simulator.extensions.messages import Address, Caller, ForwardedRequest, ForwardingOptions


@dataclass(frozen=True, kw_only=True)
class AService:
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str = "cse"
    exchange: str = "cse-ext"
    routing_key: str = "cse"


def a_request(path: str = "/api/cse", body: bytes = b"", method: str = "GET") -> ForwardedRequest:
    return ForwardedRequest(
        method=method,
        path=path,
        body=body,
        headers=(("Accept", "application/*+json;version=31.0"),),
        remote=Address(host="127.0.0.1", port=40600),
        local=Address(host="127.0.0.1", port=443),
        caller=Caller(user_id="urn:vcloud:user:u", org_id="urn:vcloud:org:o", session_id="s"),
    )


Connected = Callable[..., Forwarder]


@pytest.fixture
def connected(broker: PrivateRabbitMQ) -> Iterator[Connected]:
    """Make forwarders that are connected to the broker."""
    started: list[Forwarder] = []

    def connect(*, timeout_s: float = LIMIT_S, cells: int = 1, options: ForwardingOptions | None = None) -> Forwarder:
        forwarder = Forwarder(AmqpSettings.from_url(broker.url), timeout_s=timeout_s, cells=cells, options=options)
        started.append(forwarder)
        forwarder.start()
        assert forwarder.wait_until_connected(LIMIT_S)
        return forwarder

    yield connect
    for forwarder in started:
        forwarder.stop()


def an_extension(broker: PrivateRabbitMQ, service: AService, answer: Answer | None = None) -> Extension:
    return Extension(broker.url, service.exchange, service.routing_key, answer)


def test_a_request_has_the_properties_that_services_rely_on(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(timeout_s=LIMIT_S), AService()
    with an_extension(broker, service) as extension:
        before_ms = int(time.time() * 1000)
        forwarder.forward(service, a_request())
        after_ms = int(time.time() * 1000) + 1
        received = extension.take()
    properties = received.properties
    headers = properties.headers
    assert (received.exchange, received.routing_key) == ("cse-ext", "cse")
    assert properties.content_type == "application/octet-stream"
    assert (properties.delivery_mode, properties.priority) == (1, 0)
    assert properties.reply_to == f"vcd.replyQueue.{forwarder.cell_ids[0]}"
    assert uuid.UUID(properties.correlation_id) != uuid.UUID(received.request["id"])
    assert set(headers) == {"messageType", "replyToExchange", "replyByTimestamp"}
    assert (headers["messageType"], headers["replyToExchange"]) == ("ProcessHttpRequest", "vcd.replyExchange")
    assert before_ms <= headers["replyByTimestamp"] - LIMIT_S * 1000 <= after_ms
    unset = ("app_id", "message_id", "timestamp", "expiration", "type", "user_id", "content_encoding")
    assert [getattr(properties, name) for name in unset] == [None] * len(unset)


def test_the_time_stamp_of_older_releases_is_missing(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(options=ForwardingOptions(reply_by_timestamp=False)), AService()
    with an_extension(broker, service) as extension:
        forwarder.forward(service, a_request())
        assert "replyByTimestamp" not in extension.take().properties.headers


def test_a_binary_body_of_10_mb_comes_back_exactly(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(), AService()
    body = bytes(range(256)) * 40_000

    def echo(received: Received) -> list[tuple[str | None, bytes]]:
        reply = json.loads(reply_body(received, 202)) | {"body": received.request["body"]}
        return [(received.properties.correlation_id, json.dumps(reply).encode())]

    with an_extension(broker, service, echo):
        reply = forwarder.forward(service, a_request(body=body, method="POST"))
    assert (reply.status, reply.body) == (202, body)


def test_hundreds_of_requests_in_flight_each_get_their_own_reply(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(), AService()
    count = 400
    held: list[Received] = []

    def answer_all_in_reverse_once_complete(received: Received) -> list[tuple[str | None, bytes]]:
        held.append(received)
        if len(held) < count:
            return []
        return [(one.properties.correlation_id, reply_body(one, body=one.request["requestUri"])) for one in held[::-1]]

    with (
        an_extension(broker, service, answer_all_in_reverse_once_complete),
        ThreadPoolExecutor(max_workers=count) as threads,
    ):
        replies = list(threads.map(lambda n: forwarder.forward(service, a_request(f"/api/cse/{n}")), range(count)))
    assert [reply.body.decode() for reply in replies] == [f"/api/cse/{n}" for n in range(count)]
    assert (forwarder.stats.sent, forwarder.stats.answered, forwarder.in_flight) == (count, count, 0)


async def test_callers_on_an_event_loop_wait_without_threads(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(), AService()
    with an_extension(broker, service, answer_with(201, "done")):
        reply = await forwarder.forward_async(service, a_request())
    assert (reply.status, reply.body) == (201, b"done")


def test_a_service_that_does_not_answer_gives_504_with_its_name_and_the_time(
    broker: PrivateRabbitMQ, connected: Connected
) -> None:
    forwarder, service = connected(timeout_s=1), AService()
    with an_extension(broker, service, lambda _received: []), pytest.raises(ExtensionTimeoutError) as refusal:
        forwarder.forward(service, a_request())
    assert (refusal.value.status, refusal.value.minor) == (504, "GATEWAY_TIMEOUT")
    assert refusal.value.message == "External service 'cse' failed to respond in the specified timeout (1 SECONDS)"
    assert forwarder.stats.timed_out == 1


def test_a_message_that_no_queue_takes_times_out(connected: Connected, broker: PrivateRabbitMQ) -> None:
    forwarder, service = connected(timeout_s=1), AService(routing_key="nobody-listens")
    with pytest.raises(ExtensionTimeoutError), an_extension(broker, AService()):  # the exchange exists
        forwarder.forward(service, a_request())


def test_late_repeated_and_unknown_replies_are_counted_and_harm_nobody(
    broker: PrivateRabbitMQ, connected: Connected
) -> None:
    forwarder, service = connected(timeout_s=1), AService()
    with an_extension(broker, service, lambda _received: []) as extension:
        with pytest.raises(ExtensionTimeoutError):
            forwarder.forward(service, a_request())
        slow = extension.take()
        reply_to, exchange = slow.properties.reply_to, slow.properties.headers["replyToExchange"]
        extension.publish(exchange, reply_to, slow.properties.correlation_id, reply_body(slow))
        wait_until(lambda: forwarder.stats.late == 1, "a late reply", seen=lambda: forwarder.stats)
        extension.publish(exchange, reply_to, str(uuid.uuid4()), reply_body(slow))
        extension.publish(exchange, reply_to, None, reply_body(slow))
        wait_until(lambda: forwarder.stats.unknown == 2, "unknown replies", seen=lambda: forwarder.stats)
        extension.answer = lambda received: answer_with()(received) * 2
        forwarder.timeout_s = LIMIT_S
        assert forwarder.forward(service, a_request()).status == 200
        wait_until(lambda: forwarder.stats.repeated == 1, "a repeated reply", seen=lambda: forwarder.stats)


MALFORMED = {
    "no JSON": b"{",
    "no UTF-8": b'{"id": "\xff"}',
    "an array": b"[]",
    "no id": b'{"statusCode": 200}',
    "a number of absurd length": b'{"id": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_reply_that_cannot_be_read_is_ignored(broker: PrivateRabbitMQ, connected: Connected, body: bytes) -> None:
    forwarder, service = connected(), AService()

    def malformed_then_good(received: Received) -> list[tuple[str | None, bytes]]:
        return [(received.properties.correlation_id, body), *answer_with(200, "good")(received)]

    with an_extension(broker, service, malformed_then_good):
        assert forwarder.forward(service, a_request()).body == b"good"
    assert forwarder.stats.malformed == 1


def test_a_reply_with_a_foreign_id_passes_and_is_counted(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(), AService()
    with an_extension(broker, service, answer_with(200, "x", id="another")):
        assert forwarder.forward(service, a_request()).body == b"x"
    assert forwarder.stats.mismatched == 1


def test_a_reply_with_a_foreign_id_fails_where_that_is_asked_for(broker: PrivateRabbitMQ, connected: Connected) -> None:
    forwarder, service = connected(options=ForwardingOptions(strict_reply_ids=True)), AService()
    with an_extension(broker, service, answer_with(200, "x", id="another")), pytest.raises(ReplyMismatchError):
        forwarder.forward(service, a_request())


def test_a_missing_exchange_fails_at_once_and_only_its_own_requests(
    broker: PrivateRabbitMQ, connected: Connected
) -> None:
    forwarder, service = connected(), AService()
    lost = AService(exchange="no-such-exchange")
    with an_extension(broker, service):
        for _ in range(2):
            with pytest.raises(ExtensionUnreachableError) as refusal:
                forwarder.forward(lost, a_request())
            assert forwarder.forward(service, a_request()).status == 200
    assert refusal.value.status == 500
    assert refusal.value.message == (
        f"Cannot send message to service with id: {lost.id}. Check your service configuration."
    )
    assert (forwarder.stats.unreachable, forwarder.stats.connections) == (2, 1)


def test_several_cells_share_the_requests_and_each_has_its_reply_queue(
    broker: PrivateRabbitMQ, connected: Connected
) -> None:
    forwarder, service = connected(cells=3), AService()
    with an_extension(broker, service) as extension:
        for _ in range(6):
            forwarder.forward(service, a_request())
        reply_to = [extension.take().properties.reply_to for _ in range(6)]
    assert sorted(reply_to) == sorted(f"vcd.replyQueue.{cell}" for cell in forwarder.cell_ids * 2)


def test_a_stopped_forwarder_leaves_no_queue_behind_and_fails_what_waits(
    broker: PrivateRabbitMQ, connected: Connected
) -> None:
    forwarder, service = connected(), AService()
    with an_extension(broker, service, lambda _received: []) as extension, ThreadPoolExecutor() as threads:
        waiting = threads.submit(forwarder.forward, service, a_request())
        reply_to = extension.take().properties.reply_to
        forwarder.stop()
        assert isinstance(waiting.exception(LIMIT_S), ExtensionUnreachableError)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:

        def is_gone() -> bool:
            try:
                connection.channel().queue_declare(reply_to, passive=True)
            except pika.exceptions.ChannelClosedByBroker as refusal:
                return "NOT_FOUND" in str(refusal)
            return False

        wait_until(is_gone, "the queue to be deleted")


def test_requests_fail_while_the_broker_is_away_and_work_as_soon_as_it_is_back(own_broker: PrivateRabbitMQ) -> None:
    service = AService()
    with Forwarder(AmqpSettings.from_url(own_broker.url), timeout_s=LIMIT_S) as forwarder:
        assert forwarder.wait_until_connected(LIMIT_S)
        with an_extension(own_broker, service):
            assert forwarder.forward(service, a_request()).status == 200
            own_broker.kill()
        with pytest.raises(ExtensionUnreachableError):
            forwarder.forward(service, a_request())
        own_broker.start()
        with an_extension(own_broker, service):
            assert forwarder.forward(service, a_request()).status == 200  # connects for this very request
        assert forwarder.stats.connections == 2
        own_broker.restart()
        assert forwarder.wait_until_connected(LIMIT_S)  # without any request


def test_other_settings_take_effect_at_once(broker: PrivateRabbitMQ) -> None:
    service = AService()
    with Forwarder(None, timeout_s=LIMIT_S) as forwarder, an_extension(broker, service) as extension:
        with pytest.raises(ExtensionUnreachableError):
            forwarder.forward(service, a_request())
        forwarder.configure(AmqpSettings.from_url(broker.url, prefix="site-b"))
        forwarder.forward(service, a_request())
        received = extension.take()
    assert received.properties.headers["replyToExchange"] == "site-b.replyExchange"
    assert received.properties.reply_to.startswith("site-b.replyQueue.")


def test_a_diagnosis_tells_good_settings_from_bad(broker: PrivateRabbitMQ) -> None:
    good = AmqpSettings.from_url(broker.url)
    assert diagnose(good) is None
    refused = diagnose(AmqpSettings(host=good.host, port=good.port, username="lab", password="wrong-one"))
    assert refused is not None
    assert "ACCESS_REFUSED" in refused
    assert "wrong-one" not in refused
    assert "refused" in (diagnose(AmqpSettings(port=1)) or "")
