"""RabbitMQ, as far as setting up and checking need it."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import pika
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel

from cse_core.config import AmqpConfig
from cse_core.tls import why_not_trusted
from cse_gateway.bootstrap import connection_parameters

EXCHANGE_TYPE: Final = "direct"
_NOT_FOUND: Final = 404
_PRECONDITION_FAILED: Final = 406


class AmqpError(Exception):
    """The broker cannot be used. `key` is the configuration's key that it is about, `remedy` what to do."""

    def __init__(self, message: str, *, key: str, remedy: str) -> None:
        super().__init__(message)
        self.key = f"amqp.{key}"
        self.remedy = remedy


@contextlib.contextmanager
def broker(config: AmqpConfig) -> Iterator[pika.BlockingConnection]:
    """A connection with the parameters that the gateway uses.

    Raises:
        AmqpError: there is none to be had.
    """
    connection = _connect(config)
    try:
        yield connection
    finally:
        with contextlib.suppress(exceptions.AMQPError):
            connection.close()


def exchange_exists(connection: pika.BlockingConnection, name: str) -> bool:
    """Whether the broker has this exchange, of whatever type."""
    try:
        with _channel(connection) as channel:
            channel.exchange_declare(name, passive=True)
    except exceptions.ChannelClosedByBroker as exc:
        if exc.reply_code == _NOT_FOUND:
            return False
        raise AmqpError(
            f"the broker does not let us look at exchange {name!r}: {exc.reply_text}",
            key="username",
            remedy="give the user the permission `configure` on it",
        ) from exc
    return True


def declare_exchange(connection: pika.BlockingConnection, name: str) -> None:
    """Makes the exchange: direct, durable. One that is there already is left as it is.

    Raises:
        AmqpError: there is one of another kind, or the user may not create it.
    """
    try:
        with _channel(connection) as channel:
            channel.exchange_declare(name, exchange_type=EXCHANGE_TYPE, durable=True)
    except exceptions.ChannelClosedByBroker as exc:
        if exc.reply_code == _PRECONDITION_FAILED:
            raise AmqpError(
                f"exchange {name!r} exists, but is not direct and durable",
                key="exchange",
                remedy="choose another name (vCD's own exchange cannot be shared), or delete it if nobody uses it",
            ) from exc
        raise AmqpError(
            f"the broker does not let us create exchange {name!r}: {exc.reply_text}",
            key="username",
            remedy="give the user the permission `configure` on it",
        ) from exc


@contextlib.contextmanager
def _channel(connection: pika.BlockingConnection) -> Iterator[BlockingChannel]:
    """One for one question: the broker closes a channel when it refuses something."""
    channel = connection.channel()
    yield channel
    channel.close()


def _connect(config: AmqpConfig) -> pika.BlockingConnection:
    place = f"{config.host}:{config.port}"
    try:
        return pika.BlockingConnection(connection_parameters(config))
    except exceptions.ProbableAccessDeniedError as exc:
        raise AmqpError(
            f"user {config.username!r} has no access to the virtual host {config.vhost!r} of {place}",
            key="vhost",
            remedy="correct amqp.vhost, or give the user permissions there (`rabbitmqctl set_permissions`)",
        ) from exc
    except (exceptions.AuthenticationError, exceptions.ProbableAuthenticationError) as exc:
        raise AmqpError(
            f"{place} refuses user {config.username!r} or its password",
            key="username",
            remedy="correct amqp.username and amqp.password; `guest` may connect from the broker's own machine only",
        ) from exc
    except (exceptions.AMQPError, OSError) as exc:
        raise _unreachable(config, place, exc) from exc


def _unreachable(config: AmqpConfig, place: str, exc: Exception) -> AmqpError:
    """What lies behind the error: pika packs the reason of its last attempt in several layers."""
    for cause in _causes(exc):
        if isinstance(cause, socket.gaierror):
            return AmqpError(f"{config.host!r} is no known host", key="host", remedy="correct amqp.host")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return AmqpError(
                f"the certificate of {place} {why_not_trusted(cause)}",
                key="ssl",
                remedy="see docs/cli.md on certificates; in a lab, `ssl_accept_all: true` does without the check",
            )
        if isinstance(cause, ssl.SSLError):
            return AmqpError(
                f"{place} does not speak TLS", key="ssl", remedy="set amqp.ssl to false, or amqp.port to the TLS port"
            )
        if isinstance(cause, ConnectionRefusedError):
            return AmqpError(
                f"nothing listens on {place}", key="port", remedy="start RabbitMQ, or correct amqp.host and amqp.port"
            )
    return AmqpError(
        f"{place} does not answer as an AMQP broker",
        key="host",
        remedy="correct amqp.host, amqp.port and amqp.ssl, and look for a firewall in between",
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    pending: list[BaseException] = [exc]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [*current.args, getattr(current, "exception", None), getattr(current, "exceptions", None)]
        for found in (*inner, current.__cause__, current.__context__):
            if isinstance(found, BaseException):
                pending.append(found)
            elif isinstance(found, list | tuple):
                pending += [item for item in found if isinstance(item, BaseException)]
