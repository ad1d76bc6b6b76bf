"""An API extension for tests: the far end of vCD's forwarding, written with nothing but pika."""

import base64
import contextlib
import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pika
from pika.adapters.blocking_connection import BlockingChannel

from cse_testing.waiting import LIMIT_S


@dataclass(frozen=True)
class Received:
    """One message as it came: its properties, its decoded JSON, where it was published."""

    properties: pika.BasicProperties
    elements: list[Any]
    exchange: str
    routing_key: str

    @property
    def request(self) -> dict[str, Any]:
        """The HTTP message."""
        message: dict[str, Any] = self.elements[0]
        return message


Answer = Callable[[Received], list[tuple[str | None, bytes]]]
"""What to publish for a request: correlation ids and bodies."""


def reply_body(received: Received, status: Any = 200, body: Any = "", **overrides: Any) -> bytes:
    """A well-formed reply; `body` is text, `overrides` replace keys of the reply."""
    reply = {
        "id": received.request["id"],
        "headers": {"Content-Type": "application/json", "Content-Length": len(body)},
        "statusCode": status,
        "body": base64.b64encode(body.encode()).decode(),
        "request": False,
    }
    return json.dumps(reply | overrides).encode()


def answer_with(status: Any = 200, body: str = "", **overrides: Any) -> Answer:
    """Answer every request alike."""

    def answer(received: Received) -> list[tuple[str | None, bytes]]:
        return [(received.properties.correlation_id, reply_body(received, status, body, **overrides))]

    return answer


class Extension:
    """Consumes a queue in a thread of its own until the `with` ends."""

    def __init__(self, url: str, exchange: str, routing_key: str, answer: Answer | None = None) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.answer = answer or answer_with()
        self.received: queue.Queue[Received] = queue.Queue()
        self._url = url
        self._ready = threading.Event()
        self._connection: pika.BlockingConnection | None = None
        self._thread = threading.Thread(target=self._run, name="extension")
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LIMIT_S), "the extension did not connect"
        if self._error is not None:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if connection is not None and connection.is_open:
            with contextlib.suppress(pika.exceptions.AMQPError):  # tests kill brokers
                connection.add_callback_threadsafe(self._channel.stop_consuming)
        self._thread.join(LIMIT_S)

    def take(self) -> Received:
        """The next request; waits for it."""
        return self.received.get(timeout=LIMIT_S)

    def publish(self, exchange: str, routing_key: str, correlation_id: str | None, body: bytes) -> None:
        """Publish anything, from any thread."""
        connection = self._connection
        assert connection is not None
        properties = pika.BasicProperties(correlation_id=correlation_id)
        connection.add_callback_threadsafe(lambda: self._channel.basic_publish(exchange, routing_key, body, properties))

    def _run(self) -> None:
        try:
            self._connection = pika.BlockingConnection(pika.URLParameters(self._url))
            self._channel: BlockingChannel = self._connection.channel()
            self._channel.exchange_declare(self.exchange, "direct", durable=True)
            self._channel.queue_declare(self.routing_key, durable=True)
            self._channel.queue_bind(self.routing_key, self.exchange, self.routing_key)
            self._channel.basic_consume(self.routing_key, self._on_message, auto_ack=True)
        except pika.exceptions.AMQPError as error:
            self._error = error
            return
        finally:
            self._ready.set()
        with contextlib.suppress(pika.exceptions.AMQPError):  # tests kill brokers
            self._channel.start_consuming()
            self._connection.close()

    def _on_message(self, _channel: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        received = Received(properties, json.loads(body), method.exchange, method.routing_key)
        for correlation_id, reply in self.answer(received):
            self._channel.basic_publish(
                properties.headers["replyToExchange"],
                properties.reply_to,
                reply,
                pika.BasicProperties(correlation_id=correlation_id),
            )
        self.received.put(received)
