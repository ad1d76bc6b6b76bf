"""The command `cse install`."""

from pathlib import Path

import click

from cse_cli.amqp import AmqpError
from cse_cli.checks.report import print_table
from cse_cli.checks.run import run_checks
from cse_cli.checks.vcd import VcdCheckError
from cse_cli.commands.options import config_option
from cse_cli.progress import Progress, progress
from cse_cli.quiet import configure_logs
from cse_cli.setup import Done, ExtensionMode
from cse_cli.setup import install as set_up
from cse_core.config import Config
from cse_core.errors import CseError


@click.command(name="install", short_help="Set up vCloud Director and RabbitMQ for CSE.")
@config_option
@click.option("-t", "--template", default="*", show_default=True, help="Build this template only; * means all.")
@click.option("-u", "--update", is_flag=True, help="Build templates anew even if they exist.")
@click.option("-n", "--no-capture", is_flag=True, help="Leave the vApp that a template is built in as it is.")
@click.option(
    "-k",
    "--ssh-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="SSH public key for the machines that templates are built in; needed with --no-capture.",
)
@click.option(
    "-e",
    "--ext",
    "extension",
    type=click.Choice([mode.value for mode in ExtensionMode]),
    default=ExtensionMode.PROMPT.value,
    show_default=True,
    help="The extension in vCD: ask before changing one that is there, leave it alone, or make it what the file says.",
)
def command(
    path: Path,
    template: str,
    *,
    update: bool,
    no_capture: bool,
    ssh_key: Path | None,
    extension: str,
) -> None:
    """Set up vCloud Director and RabbitMQ for CSE, as the configuration says.

    Checks the configuration first. Then makes the exchange, registers the extension with its filters and rights, makes
    the catalog and shares it with all orgs. What is there already stays, so it can be run again at any time.

    This version does not build templates yet: catalog items of that name that are in the catalog are used.

    \b
    Examples
        cse install
        cse install -c config.yaml --ext config
            Ask nothing; for scripts.
    """
    if no_capture and ssh_key is None:
        raise click.UsageError(
            "--no-capture needs --ssh-key: without a key nobody can log in to the machine that is left"
        )
    configure_logs()
    config = _checked(path)
    if template != "*" and config.template(template) is None:
        names = ", ".join(entry.name for entry in config.broker.templates)
        raise click.ClickException(f"no template {template!r} is in broker.templates (there are: {names})")
    done: list[Done] = []
    try:
        with progress() as say:
            steps = set_up(config, ExtensionMode(extension), confirm=lambda question: _confirm(question, say), say=say)
            for step in steps:
                done.append(step)
                say.clear()
                click.echo(f"{step.subject}: {step.message}")
    except AmqpError as exc:
        raise click.ClickException(f"{exc.key}: {exc}; {exc.remedy}") from exc
    except VcdCheckError as exc:
        raise click.ClickException(f"{exc.result.subject}: {exc.result.message}; {exc.result.remedy}") from exc
    except CseError as exc:
        raise click.ClickException(f"{exc.message}; run `cse install` again when this is settled") from exc
    _say_what_is_left(done, asked_to_build=update or no_capture or ssh_key is not None or template != "*")


def _checked(path: Path) -> Config:
    with progress() as say:
        report = run_checks(path, installed=False, template=None, say=say)
    if report.is_good and report.config is not None:
        return report.config
    print_table([result for result in report.results if result.outcome != "ok"])
    click.echo("nothing was changed; correct what is wrong and run `cse install` again", err=True)
    raise click.exceptions.Exit(1)


def _confirm(question: str, say: Progress) -> bool:
    say.clear()
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        raise click.ClickException(
            "nobody answered; say `--ext config` to change the extension, or `--ext skip` to leave it alone"
        ) from None


def _say_what_is_left(done: list[Done], *, asked_to_build: bool) -> None:
    missing = [step for step in done if step.is_missing and step.subject == "template"]
    if asked_to_build or missing:
        click.echo("building templates comes in a later version of CSE", err=True)
    if missing:
        click.echo(
            "put templates of the missing names into the catalog yourself (`vcd catalog upload`, capture)", err=True
        )
    click.echo("next: `cse check --check-install`, then `cse run`", err=True)
