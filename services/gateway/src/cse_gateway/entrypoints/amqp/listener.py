"""Keeps the gateway connected to the broker, for ever."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pika
import structlog

from cse_gateway.application.counters import Counters
from cse_gateway.application.dispatcher import Dispatcher
from cse_gateway.entrypoints.amqp.consumer import Consumer, Timing
from cse_gateway.entrypoints.amqp.link import Link, LinkError
from cse_gateway.entrypoints.amqp.topology import Topology, prepare

log = structlog.get_logger()

_CONNECT_TIMEOUT_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 3.0
_STABLE_S: Final = 5.0
_CLOSE_TIMEOUT_S: Final = 3.0

OnConsuming = Callable[[bool], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where to listen, and how much at once."""

    parameters: pika.ConnectionParameters
    topology: Topology
    timing: Timing
    prefetch: int


class Listener:
    """Consumes until it is told to stop. Belongs to one event loop.

    Args:
        listening: where, and how much at once.
        dispatcher: answers the requests.
        counters: what is counted.
        on_consuming: is told whenever we begin, or cease, to take messages.
    """

    def __init__(
        self, listening: Listening, dispatcher: Dispatcher, counters: Counters, on_consuming: OnConsuming
    ) -> None:
        self._listening = listening
        self._dispatcher = dispatcher
        self._counters = counters
        self._on_consuming = on_consuming
        self._stopping = asyncio.Event()
        self._grace_s = 0.0
        self._consumer: Consumer | None = None
        self._last_problem = ""

    def stop(self, grace_s: float) -> None:
        """Lets `run` take no more messages, finish those at work within `grace_s` seconds, and return."""
        self._grace_s = grace_s
        self._stopping.set()

    async def run(self) -> None:
        """Connects, consumes, and does so again whenever the connection is lost; returns after `stop`."""
        keeping = asyncio.create_task(self._keep_consuming())
        await self._stopping.wait()
        if self._consumer is not None:
            await self._on_consuming(False)
            await self._consumer.drain(self._grace_s)
        keeping.cancel()
        await asyncio.wait({keeping})

    async def _keep_consuming(self) -> None:
        pause_s = _FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._connect_and_consume()
            except (LinkError, TimeoutError) as error:
                self._report(str(error) or f"no answer within {_CONNECT_TIMEOUT_S:g} s")
            except Exception:  # the outermost loop: a mistake of ours or of pika's costs a connection, not the service
                log.exception("connection_failed")
            if loop.time() - began > _STABLE_S:
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311  # jitter is no secret
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _connect_and_consume(self) -> None:
        """Raises LinkError or TimeoutError, whatever it is that ends the connection."""
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            link = await Link.connect(self._listening.parameters)
        try:
            await self._consume(link)
        finally:
            await _leave(link)

    async def _consume(self, link: Link) -> None:
        topology, timing = self._listening.topology, self._listening.timing
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await prepare(link, topology)
            channel = await link.channel()
            consumer = Consumer(link, channel, topology, self._dispatcher, self._counters, timing)
            await consumer.start(self._listening.prefetch)
        self._consumer = consumer
        self._counters.connections += 1
        self._last_problem = ""
        log.info("consuming", queue=topology.queue, prefetch=self._listening.prefetch)
        try:
            await self._on_consuming(True)
            raise await asyncio.shield(channel.closed)
        finally:
            self._consumer = None
            await self._on_consuming(False)
            await consumer.abandon()

    def _report(self, problem: str) -> None:
        """Once per problem, however often it is met."""
        if problem != self._last_problem:
            self._last_problem = problem
            host, port = self._listening.parameters.host, self._listening.parameters.port
            log.warning("not_consuming", broker=f"{host}:{port}", problem=problem, retry="until it works")


async def _leave(link: Link) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await link.close()
    except TimeoutError:
        log.warning("broker_left_without_goodbye")
