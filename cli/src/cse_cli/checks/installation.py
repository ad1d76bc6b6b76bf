"""What `cse install` has set up in vCD, and the templates' catalog items."""

from collections.abc import Sequence

from cse_cli.checks.result import Results, failed, ok, skipped
from cse_cli.extension import NAME, NAMESPACE, RIGHTS, differences, full_right_name, wanted_extension
from cse_core.config import AmqpConfig, BrokerConfig, TemplateConfig
from cse_vcd.catalogs import CatalogRef, find_catalogs, find_item
from cse_vcd.platform import find_extension
from cse_vcd.query import Query, run
from cse_vcd.session import VcdSession


def check_extension(amqp: AmqpConfig, session: VcdSession) -> Results:
    """Looks whether vCD forwards `/api/cse` to the exchange and routing key of the configuration."""
    found = find_extension(session, NAME, NAMESPACE)
    if found is None:
        yield failed("extension", f"vCD has no extension service {NAME!r}", "run `cse install`")
        return
    if changes := differences(found, wanted_extension(amqp)):
        yield failed("extension", f"the extension service has {'; '.join(changes)}", "run `cse install -e config`")
    else:
        yield ok("extension", f"extension service {NAME!r} forwards to exchange {found.exchange!r}")
    present = {record.name for record in run(session, Query("right", style="records"))}
    missing = [name for name in map(full_right_name, RIGHTS) if name not in present]
    if missing:
        yield failed("rights", f"vCD does not know {', '.join(missing)}", "run `cse install`")
    else:
        yield ok("rights", "vCD knows CSE's rights")


def check_catalog(broker: BrokerConfig, templates: Sequence[TemplateConfig], session: VcdSession) -> Results:
    """The catalog is there for all tenants, with an item for each of `templates`."""
    catalog = find_catalog(broker, session)
    if catalog is None:
        yield failed("broker.catalog", f"org {broker.org!r} has no catalog {broker.catalog!r}", "run `cse install`")
        for template in templates:
            yield skipped(f"template {template.name}", "not looked for, since the catalog is missing")
        return
    if catalog.is_published or catalog.is_shared:
        yield ok("broker.catalog", f"catalog {catalog.name!r} is shared with all orgs")
    else:
        yield failed("broker.catalog", f"catalog {catalog.name!r} is not shared with tenants", "run `cse install`")
    for template in templates:
        subject = f"template {template.name}"
        if find_item(session, catalog.href, template.catalog_item) is not None:
            yield ok(subject, f"catalog item {template.catalog_item!r} exists")
        else:
            yield failed(
                subject,
                f"catalog {catalog.name!r} has no item {template.catalog_item!r}",
                "upload or capture a template of that name into the catalog",
            )


def find_catalog(broker: BrokerConfig, session: VcdSession) -> CatalogRef | None:
    """The provider's catalog; one of the same name in another org does not count."""
    found = find_catalogs(session, broker.catalog, org=broker.org)
    return next((catalog for catalog in found if catalog.org.lower() == broker.org.lower()), None)
