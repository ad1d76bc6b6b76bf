"""Answers the messages of one connection: in time, and acknowledged when the reply is safe with the broker."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import pika
import structlog

from cse_gateway.application.counters import Counters
from cse_gateway.application.dispatcher import Dispatcher
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import error_reply
from cse_gateway.entrypoints.amqp.link import Link, LinkChannel, LinkError, UnreadableProperties
from cse_gateway.entrypoints.amqp.messages import (
    Envelope,
    MalformedMessageError,
    encode_reply,
    envelope_of,
    parse_request,
)
from cse_gateway.entrypoints.amqp.topology import Topology

log = structlog.get_logger()

_CONFIRM_TIMEOUT_S: Final = 10.0
_DEAD_LETTER_BYTES: Final = 64 << 10
_TRANSIENT: Final = 1
_PERSISTENT: Final = 2


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How much time there is for an answer.

    Attributes:
        extension_timeout_s: `extensibility.timeout` of vCD; bounds what a message says, in case the clocks differ.
        margin_s: how long before vCD gives up the reply must be on its way.
        clock_tolerance_s: how far ahead of vCD's clock ours may be.
    """

    extension_timeout_s: float = 10.0
    margin_s: float = 0.5
    clock_tolerance_s: float = 0.0

    def remaining_s(self, reply_by: float | None) -> float:
        """Seconds until vCD gives up; not positive if it has."""
        if reply_by is None:
            return self.extension_timeout_s
        return min(reply_by + self.clock_tolerance_s - time.time(), self.extension_timeout_s)


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    """A message that is ours until it is acknowledged."""

    envelope: Envelope
    content: bytes
    lost_at: float
    """When vCD gives up, as time of the event loop."""


