"""The command `cse check`."""

from collections import Counter
from pathlib import Path

import click

from cse_cli.checks.report import print_json, print_table
from cse_cli.checks.result import Outcome
from cse_cli.checks.run import Report, run_checks
from cse_cli.commands.options import config_option
from cse_cli.commands.output import output_option
from cse_cli.progress import progress
from cse_cli.quiet import configure_logs


@click.command(name="check", short_help="Check the configuration and everything it names.")
@config_option
@click.option("-i", "--check-install", "installed", is_flag=True, help="Check also what `cse install` sets up.")
@click.option("-t", "--template", help="With --check-install: look for this template only.  [default: all]")
@output_option()
@click.pass_context
def command(context: click.Context, path: Path, *, installed: bool, template: str | None, output: str) -> None:
    """Check the configuration file and everything it names; changes nothing.

    Looks at the file itself, the templates' scripts, RabbitMQ, vCloud Director, its vCenters, and the provider's org,
    VDC, network and storage profile. Tells everything that is wrong at once, and what to do about it.

    \b
    Examples
        cse check
        cse check -c config.yaml --check-install
        cse check --check-install --template photon-v2
        cse check --output json | jq '.results[] | select(.outcome == "failed")'

    The exit code is 0 if nothing is wrong (warnings do not count), 1 otherwise.
    """
    configure_logs()
    with progress() as say:
        report = run_checks(path, installed=installed, template=template, say=say)
    if output == "json":
        print_json(report.results, is_good=report.is_good)
    else:
        print_table(report.results)
        click.echo(_summary(report), err=True)
    context.exit(0 if report.is_good else 1)


def _summary(report: Report) -> str:
    count = Counter(result.outcome for result in report.results)
    if not report.is_good:
        return f"failed: {count[Outcome.FAILED]}, skipped: {count[Outcome.SKIPPED]}"
    return f"nothing is wrong; warnings: {warned}" if (warned := count[Outcome.WARNING]) else "everything is right"
