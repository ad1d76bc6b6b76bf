"""Drives the real vcd-cli with the plug-in `vcd cse`, each user in a home of his own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import yaml

from cse_lab.vcd_cli import write_profiles
from cse_testing.vcd_cli import VcdCliServer

_TIMEOUT_S = 300


@dataclass(frozen=True)
class Output:
    """What one command did."""

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that a user sees."""
        return self.stdout + self.stderr


class LabCli:
    """A user at a shell with vcd-cli and the plug-in `vcd cse`."""

    observers: ClassVar[list[Callable[[Output], None]]] = []
    """Are told what every command of every user has done."""

    def __init__(self, server: VcdCliServer, home: Path, *, host: str) -> None:
        self.home = home
        self._server = server
        self._host = host
        write_profiles(home)

    def login(self, org: str, user: str, password: str, *, version: str | None = None) -> Output:
        """Log in; raises AssertionError when that fails."""
        options = ["-V", version] if version else []
        return self.run("login", self._host, org, user, "-i", "-w", *options, environment={"VCD_PASSWORD": password})

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Output:
        """Run a command that must succeed; the AssertionError otherwise shows all that it printed."""
        output = self.attempt(*arguments, environment=environment)
        assert output.exit_code == 0, f"vcd {' '.join(arguments)} → {output.exit_code}\n{output.text}"
        return output

    def attempt(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Output:
        """Run a command that may fail."""
        variables = {"COLUMNS": "200", **(environment or {})}
        done = self._server.run(self.home, arguments, environment=variables, within_s=_TIMEOUT_S)
        output = Output(arguments, done.code, done.out, done.err)
        for observer in self.observers:
            observer(output)
        return output

    @property
    def token(self) -> str:
        """The session id of the profile; only after a login at API version below 33.0."""
        profiles = yaml.safe_load((self.home / ".vcd-cli" / "profiles.yaml").read_text())
        return str(profiles["profiles"][0]["token"])

    def json(self, *arguments: str) -> Any:
        """Run a command of vcd-cli with `--json` and return what it printed."""
        return json.loads(self.run("--json", *arguments).stdout)


class CliFactory(Protocol):
    """Gives a vcd-cli that is logged in as a user of an organisation."""

    def __call__(self, org: str, user: str, password: str, *, version: str | None = None) -> LabCli: ...
