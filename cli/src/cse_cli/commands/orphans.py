"""The command `cse orphans`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cse_cli.checks.vcd import VcdCheckError
from cse_cli.commands.options import config_option
from cse_cli.commands.output import failure, output_option, print_json
from cse_cli.orphans import FAILED, Chosen, listed, reclaim, service
from cse_cli.quiet import configure_logs
from cse_cli.vcd_plugin.agreement import confirm
from cse_cli.vcd_plugin.errors import PluginError
from cse_cli.vcd_plugin.events import Silence, printable, view_for
from cse_cli.vcd_plugin.session import Session
from cse_core.config import ConfigError, load_config
from cse_core.settings import SettingsError

_WIDE = 4096
_COLUMNS = ("id", "org", "vdc", "cluster", "VMs", "cause", "since", "what happened")


@click.group(name="orphans", short_help="Find what operations have left behind in vCD, and delete it.")
def command() -> None:
    """What operations of CSE have left behind: vApps and VMs that became no clusters and nodes, or are none any more.

    CSE takes back what it made when an operation fails. What is listed here it could not: vCD refused, the store of
    operations was lost, a deletion ended half-way; or somebody asked for it to be left for inspection. What lives, what
    an operation works on, and what users made by themselves is never listed.

    \b
    Examples
        cse orphans list
        cse orphans reclaim
            Say what would be deleted; delete nothing.
        cse orphans reclaim --execute
            Delete it, after a question.

    The service must be running: it is asked through vCD, with the account of the configuration file.
    """


@command.command("list", short_help="List what was left behind.")
@config_option
@click.option("--org", help="Only of this organisation.")
@output_option()
def list_orphans(path: Path, org: str | None, output: str) -> None:
    """List what was left behind, in all organisations.

    \b
    Examples
        cse orphans list
        cse orphans list --org acme
        cse orphans list --output json | jq -r '.orphans[].id'
    """

    def work(session: Session) -> None:
        found = [each for each in listed(session) if org in (None, each.get("org"))]
        if output == "json":
            print_json({"orphans": found})
        else:
            _print_table(found)
            click.echo(f"{len(found)} found" if found else "nothing was left behind", err=True)

    _with_service(path, output, work)


@command.command("reclaim", short_help="Delete what was left behind.")
@click.argument("ids", nargs=-1, metavar="[ID]…")
@config_option
@click.option("--org", help="Only of this organisation.")
@click.option("--all", "with_all", is_flag=True, help="Also what somebody may still want.")
@click.option("--execute", is_flag=True, help="Delete; without it, only say what would be deleted.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before.")
@output_option()
def reclaim_orphans(
    path: Path, ids: tuple[str, ...], org: str | None, output: str, *, with_all: bool, execute: bool, yes: bool
) -> None:
    """Delete what was left behind, or say what would be deleted.

    ID is an id of the list. Without any, all are meant but those that somebody may still want: what was left for
    inspection, and what no known operation made. These have to be named, or --all says that they are meant, too.
    Each is looked at again right before it is deleted, and left alone if it is in use then.

    \b
    Examples
        cse orphans reclaim
        cse orphans reclaim --execute
        cse orphans reclaim --execute --yes --output json
            For scripts.
        cse orphans reclaim vapp-1f0c9b6e-2f2c-4a55-9d3f-0d4a7d1f7b11 --execute

    The exit code is 1 if something could not be deleted.
    """

    def work(session: Session) -> None:
        found = listed(session)
        chosen = Chosen(ids, org, with_all).of(found)
        missing = sorted(set(ids) - {each["id"] for each in chosen})
        if missing:
            raise PluginError(f"no such orphan: {', '.join(map(printable, missing))}; see `cse orphans list`")
        if chosen and execute and not yes:
            _print_table(chosen, err=True)
            confirm(f"Delete {_counted(len(chosen))} from vCD?")
        view = Silence() if output == "json" else view_for("reclaim", as_json=False)
        results = reclaim(session, [each["id"] for each in chosen], view, execute=execute) if chosen else []
        _show_results(results, output, executed=execute)
        spared = 0 if ids else len(Chosen(ids, org, with_all=True).of(found)) - len(chosen)
        if spared and output != "json":
            click.echo(f"{_counted(spared)} must be named, or say --all; see `cse orphans list`", err=True)

    _with_service(path, output, work)


def _with_service(path: Path, output: str, work: Callable[[Session], None]) -> None:
    """Does `work` with the running service; what keeps it from that ends the command, in the form of `output`."""
    configure_logs()
    try:
        with service(load_config(path).vcd) as session:
            work(session)
    except ConfigError as exc:
        findings = "\n".join(f"{exc.path}: {finding}" for finding in exc.findings)
        raise failure(f"{findings}\n`cse check` says more", output) from exc
    except VcdCheckError as exc:
        raise failure(f"{exc.result.subject}: {exc.result.message}; {exc.result.remedy}", output) from exc
    except (PluginError, SettingsError) as exc:
        raise failure(str(exc), output) from exc
    except KeyboardInterrupt:
        message = "stopped waiting; what was begun goes on, see `vcd cse operation list`"
        raise failure(message, output) from None


def _show_results(results: Sequence[dict[str, Any]], output: str, *, executed: bool) -> None:
    failed = sum(each.get("outcome") == FAILED for each in results)
    if output == "json":
        print_json({"executed": executed, "results": results})
    else:
        for each in results:
            orphan, what = each.get("orphan") or {}, str(each.get("outcome", "")).replace("_", " ").lower()
            click.echo(printable(f"{orphan.get('id')} ({orphan.get('name')}): {what}: {each.get('message')}"))
        if not results:
            click.echo("nothing to reclaim", err=True)
        elif not executed:
            click.echo("nothing was deleted; say --execute to delete it", err=True)
        elif failed:
            click.echo(f"{_counted(failed)} could not be deleted", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _counted(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def _print_table(orphans: Sequence[dict[str, Any]], *, err: bool = False) -> None:
    if not orphans:
        return
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for each in orphans:
        cause = str(each.get("cause", "")).replace("_", " ").lower()
        if each.get("must_be_named"):
            cause += " (name it to reclaim it)"
        name = each.get("cluster") if each.get("kind") == "vapp" else f"{each.get('cluster')}: {each.get('name')}"
        since = str(each.get("operation_time") or "").partition(".")[0].removesuffix("Z").replace("T", " ")
        count = each.get("vm_count") if each.get("kind") == "vapp" else ""
        row = (each.get("id"), each.get("org"), each.get("vdc"), name, count, cause, since, each.get("explanation"))
        table.add_row(*(Text(printable(value)) for value in row))
    console = Console(stderr=err, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE  # nothing is folded or cut for programs that read lines
    console.print(table)
