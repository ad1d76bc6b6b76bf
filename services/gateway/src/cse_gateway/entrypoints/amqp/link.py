"""One AMQP connection as coroutines, over pika's asyncio adapter."""

import asyncio
import ssl
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

import pika
from pika import frame, spec
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from cse_core.tls import why_not_trusted

_MAX_PUBLISHING_CHANNELS: Final = 16

T = TypeVar("T")

OnDelivery = Callable[[Any, Any, bytes], None]
"""Takes pika's method frame, its properties and the body of a message; must not raise."""


class LinkError(Exception):
    """The broker is away, or the connection to it is gone."""


class RefusedError(LinkError):
    """The broker closed a channel because of what was asked on it. `code` is AMQP's: 403, 404, 405, 406."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class UnreadableProperties(pika.BasicProperties):  # type: ignore[misc]  # pika ships no types
    """Stands for properties that pika cannot decode: every one of them is absent."""


class _Connection(AsyncioConnection):  # type: ignore[misc]
    """Lives on when a message's properties cannot be decoded.

    pika itself ends the connection over a header such as NaN, a date in the year 10^9 or a table 1,000 levels deep, and
    gets the same message again from then on: one such message would silence us for ever.
    """

    def _read_frame(self) -> tuple[int, Any]:
        try:
            return super()._read_frame()  # type: ignore[no-any-return]
        except (ArithmeticError, ValueError, RecursionError, OSError, struct.error, AMQPError):
            kind, channel_number, size = struct.unpack_from(">BHL", self._frame_buffer)
            if kind != spec.FRAME_HEADER:
                raise
            _class_id, _weight, body_size = struct.unpack_from(">HHQ", self._frame_buffer, spec.FRAME_HEADER_SIZE)
            consumed = spec.FRAME_HEADER_SIZE + size + spec.FRAME_END_SIZE
            return consumed, frame.Header(channel_number, body_size, UnreadableProperties())


class LinkChannel:
    """A channel whose calls are awaited. When it closes, whoever waits gets a `LinkError`."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._waiting: set[asyncio.Future[Any]] = set()
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._published = 0
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        """Done when the channel is gone, or the broker has ended its consumer."""
        channel.add_on_close_callback(lambda _channel, reason: self._end(_error_of(reason)))
        channel.add_on_cancel_callback(lambda _frame: self._end(LinkError("the broker has ended the consumer")))

    @property
    def is_open(self) -> bool:
        return bool(self._channel.is_open) and not self.closed.done()

    async def check_exchange(self, name: str) -> None:
        """Raises RefusedError (404) if there is none of this name."""
        await self._call(self._channel.exchange_declare, exchange=name, passive=True)

    async def check_queue(self, name: str) -> None:
        """Raises RefusedError (404) if there is none of this name."""
        await self._call(self._channel.queue_declare, queue=name, passive=True)

    async def declare_queue(self, name: str, arguments: dict[str, object] | None = None) -> None:
        """Makes a durable queue; raises RefusedError (406) if there is one of other properties."""
        await self._call(self._channel.queue_declare, queue=name, durable=True, arguments=arguments)

    async def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        await self._call(self._channel.queue_bind, queue=queue, exchange=exchange, routing_key=routing_key)

    async def limit_deliveries(self, count: int) -> None:
        """So many messages may be unacknowledged at once."""
        await self._call(self._channel.basic_qos, prefetch_count=count)

    async def consume(self, queue: str, on_delivery: OnDelivery) -> str:
        """Begins to receive; returns the consumer's tag."""

        def deliver(_channel: object, method: Any, properties: Any, body: bytes) -> None:
            on_delivery(method, properties, body)

        frame = await self._call(self._channel.basic_consume, queue=queue, on_message_callback=deliver)
        return str(frame.method.consumer_tag)

    async def cancel(self, consumer_tag: str) -> None:
        """Receives no more; what has come already can still be acknowledged."""
        await self._call(self._channel.basic_cancel, consumer_tag=consumer_tag)

    async def confirm_publishing(self) -> None:
        """Has the broker confirm what is published from now on."""
        await self._call(self._channel.confirm_delivery, ack_nack_callback=self._on_confirm)

    async def publish(self, exchange: str, routing_key: str, properties: Any, body: bytes) -> None:
        """Returns when the broker has taken the message; needs `confirm_publishing`."""
        confirmed = self._future()
        try:
            self._channel.basic_publish(exchange, routing_key, body, properties)
        except AMQPError as error:
            raise LinkError(_text_of(error)) from error
        self._published += 1
        self._unconfirmed[self._published] = confirmed
        await confirmed

    def acknowledge(self, delivery_tag: int) -> None:
        """Lets the broker forget a message; without effect once the channel is gone, after which it comes again."""
        if self.is_open:
            self._channel.basic_ack(delivery_tag)

    def reject(self, delivery_tag: int) -> None:
        """As `acknowledge`, but for a dead-letter policy of the broker's own to see."""
        if self.is_open:
            self._channel.basic_reject(delivery_tag, requeue=False)

    def close(self) -> None:
        if self._channel.is_open:
            self._channel.close()

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        done = self._future()
        try:
            method(callback=lambda frame: _resolve(done, frame), **arguments)
        except AMQPError as error:
            raise LinkError(_text_of(error)) from error
        return await done

    def _future(self) -> "asyncio.Future[Any]":
        """One that fails when the channel goes."""
        if self.closed.done():
            raise self.closed.result()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    def _on_confirm(self, frame: Any) -> None:
        tag: int = frame.method.delivery_tag
        taken = frame.method.NAME == "Basic.Ack"
        tags = [key for key in self._unconfirmed if key <= tag] if frame.method.multiple else [tag]
        for key in tags:
            confirmed = self._unconfirmed.pop(key, None)
            if confirmed is None:
                continue
            if taken:
                _resolve(confirmed, None)
            else:
                _fail(confirmed, LinkError("the broker did not take the message"))

    def _end(self, error: LinkError) -> None:
        if self.closed.done():
            return
        self.closed.set_result(error)
        self._unconfirmed.clear()
        for future in tuple(self._waiting):
            _fail(future, error)


