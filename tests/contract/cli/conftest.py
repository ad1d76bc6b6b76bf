"""`vcd cse` in vcd-cli, logged in to a scripted vCD."""

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from cse_testing.cse_answers import Vcd
from cse_testing.scripted_http import ScriptedHttp


@pytest.fixture(scope="session")
def vcd_command(tmp_path_factory: pytest.TempPathFactory) -> click.Command:
    """vcd-cli's own command with our plug-in in it. Importing vcd-cli warns, and writes a log into the directory."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        home = tmp_path_factory.mktemp("home")
        patch.chdir(home)
        patch.setenv("HOME", str(home))
        command = importlib.import_module("vcd_cli.vcd").vcd
        importlib.import_module("cse_cli.vcd_plugin.cse")
    assert isinstance(command, click.Command)
    return command


@pytest.fixture
def server() -> Iterator[ScriptedHttp]:
    with ScriptedHttp() as running:
        yield running


@pytest.fixture
def profile(server: ScriptedHttp) -> dict[str, Any]:
    """What `vcd login` leaves behind; a test may change it before it calls `vcd`."""
    return {
        "name": "default",
        "host": server.url,
        "org": "acme",
        "user": "alice",
        "token": "9f2c4b7e1d6a4c03b8e5f7a0d1c2b3a4",
        "is_jwt_token": False,
        "api_version": "31.0",
        "verify": True,
        "disable_warnings": False,
        "vdc_in_use": "acme-vdc",
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def vcd(vcd_command: click.Command, profile: dict[str, Any], home: Path) -> Vcd:
    """Runs `vcd …`."""

    def run(*arguments: str, answer: str | None = None) -> Result:
        file = home / ".vcd-cli" / "profiles.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump({"active": "default", "profiles": [profile] if profile else []}))
        return CliRunner().invoke(vcd_command, list(arguments), input=answer, prog_name="vcd")

    return run
