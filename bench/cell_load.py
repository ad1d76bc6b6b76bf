"""Load as vCD puts it on an extension: requests over AMQP, so many of them under way at once."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pika
from measure import Latencies
from pika.adapters.asyncio_connection import AsyncioConnection

REPLY_EXCHANGE = "bench.replyExchange"
_REPLY_QUEUE = "bench.replyQueue"
_PATIENCE_S = 10.0


@dataclass
class Outcome:
    """What became of the requests of one run."""

    seconds: float
    latencies: Latencies
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.latencies.seconds) / self.seconds


class CellLoad:
    """One connection that plays a cell of vCD."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def connect(self) -> None:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = AsyncioConnection(
            pika.URLParameters(self._url), on_open_callback=lambda _connection: opened.set_result(None)
        )
        await opened
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._connection.channel(on_open_callback=ready.set_result)
        self._channel = await ready
        await self._call(self._channel.exchange_declare, exchange=REPLY_EXCHANGE, exchange_type="direct")
        await self._call(self._channel.queue_declare, queue=_REPLY_QUEUE)
        await self._call(
            self._channel.queue_bind, queue=_REPLY_QUEUE, exchange=REPLY_EXCHANGE, routing_key=_REPLY_QUEUE
        )
        await self._call(
            self._channel.basic_consume, queue=_REPLY_QUEUE, on_message_callback=self._on_reply, auto_ack=True
        )

    async def close(self) -> None:
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection.add_on_close_callback(lambda _connection, _reason: closed.set_result(None))
        self._connection.close()
        await closed

    async def ask(self, exchange: str, routing_key: str, path: str, token: str) -> dict[str, Any]:
        """Sends `GET path` and returns the body of the reply's message."""
        correlation_id = str(uuid.uuid4())
        message = {
            "id": str(uuid.uuid4()),
            "method": "GET",
            "requestUri": path,
            "queryString": None,
            "protocol": "HTTP/1.1",
            "scheme": "https",
            "remoteAddr": "198.51.100.23",
            "remotePort": 40600,
            "localAddr": "192.0.2.10",
            "localPort": 443,
            "headers": {
                "Accept": "application/*+json;version=31.0",
                "User-Agent": "python-requests/2.22.0",
                "Connection": "keep-alive",
                "x-vcloud-authorization": token,
                "Host": "vcd.example.com",
                "Accept-Encoding": "gzip, deflate",
            },
            "body": "",
            "statusCode": 0,
            "request": True,
        }
        context = {"user": "urn:vcloud:user:1", "org": "urn:vcloud:org:1", "rights": []}
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = reply
        self._channel.basic_publish(
            exchange,
            routing_key,
            json.dumps([message, context]),
            pika.BasicProperties(
                content_type="application/octet-stream",
                correlation_id=correlation_id,
                reply_to=_REPLY_QUEUE,
                delivery_mode=1,
                headers={
                    "messageType": "ProcessHttpRequest",
                    "replyToExchange": REPLY_EXCHANGE,
                    "replyByTimestamp": int((time.time() + _PATIENCE_S) * 1000),
                },
            ),
        )
        async with asyncio.timeout(_PATIENCE_S):
            return await reply

    async def run(
        self, exchange: str, routing_key: str, path: str, token: str, *, at_once: int, seconds: float
    ) -> Outcome:
        """Keeps `at_once` requests under way for `seconds`."""
        outcome = Outcome(0.0, Latencies())
        began = time.perf_counter()

        async def worker() -> None:
            while time.perf_counter() - began < seconds:
                sent = time.perf_counter()
                reply = await self.ask(exchange, routing_key, path, token)
                outcome.latencies.seconds.append(time.perf_counter() - sent)
                status = reply["statusCode"]
                outcome.statuses[status] = outcome.statuses.get(status, 0) + 1

        await asyncio.gather(*(worker() for _ in range(at_once)))
        outcome.seconds = time.perf_counter() - began
        return outcome

    def _on_reply(self, _channel: object, _method: object, properties: Any, body: bytes) -> None:
        waiting = self._waiting.pop(properties.correlation_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(json.loads(body))

    async def _call(self, method: Any, **arguments: Any) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        method(callback=lambda _frame: done.set_result(None), **arguments)
        await done
