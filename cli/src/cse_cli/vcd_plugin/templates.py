"""The commands `vcd cse template …`."""

import click

from cse_cli.vcd_plugin.commands import CONTEXT, with_session
from cse_cli.vcd_plugin.output import print_rows
from cse_cli.vcd_plugin.session import Session

_COLUMNS = {
    "name": "name",
    "description": "description",
    "catalog": "catalog",
    "catalog_item": "catalog item",
    "is_default": "default",
}


@click.group(context_settings=CONTEXT, short_help="work with templates")
def template() -> None:
    """What clusters are made from.

    \b
    Example
        vcd cse template list
    """


@template.command("list", short_help="list templates")
@with_session
def list_templates(context: click.Context, session: Session) -> None:
    """List the templates that your provider offers.

    \b
    Examples
        vcd cse template list
        vcd --json cse template list
    """
    print_rows(context, session.rows("/cse/template"), _COLUMNS, none="your provider offers no templates")
