"""Asking before what cannot be undone, for `vcd cse` and `cse`."""

import sys

import click

from cse_cli.vcd_plugin.errors import PluginError


def confirm(question: str) -> None:
    """Asks on stderr; returns if the answer is yes.

    Raises:
        click.Abort: somebody at a terminal says no.
        PluginError: there is nobody to say anything but no: programs have to say `--yes`.
    """
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        if not sys.stdin.isatty():
            click.echo(err=True)
            raise PluginError("nobody has agreed; say --yes to be asked nothing") from None
        raise
