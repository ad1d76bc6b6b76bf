"""One vCD cell on the message bus: its reply queue, its connection, the requests that wait for a reply."""

import asyncio
import logging
import random
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import pika

from vcd_simulator.extensions.broker import AmqpSettings, BrokerError
from vcd_simulator.extensions.disturbance import Disturbance
from vcd_simulator.extensions.errors import (
    ExtensionTimeoutError,
    ExtensionUnreachableError,
    MalformedReplyError,
    ReplyMismatchError,
)
from vcd_simulator.extensions.link import Link
from vcd_simulator.extensions.messages import (
    ForwardedReply,
    ForwardedRequest,
    ForwardingOptions,
    decode_reply,
    encode_request,
    new_id,
)

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 3.0
_TRANSIENT = 1
_REMEMBERED = 10_000


class Destination(Protocol):
    """Where a service listens."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def exchange(self) -> str: ...
    @property
    def routing_key(self) -> str: ...


@dataclass(kw_only=True)
class ForwardingStats:
    """What became of the messages so far."""

    sent: int = 0
    answered: int = 0
    timed_out: int = 0
    unreachable: int = 0
    late: int = 0
    """Replies to requests whose time was up."""
    repeated: int = 0
    """Replies to requests that had been answered."""
    unknown: int = 0
    """Replies to requests that this cell never sent."""
    malformed: int = 0
    mismatched: int = 0
    """Replies whose body carries another request's id."""
    connections: int = 0


@dataclass(frozen=True, kw_only=True)
class _Waiter:
    message_id: str
    service_name: str
    reply: asyncio.Future[ForwardedReply]


