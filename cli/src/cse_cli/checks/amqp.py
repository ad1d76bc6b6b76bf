"""RabbitMQ: it answers, lets us in, and has the exchange."""

from ipaddress import ip_address

from cse_cli.amqp import AmqpError, broker, exchange_exists
from cse_cli.checks.result import Results, failed, ok, warning
from cse_core.config import AmqpConfig


def check_amqp(config: AmqpConfig, *, installed: bool) -> Results:
    """Looks at the broker.

    Args:
        config: the section `amqp`.
        installed: whether `cse install` is supposed to have been run.
    """
    place = f"{config.host}:{config.port}"
    try:
        with broker(config) as connection:
            yield ok("amqp.host", f"{place} lets user {config.username!r} in")
            yield from encryption(config)
            if exchange_exists(connection, config.exchange):
                yield ok("amqp.exchange", f"exchange {config.exchange!r} exists")
            elif installed:
                yield failed("amqp.exchange", f"there is no exchange {config.exchange!r}", "run `cse install`")
    except AmqpError as exc:
        yield failed(exc.key, str(exc), exc.remedy)


def encryption(config: AmqpConfig) -> Results:
    """Warnings of what others on the way could read or change."""
    if config.ssl and config.ssl_accept_all:
        message = "RabbitMQ's certificate is not checked"
        yield warning("amqp.ssl_accept_all", message, "set it to false outside of a lab")
    elif not config.ssl and not _is_this_machine(config.host):
        message = (
            "requests travel unencrypted between this machine and RabbitMQ, with the tokens of those who send them"
        )
        yield warning("amqp.ssl", message, "set it to true, and amqp.port to the TLS port (5671)")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
