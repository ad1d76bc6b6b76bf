"""The commands `vcd-simulator guest …`: a look into the guests of a simulator that runs."""

import json
import shlex
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from vcd_simulator.control import TOKEN_HEADER, TOKEN_VARIABLE

_EPILOG = """\b
Guests are named by their moid, or by the name of their VM where it is the only one.

\b
Examples, with the ready file of `vcd-simulator serve --ready-file ready.json`:
  export VCD_SIMULATOR_READY_FILE=ready.json
  vcd-simulator guest list
  vcd-simulator guest exec mstr-1 -- kubectl get nodes
  vcd-simulator guest exec mstr-1 --script 'tail -n 5 /etc/passwd | sort'
  vcd-simulator guest logs mstr-1
  vcd-simulator guest cp mstr-1:/root/.kube/config ./config
"""
_PAUSE_S = 30.0
"""How much longer than the script itself the answer may take."""
_COLUMNS = ("moid", "vm", "vapp", "org", "power", "tools", "addresses")


@dataclass(frozen=True)
class Control:
    """The control API of a running simulator."""

    url: str
    token: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)

    def call(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = _PAUSE_S) -> bytes:
        """Send a request; returns the answer's body. What is refused ends the command with the reason."""
        request = urllib.request.Request(f"{self.url}/simulator{path}", data=body, method=method)  # noqa: S310  # https
        request.add_header(TOKEN_HEADER, self.token)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls)
        )
        try:
            with opener.open(request, timeout=timeout_s) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as exc:
            with exc:
                raise click.ClickException(_reason(exc.read(), exc.code)) from exc
        except (OSError, HTTPException) as exc:
            raise click.ClickException(f"{self.url} does not answer: {exc}") from exc

    def read(self, path: str) -> Any:
        """The JSON at a path."""
        return json.loads(self.call("GET", path))


@click.group(epilog=_EPILOG)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="VCD_SIMULATOR_READY_FILE",
    show_envvar=True,
    help="Written by `serve --ready-file`; it tells the other three.",
)
@click.option("--url", envvar="VCD_SIMULATOR_URL", show_envvar=True, help="Where the simulator is: https://HOST:PORT.")
@click.option("--control-token", envvar=TOKEN_VARIABLE, show_envvar=True, help="Opens the control API.")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="VCD_SIMULATOR_CA_FILE",
    show_envvar=True,
    help="The authority of its certificate.",
)
@click.pass_context
def guest(
    context: click.Context, ready_file: Path | None, url: str | None, control_token: str | None, ca_file: Path | None
) -> None:
    """Look into the guests of a running simulator: run commands, see what happened, copy files."""
    facts: dict[str, Any] = {}
    if ready_file is not None:
        try:
            facts = json.loads(ready_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise click.ClickException(f"{ready_file} is no ready file: {exc}") from exc
    url = url or facts.get("url")
    token = control_token or facts.get("control_token")
    if not url or not token:
        raise click.UsageError("say which simulator is meant: --ready-file FILE, or --url and --control-token")
    if not url.startswith("https://"):
        raise click.UsageError(f"{url!r} is not of the form https://HOST:PORT")
    authority = ca_file or facts.get("ca_file")
    try:
        tls = ssl.create_default_context(cafile=str(authority) if authority is not None else None)
    except OSError as exc:
        raise click.ClickException(f"{authority} cannot be read: {exc}") from exc
    context.obj = Control(url.rstrip("/"), token, tls)


_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@guest.command("list")
@_OUTPUT
@click.pass_obj
def list_guests(control: Control, output: str) -> None:
    """List all guests with the VMs that they belong to."""
    guests = control.read("/guests")["guests"]
    if output == "json":
        click.echo(json.dumps(guests, indent=2))
        return
    rows = [_COLUMNS, *(tuple(_cell(one[name]) for name in _COLUMNS) for one in guests)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@guest.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="GUEST")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--script", help="A line for bash, instead of a command; `-` reads it from stdin.")
@click.option("--user", default="root", show_default=True, help="As whom; no password is asked for.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True, max=7200), default=600.0, show_default=True)
@click.pass_obj
def execute(
    control: Control, name: str, command: tuple[str, ...], script: str | None, user: str, timeout: float
) -> None:
    """Run a command in a guest, around vCenter; ends with the command's exit code.

    Put `--` before a command that has options of its own.
    """
    if bool(command) == (script is not None):
        raise click.UsageError("give a command or --script, and not both")
    line = shlex.join(command) if script is None else sys.stdin.read() if script == "-" else script
    body = json.dumps({"script": line, "user": user, "timeout_s": timeout}).encode()
    result = json.loads(control.call("POST", f"{_path_of(name)}/exec", body, timeout_s=timeout + _PAUSE_S))
    for stream, text in ((sys.stdout, result["stdout"]), (sys.stderr, result["stderr"])):
        stream.buffer.write(text.encode(errors="surrogateescape"))
        stream.flush()
    sys.exit(result["exit_code"])


@guest.command()
@click.argument("name", metavar="GUEST")
@_OUTPUT
@click.pass_obj
def logs(control: Control, name: str, output: str) -> None:
    """Show what happened to a guest: power, tools, programs and how they ended."""
    entries = control.read(f"{_path_of(name)}/log")["log"]
    if output == "json":
        click.echo(json.dumps(entries, indent=2))
        return
    for entry in entries:
        click.echo(f"{entry['at']}  {_one_line(entry['text'])}")


@guest.command()
@click.argument("source")
@click.argument("target")
@click.option("--mode", default="644", show_default=True, help="Permissions of a file that is new in the guest.")
@click.pass_obj
def cp(control: Control, source: str, target: str, mode: str) -> None:
    """Copy one file out of a guest or into it: GUEST:/PATH at one side, a file or `-` at the other."""
    remote = [_remote(source), _remote(target)]
    if remote[0] and not remote[1]:
        content = control.call("GET", f"{_path_of(remote[0][0])}/file?path={quote(remote[0][1])}", timeout_s=600)
        _save(target, Path(remote[0][1]).name, content)
    elif remote[1] and not remote[0]:
        try:
            content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        except OSError as exc:
            raise click.ClickException(f"{source}: {exc.strerror}") from exc
        name, path = remote[1]
        path += Path(source).name if path.endswith("/") else ""
        control.call("PUT", f"{_path_of(name)}/file?path={quote(path)}&mode={quote(mode)}", content, timeout_s=600)
    else:
        raise click.UsageError("one side is GUEST:/PATH, and the other a file here")


def _save(target: str, name: str, content: bytes) -> None:
    if target == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    path = Path(target)
    try:
        (path / name if path.is_dir() else path).write_bytes(content)
    except OSError as exc:
        raise click.ClickException(f"{target}: {exc.strerror}") from exc


def _remote(text: str) -> tuple[str, str] | None:
    """The guest and the path of `GUEST:/PATH`."""
    name, colon, path = text.partition(":/")
    return (name, f"/{path}") if colon and name else None


def _path_of(name: str) -> str:
    return f"/guests/{quote(name, safe='')}"


def _cell(value: object) -> str:
    return _one_line(",".join(value) if isinstance(value, list) else str(value or "-"))


def _one_line(text: str) -> str:
    """Guests choose their names and command lines; a terminal must not take orders from them."""
    return "".join(char if char.isprintable() else "�" for char in text.replace("\n", " ↵ "))


def _reason(body: bytes, status: int) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return f"the simulator answered with {status}"
