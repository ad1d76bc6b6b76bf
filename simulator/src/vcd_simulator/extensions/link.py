"""The open connection of a cell to the message broker: where its replies come in and its requests go out."""

import asyncio
from typing import Self

import pika

from vcd_simulator.extensions.broker import AmqpSettings, Broker, BrokerChannel, OnDelivery

_ABANDONED_QUEUE_MS = 60 * 60 * 1000


class Link:
    """One channel for replies, and one for each exchange that is published to.

    The broker punishes a message to an exchange that does not exist by closing the channel; services must not suffer
    for each other's. What goes wrong is a `BrokerError`.
    """

    def __init__(self, broker: Broker, replies: BrokerChannel, reply_queue: str) -> None:
        self._broker = broker
        self._replies = replies
        self._reply_queue = reply_queue
        self._publishing: dict[str, asyncio.Task[BrokerChannel]] = {}

    @classmethod
    async def open(cls, settings: AmqpSettings, name: str, *, exchange: str, queue: str, on_reply: OnDelivery) -> Self:
        """Connect under a name, and take what comes to a queue on an exchange; both are made if they are not there."""
        broker = await Broker.connect(settings, name)
        try:
            channel = await broker.channel()
            await channel.declare_exchange(exchange, "direct")
            # A cell that was killed leaves its queue behind; the broker drops it when nobody has come back for it.
            await channel.declare_queue(queue, {"x-expires": _ABANDONED_QUEUE_MS})
            await channel.bind(queue, exchange, queue)
            await channel.consume(queue, on_reply)
        except BaseException:
            await broker.close()
            raise
        return cls(broker, channel, queue)

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self._broker.is_closed

    async def wait_closed(self) -> None:
        """Return when the connection is gone."""
        await self._broker.wait_closed()

    async def publish(self, exchange: str, routing_key: str, properties: pika.BasicProperties, body: bytes) -> None:
        """Publish and wait for the broker's confirmation."""
        channel = await asyncio.shield(self._channel_for(exchange))
        await channel.publish(exchange, routing_key, properties, body)

    async def close(self) -> None:
        """Delete the reply queue and disconnect."""
        await self._replies.delete_queue(self._reply_queue)
        await self._broker.close()

    def _channel_for(self, exchange: str) -> asyncio.Task[BrokerChannel]:
        opening = self._publishing.get(exchange)
        if opening is None or (opening.done() and (opening.exception() or not opening.result().is_open)):
            opening = asyncio.create_task(self._open_channel())
            self._publishing[exchange] = opening
        return opening

    async def _open_channel(self) -> BrokerChannel:
        channel = await self._broker.channel()
        await channel.confirm_publishing()
        return channel
