"""The command `cse run`."""

import os
from pathlib import Path
from typing import Literal, cast

import click

from cse_cli.checks.report import print_table
from cse_cli.checks.run import run_checks
from cse_cli.commands.options import config_option
from cse_cli.progress import progress
from cse_cli.quiet import configure_logs
from cse_cli.server import serve
from cse_core import logs
from cse_core.config import ConfigError, load_config
from cse_core.errors import CseError
from cse_core.operations import StartError
from cse_core.runtime import end_process
from cse_core.settings import Environment, SettingsError
from cse_templates.domain.catalogue import CatalogueError

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command(name="run", short_help="Run the service.")
@config_option
@click.option("-s", "--skip-check", is_flag=True, help="Do not check the configuration and the installation first.")
@click.pass_context
def command(context: click.Context, path: Path, *, skip_check: bool) -> None:
    """Run the service in this process until Ctrl-C, SIGTERM or `vcd cse system stop`.

    Checks the configuration and the installation first, and does not start if something is wrong. Operations are kept
    in the directory cse-state beside the configuration file, or in the database that CSE_OPERATIONS_DATABASE names;
    what is in progress when the service ends goes on when it is started again. Ending takes up to half a minute; a
    second Ctrl-C does not wait.

    \b
    Examples
        cse run
        cse run -c config.yaml --skip-check
        CSE_LOG_FORMAT=json cse run 2> cse.log

    The exit code is 0 if the service ended because it was asked to.
    """
    try:
        if not skip_check:
            _check(path)
        config = load_config(path)
        _configure_logs()
        ended = serve(config, path, os.environ, _say)
    except ConfigError as exc:
        raise click.ClickException("\n".join(f"{exc.path}: {finding}" for finding in exc.findings)) from exc
    except CatalogueError as exc:
        raise click.ClickException("\n".join(exc.findings)) from exc
    except (SettingsError, StartError, CseError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    _say("CSE has ended")
    if ended.has_threads_left:
        end_process(ended.code)
    context.exit(ended.code)


def _check(path: Path) -> None:
    configure_logs()
    with progress() as say:
        report = run_checks(path, installed=True, template=None, say=say)
    if not report.is_good:
        print_table([result for result in report.results if result.outcome != "ok"])
        click.echo("not started; correct what is wrong, or start with --skip-check", err=True)
        raise click.exceptions.Exit(1)


def _configure_logs() -> None:
    environment = Environment(os.environ)
    form = cast("Literal['console', 'json']", environment.choice("CSE_LOG_FORMAT", "console", ("console", "json")))
    logs.configure(service="cse", level=environment.choice("CSE_LOG_LEVEL", "INFO", _LEVELS), form=form)


def _say(text: str) -> None:
    click.echo(text, err=True)