class Consumer:
    """Takes messages on one channel for as long as it lasts. Belongs to one event loop.

    Args:
        link: where replies go.
        channel: where messages come from, used for nothing else.
    """

    def __init__(
        self,
        link: Link,
        channel: LinkChannel,
        topology: Topology,
        dispatcher: Dispatcher,
        counters: Counters,
        timing: Timing,
    ) -> None:
        self._link = link
        self._channel = channel
        self._topology = topology
        self._dispatcher = dispatcher
        self._counters = counters
        self._timing = timing
        self._tag = ""
        self._at_work: set[asyncio.Task[None]] = set()

    async def start(self, prefetch: int) -> None:
        """Begins to consume; at most `prefetch` messages are at work at once."""
        await self._channel.limit_deliveries(prefetch)
        self._tag = await self._channel.consume(self._topology.queue, self._on_delivery)

    async def drain(self, grace_s: float) -> None:
        """Takes no more messages and gives those at work so long; what is not done by then goes back to the queue."""
        if self._channel.is_open:
            try:
                async with asyncio.timeout(grace_s):
                    await self._channel.cancel(self._tag)
                    while self._at_work:
                        await asyncio.wait(self._at_work)
            except (LinkError, TimeoutError) as error:
                log.warning("drain_incomplete", left=len(self._at_work), error=str(error) or "the time is over")
        await self.abandon()

    async def abandon(self) -> None:
        """Stops working on messages that cannot be answered any more; the broker delivers them again."""
        for task in self._at_work:
            task.cancel()
        if self._at_work:
            await asyncio.wait(self._at_work)

    def _on_delivery(self, method: Any, properties: Any, content: bytes) -> None:
        """Called inside of pika, which an exception would break: does nothing that could raise one."""
        self._counters.received += 1
        self._counters.redelivered += bool(method.redelivered)
        self._counters.in_flight += 1
        task = asyncio.create_task(self._handle(method.delivery_tag, properties, content))
        self._at_work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._at_work.discard(task)
        self._counters.in_flight -= 1

    async def _handle(self, tag: int, properties: Any, content: bytes) -> None:
        """Whatever becomes of the message, it is acknowledged once the outcome is safe with the broker."""
        why_dead: str | None = None
        try:
            await self._answer(self._delivery(properties, content))
        except MalformedMessageError as error:
            why_dead = error.why
        except TimeoutError:
            self._counters.unconfirmed += 1
            log.warning("reply_unconfirmed", seconds=_CONFIRM_TIMEOUT_S)
        except LinkError as error:
            if not self._channel.is_open:
                log.info("message_goes_back", error=str(error))  # and comes again, over the next connection
                return
            why_dead = f"the broker did not take the reply: {error}"
        except Exception:  # the outermost loop of a message: the next one must be answered
            log.exception("message_failed")
            why_dead = "an error inside of CSE; its log says more"
        if why_dead is None or await self._dead_letter(properties, content, why_dead):
            self._channel.acknowledge(tag)
        else:
            self._channel.reject(tag)

    def _delivery(self, properties: Any, content: bytes) -> "_Delivery":
        if isinstance(properties, UnreadableProperties):
            raise MalformedMessageError("its AMQP properties cannot be decoded")
        envelope = envelope_of(properties)
        remaining_s = self._timing.remaining_s(envelope.reply_by)
        return _Delivery(envelope=envelope, content=content, lost_at=asyncio.get_running_loop().time() + remaining_s)

    async def _answer(self, delivery: _Delivery) -> None:
        """Raises MalformedMessageError if there is nobody to answer, or nothing to go by."""
        if not delivery.envelope.routing_key:
            raise MalformedMessageError("it has no reply_to, so nobody would see the answer")
        if self._is_late(delivery):
            return
        try:
            request = parse_request(delivery.envelope, delivery.content)
        except MalformedMessageError as malformed:
            if malformed.error is None:
                raise
            reply = error_reply(malformed.error, None)
            log.warning("malformed_request", id=malformed.request_id, why=malformed.why, status=reply.status)
            self._counters.answered("malformed", reply.status)
            await self._reply(delivery, malformed.request_id, reply)
            return
        structlog.contextvars.bind_contextvars(request_id=request.id)
        reply = await self._dispatcher.answer(request, delivery.lost_at - self._timing.margin_s)
        await self._reply(delivery, request.id, reply)

    def _is_late(self, delivery: _Delivery) -> bool:
        """Whether the user has been told of a timeout, or will be before an answer can come: nothing must begin."""
        remaining_s = delivery.lost_at - asyncio.get_running_loop().time()
        if remaining_s > self._timing.margin_s:
            return False
        self._counters.late += 1
        log.warning(
            "late_request_dropped",
            remaining_s=round(remaining_s, 3),
            late_so_far=self._counters.late,
            hint="if nothing had to wait, the clocks of vCD and this machine differ: synchronise them",
        )
        return True

    async def _reply(self, delivery: _Delivery, request_id: str, reply: Reply) -> None:
        if asyncio.get_running_loop().time() >= delivery.lost_at:
            self._counters.late_replies += 1
            log.warning("late_reply_dropped", status=reply.status)
            return
        properties = pika.BasicProperties(
            content_type="application/json",
            correlation_id=delivery.envelope.correlation_id,
            delivery_mode=_TRANSIENT,
        )
        await self._publish(
            delivery.envelope.exchange, delivery.envelope.routing_key, properties, encode_reply(request_id, reply)
        )

    async def _dead_letter(self, properties: Any, content: bytes, why: str) -> bool:
        """Keeps the beginning of the message for the operator, with the reason. Its content never goes into a log."""
        self._counters.dead_lettered += 1
        log.warning("message_dead_lettered", why=why, bytes=len(content), queue=self._topology.dead_letter_queue)
        kept = pika.BasicProperties(
            delivery_mode=_PERSISTENT,
            correlation_id=properties.correlation_id,
            timestamp=int(time.time()),
            headers={"x-cse-reason": why[:1000], "x-cse-bytes": len(content)},
        )
        try:
            await self._publish("", self._topology.dead_letter_queue, kept, content[:_DEAD_LETTER_BYTES])
        except (LinkError, TimeoutError) as error:
            log.error("dead_letter_failed", error=str(error))  # noqa: TRY400  # the broker's words say it all
            return False
        return True

    async def _publish(self, exchange: str, routing_key: str, properties: Any, content: bytes) -> None:
        async with asyncio.timeout(_CONFIRM_TIMEOUT_S):
            await self._link.publish(exchange, routing_key, properties, content)
