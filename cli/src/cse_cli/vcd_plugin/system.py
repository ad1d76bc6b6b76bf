"""The commands `vcd cse version` and `vcd cse system …`."""

import click

from cse_cli.about import about, about_text
from cse_cli.vcd_plugin.agreement import confirm
from cse_cli.vcd_plugin.commands import CONTEXT, output_option, with_session
from cse_cli.vcd_plugin.output import print_json, print_message, print_properties, wants_json
from cse_cli.vcd_plugin.session import Session


@click.command(context_settings=CONTEXT, short_help="show the version of this plug-in")
@output_option
@click.pass_context
def version(context: click.Context) -> None:
    """Show the version of this plug-in; `vcd cse system info` shows the server's.

    \b
    Example
        vcd cse version
    """
    if wants_json(context):
        print_json(context, about())
    else:
        click.echo(about_text())


@click.group(context_settings=CONTEXT, short_help="show and steer the service")
def system() -> None:
    """The service itself. Everybody may look; steering it is for system administrators.

    \b
    Examples
        vcd cse system info
        vcd cse system disable
            Refuse requests from tenants; what is in progress goes on.
        vcd cse system enable
        vcd cse system stop --yes
            End the server when it has finished what is in progress. Disable it first.
    """


@system.command(short_help="show the service")
@with_session
def info(context: click.Context, session: Session) -> None:
    """Show version and, to system administrators, state.

    \b
    Examples
        vcd cse system info
        vcd --json cse system info
    """
    print_properties(context, session.fields("GET", "/cse/system"))


@system.command(short_help="accept requests")
@with_session
def enable(context: click.Context, session: Session) -> None:
    """Accept requests from tenants.

    \b
    Example
        vcd cse system enable
    """
    _steer(context, session, {"enabled": True})


@system.command(short_help="refuse requests")
@with_session
def disable(context: click.Context, session: Session) -> None:
    """Refuse requests from tenants; what is in progress goes on.

    \b
    Example
        vcd cse system disable
    """
    _steer(context, session, {"enabled": False})


@system.command(short_help="end the server")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@with_session
def stop(context: click.Context, session: Session, *, yes: bool) -> None:
    """End the server when it has finished what is in progress. Disable it first.

    \b
    Examples
        vcd cse system disable
        vcd cse system stop --yes
    """
    if not yes:
        confirm("Stop the CSE server?")
    _steer(context, session, {"stopped": True})


def _steer(context: click.Context, session: Session, change: dict[str, bool]) -> None:
    reply = session.fields("PUT", "/cse/system", change)
    print_message(context, str(reply.get("message", "done")))