class Cell:
    """Runs on one event loop, and belongs to it."""

    def __init__(
        self,
        cell_id: str,
        settings: AmqpSettings,
        options: ForwardingOptions,
        stats: ForwardingStats,
        disturbance: Disturbance,
    ) -> None:
        self._settings = settings
        self._options = options
        self._stats = stats
        self._disturbance = disturbance
        self._name = f"vCloud Director cell {cell_id}"
        self.reply_exchange = f"{settings.prefix}.replyExchange"
        self.reply_queue = f"{settings.prefix}.replyQueue.{cell_id}"
        self._link: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        self._waiters: dict[str, _Waiter] = {}
        self._finished: OrderedDict[str, bool] = OrderedDict()  # correlation id → answered in time

    @property
    def in_flight(self) -> int:
        """How many requests wait for their reply."""
        return len(self._waiters)

    async def connected(self, timeout_s: float) -> bool:
        """Whether there is a connection before the time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    try:
                        await asyncio.shield(self._link)
                    except BrokerError:
                        continue
                    return True
        except TimeoutError:
            return False

    async def run(self) -> None:
        """Stay connected until cancelled; an unreachable broker is tried again for ever."""
        pause = _FIRST_PAUSE_S
        try:
            while True:
                try:
                    link = await self._connect()
                except BrokerError as error:
                    log.warning("The message broker is away: %s", error)
                    self._fail_those_waiting_for_the_link(error)
                    pause = min(pause * 2, _LONGEST_PAUSE_S)
                else:
                    self._link.set_result(link)
                    pause = _FIRST_PAUSE_S
                    await link.wait_closed()
                    log.warning("The connection to the message broker was lost")
                    self._link = asyncio.get_running_loop().create_future()
                await self._rest(pause)
        finally:
            await self._leave()

    async def exchange(self, service: Destination, request: ForwardedRequest, timeout_s: float) -> ForwardedReply:
        """Send a request to a service and wait for the reply.

        Raises:
            ForwardingError: there is none.
        """
        correlation_id, message_id = new_id(), new_id()
        body = encode_request(request, message_id, self._options)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(message_id=message_id, service_name=service.name, reply=loop.create_future())
        deadline = loop.time() + timeout_s
        properties = self._properties(request.message_type, correlation_id, timeout_s)
        self._waiters[correlation_id] = waiter
        try:
            for _ in range(await self._disturbance.requests(service.name, request.path)):
                await self._send(service, properties, body, deadline)
            try:
                async with asyncio.timeout_at(deadline):
                    reply = await waiter.reply
            except TimeoutError as error:
                self._stats.timed_out += 1
                raise ExtensionTimeoutError(service.name, timeout_s) from error
        finally:
            del self._waiters[correlation_id]
            self._remember(correlation_id, answered=waiter.reply.done() and not waiter.reply.cancelled())
        self._stats.answered += 1
        return reply

    def _properties(self, message_type: str, correlation_id: str, timeout_s: float) -> pika.BasicProperties:
        headers: dict[str, object] = {"messageType": message_type, "replyToExchange": self.reply_exchange}
        if self._options.reply_by_timestamp:
            headers["replyByTimestamp"] = int((time.time() + timeout_s) * 1000)  # more than 32 bits: a long on the wire
        return pika.BasicProperties(
            content_type="application/octet-stream",
            correlation_id=correlation_id,
            reply_to=self.reply_queue,
            delivery_mode=_TRANSIENT,
            priority=0,
            headers=headers,
        )

    async def _send(self, service: Destination, properties: pika.BasicProperties, body: bytes, deadline: float) -> None:
        """Hand the message to the broker, over a connection made at once if there is none."""
        try:
            async with asyncio.timeout_at(deadline):
                self._hurry.set()
                link = await asyncio.shield(self._link)
                await link.publish(service.exchange, service.routing_key, properties, body)
        except (BrokerError, TimeoutError) as error:
            self._stats.unreachable += 1
            log.warning("A request for service %s cannot be sent: %s", service.id, error)
            raise ExtensionUnreachableError(service.id) from error
        self._stats.sent += 1

    async def _connect(self) -> Link:
        link = await Link.open(
            self._settings,
            self._name,
            exchange=self.reply_exchange,
            queue=self.reply_queue,
            on_reply=self._on_reply,
        )
        self._stats.connections += 1
        return link

    def _fail_those_waiting_for_the_link(self, error: BrokerError) -> None:
        failed, self._link = self._link, asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        failed.exception()  # nobody may be waiting; that is no reason for asyncio to complain

    async def _rest(self, pause_s: float) -> None:
        """Wait before the next attempt, unless a request is in a hurry."""
        self._hurry.clear()
        try:
            async with asyncio.timeout(pause_s * random.uniform(0.5, 1.0)):  # noqa: S311  # jitter, no secret
                await self._hurry.wait()
        except TimeoutError:
            pass

    async def _leave(self) -> None:
        if not self._link.done():
            self._link.cancel()
            return
        link = self._link.result()
        if link.is_closed:
            return
        try:
            async with asyncio.timeout(2):
                await link.close()
        except (BrokerError, TimeoutError) as error:
            log.warning("The cell left the message broker without a good-bye: %s", error)

    def _on_reply(self, correlation_id: str | None, body: bytes) -> None:
        waiter = self._waiters.get(correlation_id or "")
        delay_s, copies = (0.0, 1) if waiter is None else self._disturbance.replies(waiter.service_name)
        for _ in range(copies):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._take, correlation_id, body)
            else:
                self._take(correlation_id, body)

    def _take(self, correlation_id: str | None, body: bytes) -> None:
        waiter = self._waiters.get(correlation_id or "")
        if waiter is None or waiter.reply.done():
            self._count_stray(correlation_id, repeated=waiter is not None)
            return
        try:
            message_id, reply = decode_reply(body)
        except MalformedReplyError as error:
            self._stats.malformed += 1
            log.warning("A reply of service %s was ignored: %s", waiter.service_name, error)
            return
        if message_id != waiter.message_id:
            self._stats.mismatched += 1
            log.warning("A reply of service %s carries the id of another request", waiter.service_name)
            if self._options.strict_reply_ids:
                waiter.reply.set_exception(ReplyMismatchError(waiter.service_name))
                return
        waiter.reply.set_result(reply)

    def _count_stray(self, correlation_id: str | None, *, repeated: bool) -> None:
        answered = True if repeated else self._finished.get(correlation_id or "")
        if answered is None:
            self._stats.unknown += 1
        elif answered:
            self._stats.repeated += 1
        else:
            self._stats.late += 1

    def _remember(self, correlation_id: str, *, answered: bool) -> None:
        self._finished[correlation_id] = answered
        if len(self._finished) > _REMEMBERED:
            self._finished.popitem(last=False)
