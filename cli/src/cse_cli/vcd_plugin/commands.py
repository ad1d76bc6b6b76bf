"""What all commands have in common: the session, errors, waiting for tasks."""

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

import click
from vcd_cli.profiles import Profiles

from cse_cli.vcd_plugin.errors import PluginError, TaskError
from cse_cli.vcd_plugin.events import Silence, view_for
from cse_cli.vcd_plugin.following import follow, outcome
from cse_cli.vcd_plugin.output import (
    ask_for_json,
    ask_not_to_wait,
    print_json,
    print_message,
    wants_json,
    wants_no_wait,
)
from cse_cli.vcd_plugin.session import Session
from cse_cli.vcd_plugin.tasks import Progress, wait_for_task

P = ParamSpec("P")

T = TypeVar("T", bound=Callable[..., Any])

CONTEXT = {"help_option_names": ["-h", "--help"]}
_PLACE = f"{__name__}.place"


def path_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Callback of a name that becomes part of a URL's path. Whether it is valid is the server's business."""
    if value in ("", ".", "..") or "/" in value or not value.isprintable():
        raise click.BadParameter(f"{value!r} is no name; use letters, digits and hyphens", context, parameter)
    return value


def cluster_path(*parts: str) -> str:
    """The path of something of a cluster, below `/api`, with what `place_options` were given; parts stay segments."""
    place = click.get_current_context().meta.get(_PLACE, {})
    return "/".join(["/cse", *(quote(part, safe="") for part in parts)]) + query_of(place)


def query_of(place: Mapping[str, str | None]) -> str:
    """What follows a path to say which org and VDC are meant; nothing for those that are not given."""
    given = {key: value for key, value in place.items() if value}
    return f"?{urlencode(given, quote_via=quote)}" if given else ""


def place_options_saying(*, org: str, vdc: str) -> Callable[[T], T]:
    """`--vdc` and `--org`, explained so."""

    def remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value:
            context.meta.setdefault(_PLACE, {})[parameter.name] = value

    def add(command: T) -> T:
        for name, explanation in (("--org", org), ("--vdc", vdc)):
            option = click.option(name, metavar="NAME", expose_value=False, callback=remember, help=explanation)
            command = option(command)
        return command

    return add


place_options = place_options_saying(
    org="Its org, for system administrators who see several of that name.",
    vdc="Its org VDC, where you see several of that name.",
)
"""Which tell clusters of one name from each other."""


def output_option(command: T) -> T:
    """`--output json`, which does the same as `vcd --json` before the command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            ask_for_json(context, asked=value == "json")

    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        expose_value=False,
        callback=remember,
        help="How results are printed.",
    )(command)


def no_wait_option(command: T) -> T:
    """`--no-wait`, which does the same as `vcd --no-wait` before the command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ask_not_to_wait(context)

    return click.option(
        "--no-wait", is_flag=True, expose_value=False, callback=remember, help="Return at once; the task goes on."
    )(command)


def with_session(run: Callable[Concatenate[click.Context, Session, P], None]) -> Callable[P, None]:
    """Gives a command the session of the profile, and shows its errors: exit code 1, JSON where it was asked for."""

    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        context = click.get_current_context()
        try:
            session = Session.from_profile(Profiles.load())
            if session.warn_unverified:
                click.secho("Warning: the server's certificate is not checked.", fg="yellow", err=True)
            run(context, session, *args, **kwargs)
        except PluginError as exc:
            if wants_json(context):
                print_json(context, {"error": str(exc)})
                context.exit(1)
            raise click.ClickException(str(exc)) from exc

    return output_option(update_wrapper(command, run))


def finish(context: click.Context, session: Session, reply: dict[str, Any], done: str) -> None:
    """Waits for what a reply says was begun, and prints how it ended; with `--no-wait`, prints how to follow it.

    That is an operation, which tells of every node and says itself what it has done. With servers of CSE 1.2.x it is a
    task of vCD, for which `done` says so.
    """
    operation_id, href = reply.get("operation_id"), reply.get("task_href")
    if not operation_id and not href:
        print_message(context, done, **reply)
        return
    command = f"vcd cse operation watch {operation_id}" if operation_id else f"vcd task wait {_last_part(href)}"
    if wants_no_wait(context):
        print_message(context, f"begun; follow it with `{command}`", **reply)
        return
    try:
        if operation_id:
            title = f"cluster {reply.get('cluster_name') or reply.get('name')}"
            view = Silence() if wants_json(context) else view_for(title, as_json=False)
            done = outcome(follow(session, operation_id, view)).message or done
        else:
            wait_for_task(session, str(href), Progress())
    except TaskError:
        raise
    except (PluginError, KeyboardInterrupt) as exc:
        why = str(exc) or "stopped waiting"
        raise PluginError(f"{why}; the work goes on, follow it with `{command}`") from None
    print_message(context, done, **reply, status="success")


def _last_part(href: object) -> str:
    return str(href).rpartition("/")[2]
