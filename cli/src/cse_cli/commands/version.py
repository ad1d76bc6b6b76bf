"""The command `cse version`."""

import json

import click

from cse_cli.about import about, about_text
from cse_cli.commands.output import output_option


@click.command(name="version", short_help="Show the version.")
@output_option("text")
def command(output: str) -> None:
    """Show the version of this installation.

    \b
    Examples
        cse version
        cse version --output json
    """
    click.echo(json.dumps(about()) if output == "json" else about_text())
