"""RabbitMQ: it answers, lets us in, and has the exchange."""

from cse_cli.amqp import AmqpError, broker, exchange_exists
from cse_cli.checks.result import Results, failed, ok
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
            if exchange_exists(connection, config.exchange):
                yield ok("amqp.exchange", f"exchange {config.exchange!r} exists")
            elif installed:
                yield failed("amqp.exchange", f"there is no exchange {config.exchange!r}", "run `cse install`")
    except AmqpError as exc:
        yield failed(exc.key, str(exc), exc.remedy)
