"""The command line that all processes of services have: a configuration file, help, a version."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a process presents itself."""

    name: str
    version: str
    about: str
    """What it is, in a sentence."""
    epilog: str
    """What else its help says, as it is to be shown: variables of the environment, examples."""

    def config_file(self, arguments: Sequence[str] | None = None) -> Path | None:
        """The configuration file that the command line names; ends the process for `--help`, `--version`, misuse."""
        parser = argparse.ArgumentParser(
            prog=self.name,
            description=self.about,
            epilog=self.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument(
            "-c", "--config", metavar="FILE", type=Path, help="configuration file; overrides CSE_CONFIG"
        )
        parser.add_argument("--version", action="version", version=f"{self.name} {self.version}")
        named: Path | None = parser.parse_args(arguments).config
        return named
