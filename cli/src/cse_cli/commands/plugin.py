"""The command `cse plugin`."""

from pathlib import Path
from typing import Final

import click

from cse_cli.profiles import MODULE, ProfilesError, add_extension, remove_extension

PROFILES: Final = Path(".vcd-cli") / "profiles.yaml"


@click.group(name="plugin", short_help="Add the commands `vcd cse` to vcd-cli.")
def command() -> None:
    """The commands `vcd cse` of vcd-cli, which are how tenants use CSE.

    \b
    Examples
        cse plugin install
        vcd cse cluster list
    """


@command.command(short_help="Make vcd-cli load the commands.")
def install() -> None:
    """Make vcd-cli load the commands `vcd cse`. Everything else in ~/.vcd-cli/profiles.yaml stays.

    `vcd profile extension add cse_cli.vcd_plugin.cse` does the same.

    \b
    Example
        cse plugin install && vcd cse version
    """
    path = Path.home() / PROFILES
    try:
        added, others = add_extension(path)
    except ProfilesError as exc:
        raise click.ClickException(str(exc)) from exc
    for other in others:
        click.echo(
            f"Warning: {other} defines `vcd cse` too, and what is loaded last counts; "
            f"remove it with `vcd profile extension delete {other}`",
            err=True,
        )
    click.echo(f"{path}: {'added' if added else 'has it already'}: {MODULE}; try `vcd cse version`")


@command.command(short_help="Make vcd-cli forget the commands.")
def remove() -> None:
    """Take the commands `vcd cse` out of vcd-cli.

    \b
    Example
        cse plugin remove
    """
    path = Path.home() / PROFILES
    try:
        removed = remove_extension(path)
    except ProfilesError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(f"{path}: {'removed' if removed else 'does not have'} {MODULE}")
