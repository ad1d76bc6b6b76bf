"""One AMQP connection as coroutines, and the settings that vCD's administrators give for it."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.exceptions import AMQPError

# pika tells at length of every refused connection; ours says it once.
logging.getLogger("pika").setLevel(logging.CRITICAL)

_CONNECT_TIMEOUT_S = 5.0
_HEARTBEAT_S = 30

_T = TypeVar("_T")

OnDelivery = Callable[[str | None, bytes], None]
"""Takes a message's correlation id and body; must not raise."""


class BrokerError(Exception):
    """The broker is away, or refused what we asked of it."""


@dataclass(frozen=True, kw_only=True)
class AmqpSettings:
    """The element `AmqpSettings` of the administration API."""

    host: str = "127.0.0.1"
    port: int = 5672
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    exchange: str = "systemExchange"
    vhost: str = "/"
    use_ssl: bool = False
    ssl_accept_all: bool = False
    prefix: str = "vcd"

    @classmethod
    def from_url(cls, url: str, *, prefix: str = "vcd") -> Self:
        """From `amqp://user:password@host:port/vhost`, or `amqps://`.

        Raises:
            ValueError: it is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError("an AMQP URL looks like amqp://user:password@host:5672/vhost")
        secure = parts.scheme == "amqps"
        return cls(
            host=parts.hostname,
            port=parts.port or (5671 if secure else 5672),
            username=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
            use_ssl=secure,
            prefix=prefix,
        )

    def parameters(self, connection_name: str) -> pika.ConnectionParameters:
        """What pika needs to connect."""
        return pika.ConnectionParameters(
            host=self.host,
            port=self.port,
            virtual_host=self.vhost,
            credentials=pika.PlainCredentials(self.username, self.password),
            ssl_options=pika.SSLOptions(self._ssl_context(), self.host) if self.use_ssl else None,
            heartbeat=_HEARTBEAT_S,
            connection_attempts=1,
            socket_timeout=_CONNECT_TIMEOUT_S,
            stack_timeout=_CONNECT_TIMEOUT_S,
            client_properties={"connection_name": connection_name},
        )

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ssl_accept_all:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Broker:
    """An open connection."""

    def __init__(self, connection: AsyncioConnection, closed: asyncio.Future[None]) -> None:
        self._connection = connection
        self._closed = closed

    @property
    def is_closed(self) -> bool:
        """Whether it is gone, for whatever reason."""
        return self._closed.done()

    async def wait_closed(self) -> None:
        """Wait until it is gone, for whatever reason."""
        await asyncio.shield(self._closed)

    @classmethod
    async def connect(cls, settings: AmqpSettings, connection_name: str) -> Self:
        """Connect and log in.

        Raises:
            BrokerError: with the reason, free of credentials.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        closed: asyncio.Future[None] = loop.create_future()

        def refusal(error: BaseException) -> BrokerError:
            return BrokerError(f"cannot connect to {settings.host}:{settings.port}: {_reason(error)}")

        try:
            connection = AsyncioConnection(
                settings.parameters(connection_name),
                on_open_callback=lambda _connection: _settle(opened, None),
                on_open_error_callback=lambda _connection, error: _break(opened, refusal(error)),
                on_close_callback=lambda _connection, _error: _settle(closed, None),
                custom_ioloop=loop,
            )
        except (AMQPError, OSError, ValueError) as error:
            raise refusal(error) from error
        try:
            await opened
        except asyncio.CancelledError:
            if not (connection.is_closing or connection.is_closed):
                connection.close()
            raise
        return cls(connection, closed)

    async def channel(self) -> "BrokerChannel":
        """Open a channel.

        Raises:
            BrokerError: the connection is gone.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Channel] = loop.create_future()
        try:
            raw = self._connection.channel(on_open_callback=lambda channel: _settle(opened, channel))
        except AMQPError as error:
            raise BrokerError(_reason(error)) from error
        channel = BrokerChannel(raw)
        channel.watch(opened)
        await opened
        return channel

    async def close(self) -> None:
        """Say good-bye; returns when the connection is gone."""
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()
        await self.wait_closed()


class BrokerChannel:
    """A channel whose calls are awaited; when it closes, whoever waits gets a `BrokerError`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: set[asyncio.Future[Any]] = set()
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._published = 0
        channel.add_on_close_callback(lambda _channel, error: self._fail(error))

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return bool(self._channel.is_open)

    def watch(self, future: asyncio.Future[Any]) -> None:
        """Let a future fail when the channel closes first."""
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    async def declare_exchange(self, name: str, kind: str) -> None:
        """Declare a durable exchange."""
        await self._call(self._channel.exchange_declare, exchange=name, exchange_type=kind, durable=True)

    async def declare_queue(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Declare a durable queue."""
        await self._call(self._channel.queue_declare, queue=name, durable=True, arguments=dict(arguments))

    async def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        """Bind a queue to an exchange."""
        await self._call(self._channel.queue_bind, queue=queue, exchange=exchange, routing_key=routing_key)

    async def delete_queue(self, name: str) -> None:
        """Delete a queue and what is in it."""
        await self._call(self._channel.queue_delete, queue=name)

    async def consume(self, queue: str, on_delivery: OnDelivery) -> None:
        """Hand over every message of the queue, acknowledged by its delivery."""

        def deliver(_channel: object, _method: object, properties: pika.BasicProperties, body: bytes) -> None:
            on_delivery(properties.correlation_id, body)

        await self._call(self._channel.basic_consume, queue=queue, on_message_callback=deliver, auto_ack=True)

    async def confirm_publishing(self) -> None:
        """Have the broker confirm what is published from now on."""
        await self._call(self._channel.confirm_delivery, ack_nack_callback=self._on_confirm)

    async def publish(self, exchange: str, routing_key: str, properties: pika.BasicProperties, body: bytes) -> None:
        """Publish on a channel that confirms; returns when the broker has taken the message.

        Raises:
            BrokerError: it has not; the exchange may not exist.
        """
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._channel.basic_publish(exchange, routing_key, body, properties)
        except AMQPError as error:
            raise BrokerError(_reason(error)) from error
        self._published += 1
        self._unconfirmed[self._published] = confirmed
        self.watch(confirmed)
        await confirmed

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watch(done)
        try:
            method(callback=lambda _frame: _settle(done, None), **arguments)
        except AMQPError as error:
            raise BrokerError(_reason(error)) from error
        await done

    def _on_confirm(self, frame: Any) -> None:
        tag: int = frame.method.delivery_tag
        refused = frame.method.NAME == "Basic.Nack"
        tags = [key for key in self._unconfirmed if key <= tag] if frame.method.multiple else [tag]
        for key in tags:
            confirmed = self._unconfirmed.pop(key, None)
            if confirmed is None:
                continue
            if refused:
                _break(confirmed, BrokerError("the broker refused the message"))
            else:
                _settle(confirmed, None)

    def _fail(self, error: BaseException) -> None:
        self._unconfirmed.clear()
        for future in tuple(self._waiting):
            _break(future, BrokerError(_reason(error)))


async def check(settings: AmqpSettings) -> None:
    """Connect with these settings and leave again.

    Raises:
        BrokerError: what is wrong with them.
    """
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            broker = await Broker.connect(settings, "vCloud Director settings test")
            await broker.close()
    except TimeoutError as error:
        raise BrokerError(f"{settings.host}:{settings.port} did not answer in {_CONNECT_TIMEOUT_S:g} s") from error


def _settle(future: asyncio.Future[_T], result: _T) -> None:
    if not future.done():
        future.set_result(result)


def _break(future: asyncio.Future[Any], error: BrokerError) -> None:
    if not future.done():
        future.set_exception(error)


def _reason(error: BaseException) -> str:
    """What went wrong: pika wraps the cause of a failed connection several times over; the innermost is what helps."""
    while True:
        attempts = getattr(error, "exceptions", None) or [getattr(error, "exception", None), *error.args]
        inner = next((one for one in reversed(attempts) if isinstance(one, BaseException)), None)
        if inner is None:
            return str(error) or type(error).__name__
        error = inner
