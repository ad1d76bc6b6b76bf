"""What the gateway needs at the broker: the extension's exchange, its queue, and one for what cannot be answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cse_gateway.entrypoints.amqp.link import Link, LinkChannel, LinkError, RefusedError

log = structlog.get_logger()

_NOT_FOUND: Final = 404
_PRECONDITION_FAILED: Final = 406

_DEAD_LETTER_ARGUMENTS: Final[dict[str, object]] = {
    "x-max-length": 1000,
    "x-max-length-bytes": 64 << 20,
    "x-message-ttl": 7 * 24 * 60 * 60 * 1000,
}
"""Whoever can send us rubbish must not be able to fill the broker's disk with it; the oldest goes first."""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Names at the broker."""

    exchange: str
    routing_key: str

    @property
    def queue(self) -> str:
        """Called as CSE 1.2.x called it, so that what waits in it is not lost in the change-over."""
        return self.routing_key

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.queue}.dead-letter"


async def prepare(link: Link, topology: Topology) -> None:
    """Checks the exchange; makes the queues and binds them, where that is still to be done.

    Raises:
        LinkError: what is missing, and what to do.
    """
    try:
        await _on_a_channel(link, lambda channel: channel.check_exchange(topology.exchange))
    except RefusedError as error:
        if error.code != _NOT_FOUND:
            raise
        raise LinkError(f"exchange {topology.exchange!r} does not exist at the broker; run `cse install`") from error
    await _declare_queue(link, topology)
    await _on_a_channel(link, lambda channel: channel.bind(topology.queue, topology.exchange, topology.routing_key))
    await _declare_dead_letter_queue(link, topology)


async def _declare_queue(link: Link, topology: Topology) -> None:
    """Durable; but one with other properties, such as CSE 1.2.x leaves behind, is used as it is.

    It cannot be changed, and deleting it could lose requests. Being not durable, it is gone after the broker's next
    restart, and the durable one takes its place when we connect again.
    """
    try:
        await _on_a_channel(link, lambda channel: channel.declare_queue(topology.queue))
    except RefusedError as error:
        if error.code != _PRECONDITION_FAILED:
            raise
        log.warning(
            "queue_has_other_properties",
            queue=topology.queue,
            broker_says=str(error),
            consequence="it is used as it is; if CSE 1.2.x made it, it does not survive a restart of the broker",
            to_migrate=f"end all consumers, run `rabbitmqctl delete_queue {topology.queue}`, start the gateway",
        )
        await _on_a_channel(link, lambda channel: channel.check_queue(topology.queue))


async def _declare_dead_letter_queue(link: Link, topology: Topology) -> None:
    """An administrator may have made it with other limits; then those hold."""
    name = topology.dead_letter_queue
    try:
        await _on_a_channel(link, lambda channel: channel.declare_queue(name, _DEAD_LETTER_ARGUMENTS))
    except RefusedError as error:
        if error.code != _PRECONDITION_FAILED:
            raise


async def _on_a_channel(link: Link, action: Callable[[LinkChannel], Awaitable[None]]) -> None:
    """On one of its own: the broker closes a channel when it refuses something."""
    channel = await link.channel()
    try:
        await action(channel)
    finally:
        channel.close()
