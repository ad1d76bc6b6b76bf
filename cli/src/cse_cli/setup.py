"""What `cse install` does. Every step looks before it acts, so that running everything again is harmless."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from cse_cli.amqp import broker, declare_exchange, exchange_exists
from cse_cli.checks.result import Announce
from cse_cli.checks.vcd import administrator
from cse_cli.extension import NAME, NAMESPACE, RIGHTS, differences, wanted_extension
from cse_core.config import AmqpConfig, BrokerConfig, Config
from cse_vcd.catalogs import CatalogRef, find_item
from cse_vcd.platform import ensure_catalog, ensure_extension, ensure_rights, find_extension, publish_catalog
from cse_vcd.session import VcdSession
from cse_vcd.vdcs import get_org

_CATALOG_DESCRIPTION = "Templates of Container Service Extension"


class ExtensionMode(StrEnum):
    """What to do with the extension service in vCD."""

    PROMPT = "prompt"
    """Register it; ask before changing one that is there."""
    SKIP = "skip"
    """Leave it alone."""
    CONFIG = "config"
    """Make it what the configuration says."""


@dataclass(frozen=True)
class Done:
    """One line about what was done, or found to be done already."""

    subject: str
    message: str
    is_missing: bool = False
    """Something is still to be done by hand."""


Confirm = Callable[[str], bool]


def install(config: Config, mode: ExtensionMode, *, confirm: Confirm, say: Announce) -> Iterator[Done]:
    """Sets up RabbitMQ and vCD.

    Args:
        config: the checked configuration.
        mode: what to do with the extension service.
        confirm: asks a question.
        say: is told what comes next.

    Raises:
        AmqpError, VcdCheckError, CseError: with what is wrong; what was done before stays done.
    """
    say("setting up RabbitMQ")
    yield _exchange(config.amqp)
    with administrator(config.vcd) as session:
        say("setting up the extension in vCloud Director")
        yield from _extension(config.amqp, session, mode, confirm)
        say("setting up the catalog")
        org = get_org(session, config.broker.org)
        catalog, change = ensure_catalog(session, org, config.broker.catalog, _CATALOG_DESCRIPTION)
        yield Done("catalog", f"{catalog.name!r} in org {org.name!r}: {_past(change)}")
        shared = publish_catalog(session, catalog)
        yield Done("catalog", f"{catalog.name!r}: {'shared' if shared else 'already shared'} with all orgs")
        say("looking for templates")
        yield from _templates(config.broker, catalog, session)


def _exchange(amqp: AmqpConfig) -> Done:
    with broker(amqp) as connection:
        existed = exchange_exists(connection, amqp.exchange)
        declare_exchange(connection, amqp.exchange)  # where it exists, this tells whether it is of the right kind
    return Done("exchange", f"{amqp.exchange!r}: {_past('unchanged' if existed else 'created')}")


def _extension(amqp: AmqpConfig, session: VcdSession, mode: ExtensionMode, confirm: Confirm) -> Iterator[Done]:
    if mode is ExtensionMode.SKIP:
        yield Done("extension", f"{NAME!r}: left alone, as asked")
        return
    wanted = wanted_extension(amqp)
    found = find_extension(session, NAME, NAMESPACE)
    changes = differences(found, wanted) if found else []
    if changes and mode is ExtensionMode.PROMPT:
        question = f"The extension {NAME!r} is in vCD already, with {'; '.join(changes)}. Change it?"
        if not confirm(question):
            yield Done("extension", f"{NAME!r}: left as it is: {'; '.join(changes)}", is_missing=True)
            return
    service, change = ensure_extension(session, wanted)
    yield Done("extension", f"{NAME!r}, forwarding to exchange {service.exchange!r}: {_past(change)}")
    added = ensure_rights(session, service, RIGHTS)
    yield Done("rights", ", ".join(added) + ": created" if added else "there already")


def _templates(broker: BrokerConfig, catalog: CatalogRef, session: VcdSession) -> Iterator[Done]:
    for template in broker.templates:
        if find_item(session, catalog.href, template.catalog_item) is not None:
            yield Done("template", f"{template.name!r}: catalog item {template.catalog_item!r} is there")
        else:
            yield Done(
                "template",
                f"{template.name!r}: catalog {catalog.name!r} has no item {template.catalog_item!r} yet",
                is_missing=True,
            )


def _past(change: str) -> str:
    return "there already" if change == "unchanged" else change
