"""vCD's end of an API extension: sends requests over AMQP as a cell does, and collects the replies."""

import base64
import contextlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pika

from cse_testing.waiting import LIMIT_S, wait_until

TOKEN = "0123456789abcdef0123456789abcdef"

T = TypeVar("T")


@dataclass(frozen=True)
class HttpReply:
    """What vCD would hand to its client."""

    id: str
    status: int
    headers: Mapping[str, Any]
    content: bytes
    received_at: float

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def message(self) -> Any:
        return self.json["message"]


def request_message(
    method: str = "GET",
    path: str = "/api/cse/template",
    *,
    body: object = None,
    headers: Mapping[str, object] | None = None,
    message_id: str | None = None,
    **keys: object,
) -> list[Any]:
    """The array that vCD sends for an HTTP request; `body` is sent as JSON unless it is bytes."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    default = {"Accept": "application/*+json;version=31.0", "x-vcloud-authorization": TOKEN}
    message = {
        "id": message_id or str(uuid.uuid4()),
        "method": method,
        "requestUri": path,
        "queryString": None,
        "protocol": "HTTP/1.1",
        "scheme": "https",
        "remoteAddr": "198.51.100.23",
        "remotePort": 40600,
        "localAddr": "192.0.2.10",
        "localPort": 443,
        "headers": default if headers is None else dict(headers),
        "body": base64.b64encode(content).decode(),
        "statusCode": 0,
        "request": True,
        **keys,
    }
    context = {"user": "urn:vcloud:user:1", "org": "urn:vcloud:org:1", "rights": []}
    return [message, context]


class Cell:
    """A vCD cell: sends requests to an extension's exchange and collects the replies."""

    def __init__(self, url: str, *, exchange: str, routing_key: str) -> None:
        self._url = url
        self.exchange = exchange
        self.routing_key = routing_key
        self.reply_exchange = f"{exchange}.replyExchange"
        self.reply_queue = f"{exchange}.replyQueue"
        self.replies: dict[str, list[HttpReply]] = {}
        self._connect()

    def _connect(self) -> None:
        parameters = pika.URLParameters(self._url)
        parameters.heartbeat = 0  # a cell that many tests share says nothing while others run
        self._connection = pika.BlockingConnection(parameters)
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()
        self._channel.exchange_declare(self.exchange, "direct", durable=True)
        self._channel.exchange_declare(self.reply_exchange, "direct", durable=True)
        self._channel.queue_declare(self.reply_queue, durable=True)
        self._channel.queue_bind(self.reply_queue, self.reply_exchange, self.reply_queue)
        self._channel.basic_consume(self.reply_queue, self._on_reply, auto_ack=True)

    def reconnect(self) -> None:
        """After the broker was away."""
        self.close()
        self._connect()

    def close(self) -> None:
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.close()
        self._connection._cleanup()  # pika leaves sockets open when the broker went away between two calls

    def receive(self) -> None:
        """Takes the replies that have come."""
        self._connection.process_data_events(time_limit=0)

    def send(
        self,
        content: object,
        *,
        timeout_s: float | None = LIMIT_S,
        properties: pika.BasicProperties | None = None,
    ) -> str:
        """Sends a message (JSON unless it is bytes) and returns its correlation id."""
        correlation_id = str(uuid.uuid4())
        if properties is None:
            properties = self.properties(correlation_id, timeout_s=timeout_s)
        elif properties.correlation_id is None:
            properties.correlation_id = correlation_id
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._channel.basic_publish(self.exchange, self.routing_key, data, properties, mandatory=True)
        return str(properties.correlation_id)

    def properties(
        self, correlation_id: str | None = None, *, timeout_s: float | None = LIMIT_S, **headers: object
    ) -> pika.BasicProperties:
        values: dict[str, object] = {"messageType": "ProcessHttpRequest", "replyToExchange": self.reply_exchange}
        if timeout_s is not None:
            values["replyByTimestamp"] = int((time.time() + timeout_s) * 1000)
        return pika.BasicProperties(
            content_type="application/octet-stream",
            correlation_id=correlation_id,
            reply_to=self.reply_queue,
            delivery_mode=1,
            priority=0,
            headers={**values, **headers},
        )

    def reply_to(self, correlation_id: str) -> HttpReply:
        """Waits for a reply; fails if none comes."""
        self.wait_until(lambda: correlation_id in self.replies, f"the reply to {correlation_id}")
        return self.replies[correlation_id][0]

    def wait_until(
        self, condition: Callable[[], T | None], what: str, *, seen: Callable[[], object] | None = None
    ) -> T:
        """As `cse_testing.waiting.wait_until`, and receives replies meanwhile."""
        receive = partial(self._connection.process_data_events, time_limit=0.02)
        return wait_until(condition, what, seen=seen, pause=receive)

    def ask(self, method: str = "GET", path: str = "/api/cse/template", **keys: Any) -> HttpReply:
        """Sends a request and waits for the reply."""
        message = request_message(method, path, **keys)
        reply = self.reply_to(self.send(message))
        assert reply.id == message[0]["id"]
        return reply

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.routing_key}.dead-letter"

    def take_dead_letter(self) -> tuple[pika.BasicProperties, bytes]:
        """Waits for a message in the dead-letter queue and takes it."""

        def taken() -> tuple[pika.BasicProperties, bytes] | None:
            method, properties, content = self._channel.basic_get(self.dead_letter_queue, auto_ack=True)
            return None if method is None else (properties, content)

        return self.wait_until(taken, "a dead letter")

    def message_count(self, queue: str) -> int:
        """How many messages wait in a queue, unacknowledged ones left out."""
        return int(self._channel.queue_declare(queue, passive=True).method.message_count)

    def consumer_count(self) -> int:
        """How many gateways consume from the extension's queue."""
        return int(self._channel.queue_declare(self.routing_key, passive=True).method.consumer_count)

    def purge(self, queue: str) -> None:
        self._channel.queue_purge(queue)

    def _on_reply(self, _channel: object, _method: object, properties: Any, content: bytes) -> None:
        reply = json.loads(content)
        assert reply["request"] is False
        decoded = base64.b64decode(reply["body"], validate=True)
        assert int(reply["headers"]["Content-Length"]) == len(decoded)
        self.replies.setdefault(properties.correlation_id, []).append(
            HttpReply(reply["id"], reply["statusCode"], reply["headers"], decoded, time.time())
        )
