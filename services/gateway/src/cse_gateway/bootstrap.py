"""Puts the gateway together and runs it on an event loop in a thread of its own."""

import asyncio
import contextlib
import contextvars
import logging
import threading
from typing import Final

import grpc
import pika
import structlog

from cse_core.config import AmqpConfig, Config
from cse_core.runtime import GRACE_S
from cse_core.tls import client_context, prepare
from cse_gateway.adapters.backend import connect
from cse_gateway.adapters.routes.system import Listeners
from cse_gateway.adapters.routes.table import route_table
from cse_gateway.adapters.state_watch import StateWatch
from cse_gateway.application.counters import Counters
from cse_gateway.application.dispatcher import Dispatcher
from cse_gateway.entrypoints.amqp.consumer import Timing
from cse_gateway.entrypoints.amqp.listener import Listener, Listening
from cse_gateway.entrypoints.amqp.topology import Topology
from cse_gateway.entrypoints.health import HealthServer
from cse_gateway.settings import GatewaySettings

log = structlog.get_logger()

_HEARTBEAT_S: Final = 10
_CONNECT_TIMEOUT_S: Final = 5.0
_PREFETCH_PER_LISTENER: Final = 10
"""A listener of CSE 1.2.x began a thread for each message; ours wait for other services most of the time."""
_WAITING_SHARE: Final = 4
"""One of so many requests at work may be one that waits for events; the rest is for those who want to work."""


class Gateway:
    """The service, as `cse_core.runtime` runs it."""

    name = "gateway"

    def __init__(self, config: Config, settings: GatewaySettings) -> None:
        self._config = config
        self._settings = settings
        self.counters = Counters()
        self.failure: BaseException | None = None
        """What ended it, if it did not end as it should."""
        self.address = settings.listen
        """Where it offers gRPC health; after `start` with the port that was found for port 0."""
        self._started = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None

    def start(self) -> None:
        """Returns when the process can be asked for its health; the broker may still be away.

        Raises:
            OSError: the address for gRPC cannot be had.
        """
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # it tells at length what we tell in one line
        context = contextvars.copy_context()  # what logs of this process have in common
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="gateway", daemon=True)
        self._thread.start()
        self._started.wait()
        if self.failure is not None:
            raise self.failure

    def stop(self, grace_s: float) -> None:
        if self._loop is not None and self._listener is not None and not self._ended.is_set():
            with contextlib.suppress(RuntimeError):  # the loop may end by itself meanwhile
                self._loop.call_soon_threadsafe(self._listener.stop, grace_s)
        self._ended.wait(grace_s + 2 * _CONNECT_TIMEOUT_S)

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._ended.wait(timeout_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # the thread's outermost line: `start` or `main` reports it
            self.failure = error
            if self._started.is_set():
                log.exception("gateway_failed")
        finally:
            self._ended.set()
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        health = HealthServer(self._settings.listen)
        await health.start()
        self.address = health.address
        clusters, templates = connect(self._settings.clusters_target), connect(self._settings.templates_target)
        watch = StateWatch(clusters)
        self._listener = self._listener_for(watch, clusters, templates, health)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())
                listening = tasks.create_task(self._listener.run())
                self._started.set()
                await asyncio.wait({watching, listening}, return_when=asyncio.FIRST_COMPLETED)
                self._listener.stop(GRACE_S)  # the service has ended, unless this is what ended us
                await listening
                watching.cancel()
        finally:
            log.info("gateway_counters", **self.counters.snapshot())
            await clusters.close(None)
            await templates.close(None)
            await health.stop()

    def _listener_for(
        self, watch: StateWatch, clusters: grpc.aio.Channel, templates: grpc.aio.Channel, health: HealthServer
    ) -> Listener:
        config, settings = self._config, self._settings
        shown = Listeners(consumer_threads=config.service.listeners, thread_count=threading.active_count)
        prefetch = config.service.listeners * _PREFETCH_PER_LISTENER
        routes = route_table(
            clusters=clusters,
            templates=templates,
            learn_state=watch.learn,
            listeners=shown,
            waiting=prefetch // _WAITING_SHARE,
        )
        listening = Listening(
            parameters=connection_parameters(config.amqp),
            topology=Topology(exchange=config.amqp.exchange, routing_key=config.amqp.routing_key),
            timing=Timing(
                extension_timeout_s=settings.extension_timeout.total_seconds(),
                margin_s=settings.reply_margin.total_seconds(),
                clock_tolerance_s=settings.clock_tolerance.total_seconds(),
            ),
            prefetch=prefetch,
        )
        dispatcher = Dispatcher(routes, watch, self.counters)
        return Listener(listening, dispatcher, self.counters, health.set_serving)


def create(config: Config, settings: GatewaySettings) -> Gateway:
    """The gateway for a provider's configuration; nothing is connected yet.

    Raises:
        SettingsError: the file with authorities that the environment names cannot be used.
    """
    prepare({"amqp": not config.amqp.ssl_accept_all} if config.amqp.ssl else {})
    return Gateway(config, settings)


def connection_parameters(amqp: AmqpConfig) -> pika.ConnectionParameters:
    """What pika needs to reach the provider's broker; raises SettingsError as `create`."""
    return pika.ConnectionParameters(
        host=amqp.host,
        port=amqp.port,
        virtual_host=amqp.vhost,
        credentials=pika.PlainCredentials(amqp.username, amqp.password.reveal()),
        ssl_options=_tls(amqp) if amqp.ssl else None,
        heartbeat=_HEARTBEAT_S,
        connection_attempts=1,
        socket_timeout=_CONNECT_TIMEOUT_S,
        stack_timeout=_CONNECT_TIMEOUT_S,
        client_properties={"connection_name": "CSE gateway"},
    )


def _tls(amqp: AmqpConfig) -> pika.SSLOptions:
    return pika.SSLOptions(client_context(verify=not amqp.ssl_accept_all), amqp.host)
