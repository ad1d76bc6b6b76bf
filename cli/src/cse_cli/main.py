"""`cse`: the provider's command. Commands are imported when they are called, so that a tenant needs no server parts."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Final

import click

from cse_cli import __version__

CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@dataclass(frozen=True)
class Lazy:
    """Where a command is, and its line in the help."""

    module: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed: `module` must define `command`."""

    lazy: Mapping[str, Lazy]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if (entry := self.lazy.get(cmd_name)) is None:
            return None
        try:
            command = import_module(entry.module).command
        except ModuleNotFoundError as exc:
            if (exc.name or "").startswith("cse_cli"):
                raise
            raise click.ClickException(
                f"`cse {cmd_name}` needs the module {exc.name!r}, which is not installed; pip install 'cse-cli[server]'"
            ) from exc
        assert isinstance(command, click.Command)  # noqa: S101 - narrows the type
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As inherited; click itself looks for what was meant among commands that are imported."""
        if args[0] not in self.lazy and not args[0].startswith("-"):
            close = get_close_matches(args[0], self.lazy)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.lazy.items()])


class Cse(LazyGroup):
    """The commands of `cse`, in the order in which a provider needs them."""

    lazy: Mapping[str, Lazy] = {
        "sample": Lazy("cse_cli.commands.sample", "Print a sample configuration."),
        "check": Lazy("cse_cli.commands.check", "Check the configuration and everything it names."),
        "install": Lazy("cse_cli.commands.install", "Set up vCloud Director and RabbitMQ for CSE."),
        "run": Lazy("cse_cli.commands.run", "Run the service."),
        "orphans": Lazy("cse_cli.commands.orphans", "Find what operations have left behind in vCD, and delete it."),
        "plugin": Lazy("cse_cli.commands.plugin", "Add the commands `vcd cse` to vcd-cli."),
        "version": Lazy("cse_cli.commands.version", "Show the version."),
    }


@click.group(cls=Cse, context_settings=CONTEXT)
@click.version_option(__version__, "-V", "--version", prog_name="cse")
def cse() -> None:
    """Container Service Extension for VMware vCloud Director: Kubernetes clusters for tenants.

    \b
    A new installation, in this order
        cse sample --output config.yaml
            Write a configuration, then fill in your own names and passwords.
        cse check
            See what is wrong with it.
        cse install
            Set up vCloud Director and RabbitMQ.
        cse run
            Run the service.

    The configuration is the file that --config names, else the one in the environment variable CSE_CONFIG, else
    config.yaml. Results go to stdout, everything else to stderr. The exit code is 0 on success, 1 on failure, and 2
    for wrong usage.
    """


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["run"]:
        _spare_memory()
    cse.main(prog_name="cse")


def _spare_memory() -> None:
    """Has this process begin anew before anything large is imported; see `cse_core.runtime`."""
    try:
        from cse_core import runtime  # noqa: PLC0415  # tenants do without it
    except ModuleNotFoundError:
        return  # the command says what is missing
    runtime.spare_memory()


if __name__ == "__main__":
    main()
