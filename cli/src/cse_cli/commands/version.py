"""The command `cse version`."""

import json
import platform

import click

from cse_cli import DESCRIPTION, PRODUCT, __version__


@click.command(name="version", short_help="Show the version.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(output: str) -> None:
    """Show the version of this installation.

    \b
    Examples
        cse version
        cse version --output json
    """
    if output == "json":
        about = {
            "product": PRODUCT,
            "description": DESCRIPTION,
            "version": __version__,
            "python": platform.python_version(),
        }
        click.echo(json.dumps(about))
    else:
        click.echo(f"{PRODUCT}, {DESCRIPTION}, version {__version__}")
