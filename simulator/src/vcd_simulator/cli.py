"""The command `vcd-simulator`."""

from importlib import import_module

import click

_EPILOG = """\b
Examples:
  vcd-simulator serve
  vcd-simulator serve --profile lab --listen 127.0.0.1:8443 --vcenter-listen 127.0.0.2:443
  vcd-simulator inventory > my-cloud.yaml
  vcd-simulator serve --inventory my-cloud.yaml --amqp amqp://guest:guest@127.0.0.1:5672/
  vcd-simulator guest --ready-file ready.json exec mstr-1 -- kubectl get nodes
"""
_COMMANDS = {
    "guest": "vcd_simulator.guest_cli:guest",
    "inventory": "vcd_simulator.serve_cli:inventory",
    "serve": "vcd_simulator.serve_cli:serve",
}


class _LazyGroup(click.Group):
    """Loads a command when it is used: a look into a guest does not wait for what only a server needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module, _, name = _COMMANDS.get(cmd_name, "").partition(":")
        if not module:
            return None
        found: click.Command = getattr(import_module(module), name)
        return found


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
def main() -> None:
    """A vCloud Director and its vCenters, simulated.

    pyvcloud, vcd-cli, pyvmomi and other clients work against it unchanged; nothing real happens.
    """
