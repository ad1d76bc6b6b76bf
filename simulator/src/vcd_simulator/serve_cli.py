"""The commands `vcd-simulator serve` and `vcd-simulator inventory`."""

import gc
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from vcd_simulator.control import TOKEN_VARIABLE
from vcd_simulator.guests import GuestError
from vcd_simulator.inventory import Inventory, InventoryError, lab_text
from vcd_simulator.latency import load_profile
from vcd_simulator.ports import Address
from vcd_simulator.server import ServerError
from vcd_simulator.simulator import Simulator
from vcd_simulator.state import StateError

_EPILOG = """\b
Examples:
  vcd-simulator serve
  vcd-simulator serve --profile lab --listen 127.0.0.1:8443 --vcenter-listen 127.0.0.2:443
  vcd-simulator serve --inventory my-cloud.yaml --amqp amqp://guest:guest@127.0.0.1:5672/
"""


def _writable(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A file that will be written later: whether that can be is known now."""
    if path is not None and not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise click.BadParameter(f"{path.absolute().parent} is no directory that can be written to", context, parameter)
    return path


class _AddressType(click.ParamType[Address]):
    """`HOST:PORT`."""

    name = "HOST:PORT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is not of the form HOST:PORT, such as 127.0.0.1:8443", param, ctx)
        return host.strip("[]"), int(port)


_ADDRESS = _AddressType()


def _by_vcenter(values: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` for one vCenter, `VALUE` for the others."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        found[name if equals else "*"] = rest if equals else value
    return found


@click.command(epilog=_EPILOG)
@click.option(
    "--listen",
    type=_ADDRESS,
    default="127.0.0.1:8443",
    show_default=True,
    help="Where the REST API listens; port 0 takes a free one.",
)
@click.option(
    "--vcenter-listen",
    multiple=True,
    metavar="[NAME=]HOST:PORT",
    help="Where vCenters listen; a free port on loopback by default. Several vCenters need a port or an address each.",
)
@click.option(
    "--public-address",
    metavar="HOST[:PORT]",
    help="What hrefs begin with; by default what the client's Host header says.",
)
@click.option(
    "--vcenter-public-address",
    multiple=True,
    metavar="[NAME=]HOST[:PORT]",
    help="Where vCenters say they are, if not where they listen.",
)
@click.option(
    "--profile", default="instant", show_default=True, help="How long things take: instant, lab, field, or a YAML file."
)
@click.option(
    "--scale", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Multiply the times of the profile."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides ids and the profile's jitter.")
@click.option(
    "--inventory",
    "inventory_file",
    type=click.Path(path_type=Path),
    help="What there is at the start; see `vcd-simulator inventory`.",
)
@click.option(
    "--amqp",
    metavar="URL",
    envvar="VCD_SIMULATOR_AMQP",
    help="Message broker for API extensions, such as amqp://guest:guest@127.0.0.1:5672/.",
)
@click.option(
    "--extension-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that an extension has to answer.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where guests keep their files; a temporary folder by default.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_writable,
    help="Continue with the state in this file, if it is there, and save it here at the end (`.gz`: compressed).",
)
@click.option(
    "--control-token",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    help="Opens the control API below /simulator; random by default, and in the ready file.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_writable,
    help="Write the addresses here, as JSON, when everything listens.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def serve(  # noqa: PLR0913, PLR0917  # one per option
    listen: Address,
    vcenter_listen: tuple[str, ...],
    public_address: str | None,
    vcenter_public_address: tuple[str, ...],
    profile: str,
    scale: float,
    seed: int,
    inventory_file: Path | None,
    amqp: str | None,
    extension_timeout: float,
    state_dir: Path | None,
    state_file: Path | None,
    control_token: str | None,
    ready_file: Path | None,
    log_level: str,
) -> None:
    """Serve until SIGTERM or Ctrl-C; everything is forgotten then, unless --state names a file."""
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    addresses = {name: _ADDRESS.convert(value, None, None) for name, value in _by_vcenter(vcenter_listen).items()}
    try:
        load_profile(profile)
        simulator = Simulator(
            Inventory.load(inventory_file) if inventory_file is not None else None,
            profile=profile,
            scale=scale,
            seed=seed,
            listen=listen,
            vcenter_listen=addresses,
            public_address=public_address,
            vcenter_public_addresses=_by_vcenter(vcenter_public_address),
            amqp=amqp,
            extension_timeout_s=extension_timeout,
            state_dir=state_dir,
            state_file=state_file,
            control_token=control_token,
        )
        simulator.start()
    except (InventoryError, ServerError, GuestError, ValueError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    try:
        # What is there from the start stays; the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        _announce(simulator, ready_file)
        stop.wait()
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        try:
            simulator.stop()
        except StateError as exc:
            raise click.ClickException(str(exc)) from exc


def _announce(simulator: Simulator, ready_file: Path | None) -> None:
    """Say where everything is; the file appears whole, or not at all."""
    facts = {
        "url": simulator.url,
        "address": simulator.address,
        "ca_file": simulator.ca_file,
        "pid": os.getpid(),
        "control_token": simulator.control_token,
        "vcenters": {
            name: {"address": vcenter.address, "host": vcenter.host, "port": vcenter.port, "user": vcenter.user}
            for name, vcenter in simulator.vcenters.items()
        },
    }
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        draft.touch(mode=0o600)  # the token in it opens the control API
        draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        draft.replace(ready_file)
    click.echo(f"vCloud Director: {simulator.url} (authority: {simulator.ca_file})")
    for vcenter in simulator.vcenters.values():
        click.echo(f"vCenter {vcenter.name}: https://{vcenter.address}")
    sys.stdout.flush()


@click.command()
def inventory() -> None:
    """Print the default inventory, to start your own from."""
    click.echo(lab_text(), nl=False)