class Link:
    """An open connection. Messages go out on one channel per exchange.

    A broker punishes a message to an exchange that does not exist by closing the channel; this way one message that
    names such an exchange keeps no other from being sent.
    """

    def __init__(self, connection: Any, closed: "asyncio.Future[str]") -> None:
        self._connection = connection
        self.closed = closed
        """Done, with the reason, when the connection is gone."""
        self._publishers: OrderedDict[str, _Publisher] = OrderedDict()

    @classmethod
    async def connect(cls, parameters: pika.ConnectionParameters) -> Self:
        """Connects and logs in.

        Raises:
            LinkError: with the reason, without credentials.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        closed: asyncio.Future[str] = loop.create_future()
        try:
            connection = _Connection(
                parameters,
                on_open_callback=lambda _connection: _resolve(opened, None),
                on_open_error_callback=lambda _connection, error: _fail(opened, LinkError(_text_of(error))),
                on_close_callback=lambda _connection, error: _resolve(closed, _text_of(error)),
                custom_ioloop=loop,
            )
        except (AMQPError, OSError, ValueError) as error:
            raise LinkError(_text_of(error)) from error
        try:
            await opened
        except asyncio.CancelledError:
            if not (connection.is_closing or connection.is_closed):
                connection.close()
            raise
        return cls(connection, closed)

    async def channel(self) -> LinkChannel:
        """Opens a channel."""
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            raw = self._connection.channel(on_open_callback=lambda channel: _resolve(opened, channel))
        except AMQPError as error:
            raise LinkError(_text_of(error)) from error
        channel = LinkChannel(raw)
        await asyncio.wait({opened, channel.closed}, return_when=asyncio.FIRST_COMPLETED)
        if channel.closed.done():
            raise channel.closed.result()
        return channel

    async def publish(self, exchange: str, routing_key: str, properties: Any, body: bytes) -> None:
        """Returns when the broker has taken the message.

        Raises:
            RefusedError: there is no such exchange, or we may not publish to it.
            LinkError: the connection is gone.
        """
        publisher = self._publisher_for(exchange)
        publisher.users += 1
        try:
            opening = publisher.opening
            channel = opening.result() if opening.done() else await asyncio.shield(opening)
            await channel.publish(exchange, routing_key, properties, body)
        finally:
            publisher.users -= 1

    async def close(self) -> None:
        """Says good-bye; returns when the connection is gone."""
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()
        await asyncio.shield(self.closed)

    def _publisher_for(self, exchange: str) -> "_Publisher":
        publisher = self._publishers.get(exchange)
        if publisher is None or publisher.is_useless:
            opening = asyncio.create_task(self._open_publishing_channel())
            opening.add_done_callback(_retrieve)
            publisher = self._publishers[exchange] = _Publisher(opening)
            self._close_idle_publishers()
        self._publishers.move_to_end(exchange)
        return publisher

    async def _open_publishing_channel(self) -> LinkChannel:
        channel = await self.channel()
        await channel.confirm_publishing()
        return channel

    def _close_idle_publishers(self) -> None:
        """Keeps messages that name ever new exchanges from opening ever more channels."""
        for exchange, publisher in list(self._publishers.items())[:-_MAX_PUBLISHING_CHANNELS]:
            if publisher.is_useless:
                del self._publishers[exchange]
            elif publisher.opening.done() and not publisher.users:
                del self._publishers[exchange]
                publisher.opening.result().close()


class _Publisher:
    """A channel for publishing to one exchange, perhaps still being opened, and how many are about to use it."""

    def __init__(self, opening: "asyncio.Task[LinkChannel]") -> None:
        self.opening = opening
        self.users = 0

    @property
    def is_useless(self) -> bool:
        """Whether it can never be used (again)."""
        if not self.opening.done():
            return False
        return self.opening.cancelled() or self.opening.exception() is not None or not self.opening.result().is_open


def _retrieve(opening: "asyncio.Task[LinkChannel]") -> None:
    """Whoever waits hears of a failure; if nobody waits any more, nobody needs to."""
    if not opening.cancelled():
        opening.exception()


def _resolve(future: "asyncio.Future[T]", value: T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: "asyncio.Future[Any]", error: LinkError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever waits hears of it; if nobody does any more, that is nothing to complain about


def _error_of(reason: BaseException) -> LinkError:
    if isinstance(reason, ChannelClosedByBroker):
        return RefusedError(reason.reply_code, reason.reply_text)
    return LinkError(_text_of(reason))


def _text_of(error: BaseException) -> str:
    """Of pika's several layers of errors around the cause of a failed connection, the innermost."""
    while True:
        attempts = getattr(error, "exceptions", ())
        inner = attempts[-1] if attempts else getattr(error, "exception", None)
        if inner is None and error.args and isinstance(error.args[0], BaseException):
            inner = error.args[0]
        if inner is None:
            break
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate {why_not_trusted(error)}"
    if isinstance(error, ssl.SSLError):
        return f"it does not speak TLS ({error.reason}); correct amqp.ssl or amqp.port"
    return str(error) or type(error).__name__
