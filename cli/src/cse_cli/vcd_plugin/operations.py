"""The commands `vcd cse operation …`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

import click

from cse_cli.vcd_plugin.agreement import confirm
from cse_cli.vcd_plugin.commands import CONTEXT, no_wait_option, path_name, with_session
from cse_cli.vcd_plugin.errors import PluginError
from cse_cli.vcd_plugin.events import Silence, view_for
from cse_cli.vcd_plugin.following import Operation, follow, operation_path, read
from cse_cli.vcd_plugin.output import (
    print_json,
    print_json_line,
    print_message,
    print_properties,
    print_rows,
    wants_json,
    wants_no_wait,
)
from cse_cli.vcd_plugin.session import Session

_KINDS: Final = ("CREATE_CLUSTER", "DELETE_CLUSTER", "ADD_NODES", "REMOVE_NODES", "RESIZE_CLUSTER", "RECLAIM")
_STATES: Final = ("QUEUED", "RUNNING", "ROLLING_BACK", "SUCCEEDED", "FAILED", "CANCELLED")
_COLUMNS: Final = {
    "id": "id", "what": "what", "org": "org", "cluster": "cluster", "state": "state", "progress": "done",
    "begun": "begun", "took": "took",
}  # fmt: skip
_PAGE: Final = 100
EXIT_CODES: Final = {"SUCCEEDED": 0, "FAILED": 1, "CANCELLED": 3}


@click.group(context_settings=CONTEXT, short_help="follow and cancel what takes long")
def operation() -> None:
    """What CSE does with clusters, and has done.

    You see the operations of your organisation; system administrators see those of all.

    \b
    Examples
        vcd cse operation list --active
        vcd cse operation watch 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d
            See what happens on every node, until it has ended.
        vcd cse operation cancel 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d
            End it, and take back what it has made.
    """


@operation.command("list", short_help="list operations")
@click.option("--cluster", metavar="NAME", help="Only of clusters of this name.")
@click.option("--kind", type=click.Choice(_KINDS, case_sensitive=False), help="Only of this kind.")
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only in this state.")
@click.option("--active/--ended", default=None, help="Only those that have not ended, or that have.  [default: both]")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@with_session
def list_operations(
    context: click.Context, session: Session, /, *, active: bool | None, limit: int, **wanted: str | None
) -> None:
    """List operations, the latest first.

    \b
    Examples
        vcd cse operation list
        vcd cse operation list --cluster c1 --limit 100
        vcd cse operation list --state failed --output json
    """
    query = {key: value for key, value in wanted.items() if value}
    if active is not None:
        query["done"] = "false" if active else "true"
    found = list(islice(_listed(session, query, limit), limit))
    if wants_json(context):
        print_json(context, found)
    else:
        rows = [_row(Operation.parse(each)) for each in found]
        print_rows(context, rows, _COLUMNS, none="there are no such operations" if query else "there are no operations")


@operation.command(short_help="show an operation")
@click.argument("id", callback=path_name, metavar="ID")
@with_session
def show(context: click.Context, session: Session, id: str) -> None:  # noqa: A002 - the argument's name
    """Show an operation as it is now, and how it ended.

    \b
    Example
        vcd cse operation show 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d
    """
    found = dict(session.fields("GET", operation_path(id)))
    if not wants_json(context):
        found.pop("result", None)  # a whole cluster
    print_properties(context, found)


@operation.command(short_help="follow an operation")
@click.argument("id", callback=path_name, metavar="ID")
@with_session
def watch(context: click.Context, session: Session, id: str) -> None:  # noqa: A002 - the argument's name
    """Show what has happened in an operation and what happens, on every node, until it has ended.

    With --output json, every event is a line of JSON, and the last line is the operation.

    \b
    Examples
        vcd cse operation watch 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d
        vcd cse operation watch 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d --output json | jq -r .message

    The exit code is 0 if it succeeded, 1 if it failed, 3 if it was cancelled. Ctrl-C ends the watching, and not the
    operation.
    """
    as_json = wants_json(context)
    try:
        ended = follow(session, id, view_for(read(session, id).title, as_json=as_json))
    except KeyboardInterrupt:
        raise PluginError("stopped watching; the operation goes on") from None
    if as_json:
        print_json_line(ended.sent)
    else:
        click.echo(f"{ended.title}: {ended.state.lower()}: {ended.error or ended.message}")
    context.exit(EXIT_CODES.get(ended.state, 1))


@operation.command(short_help="end an operation")
@click.argument("id", callback=path_name, metavar="ID")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@no_wait_option
@with_session
def cancel(context: click.Context, session: Session, id: str, *, yes: bool) -> None:  # noqa: A002
    """End an operation, and wait until what it has made is taken back.

    For who began it, who may change its cluster, and system administrators.

    \b
    Examples
        vcd cse operation cancel 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d
        vcd cse operation cancel 019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d --yes --no-wait

    The exit code is 1 if it ended otherwise before it could be cancelled.
    """
    found = read(session, id)
    if found.is_done:
        raise PluginError(f"operation {id} has ended already: {found.state.lower()}")
    if not yes:
        confirm(f"Cancel '{found.title}'?")
    told = Operation.parse(session.fields("POST", operation_path(id, "cancel")))
    if wants_no_wait(context):
        print_message(context, f"cancelling; follow it with `vcd cse operation watch {id}`", operation_id=id)
        return
    view = Silence() if wants_json(context) else view_for(told.title, as_json=False)
    try:
        ended = follow(session, id, view)
    except (PluginError, KeyboardInterrupt) as exc:
        why = str(exc) or "stopped waiting"
        raise PluginError(f"{why}; it is being cancelled, follow it with `vcd cse operation watch {id}`") from None
    if ended.state != "CANCELLED":
        raise PluginError(f"operation {id} ended before it could be cancelled: {ended.error or ended.message}")
    print_message(context, f"operation {id} is cancelled: {ended.error or ended.message}", operation_id=id)


def _listed(session: Session, query: dict[str, str], limit: int) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = {"next_page_token": ""}
    while True:
        token = {"page_token": page["next_page_token"]} if page["next_page_token"] else {}
        path = f"/cse/_operations?{urlencode({**query, 'page_size': str(min(limit, _PAGE)), **token})}"
        page = {"operations": [], "next_page_token": "", **session.fields("GET", path)}
        yield from page["operations"]
        if not page["next_page_token"]:
            return


def _row(found: Operation) -> dict[str, str]:
    begun, ended = (_moment(found.sent.get(key)) for key in ("create_time", "end_time"))
    took = (ended or datetime.now(UTC)) - begun if begun else None
    return {
        "id": found.id,
        "what": found.kind.replace("_", " ").lower(),
        "org": found.org,
        "cluster": found.cluster,
        "state": found.state.replace("_", " ").lower(),
        "progress": f"{found.sent.get('progress_percent', 0)} %",
        "begun": f"{begun.astimezone():%Y-%m-%d %H:%M:%S}" if begun else "",
        "took": str(took).partition(".")[0] if took is not None else "",
    }


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
