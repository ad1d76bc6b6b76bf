"""The command `cse-clusters`: what it says when it cannot start."""

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from cse_clusters.__main__ import main
from cse_clusters.settings import ClustersSettings
from cse_core.settings import SettingsError
from cse_core.tls import CA_VARIABLE

CONFIG = """\
amqp: {host: rabbit.example.com, password: secret}
vcd: {host: vcd.example.com, password: secret}
vcs: [{name: vc1, username: cse, password: secret}]
broker:
  org: provider
  vdc: provider-vdc
  network: net
  default_template: photon-v2
  templates: [{name: photon-v2, catalog_item: photon}]
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("cse_core.logs.configure", lambda **_: None)  # it is for whole processes


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "examples:" in text
    documented = {line.split()[0] for line in text.splitlines() if line.startswith("  CSE_") and "=" not in line}
    assert documented == {*variables(), CA_VARIABLE}


def variables() -> list[str]:
    """The variables that the settings read."""
    asked: list[str] = []

    class Asking(dict[str, str]):
        def get(self, key: str, default: str = "") -> str:  # type: ignore[override]  # all that is used of it
            asked.append(key)
            return default

    ClustersSettings.read(Asking())
    return asked


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CSE_CLUSTERS_LISTEN", "nowhere", "'nowhere' is neither host:port nor unix:/path"),
        ("CSE_TEMPLATES_TARGET", "unix:", "'unix:' names no path"),
        ("CSE_OPERATION_TIMEOUT", "soon", "'soon' is no number of seconds"),
        ("CSE_VCD_TASK_TIMEOUT", "-1", "-1.0 seconds is not a positive time"),
        ("CSE_LIMIT_BOOT", "0", "0.0 seconds is not a positive time"),
        ("CSE_ORPHAN_AGE", "3600", "operations may last longer; it must exceed CSE_OPERATION_TIMEOUT by at least 1800"),
        ("CSE_RUNNING_OPERATIONS", "0", "0 is not between 1 and 10000"),
        ("CSE_LOG_LEVEL", "loud", "'loud' is none of DEBUG, INFO, WARNING, ERROR"),
        ("CSE_LOG_FORMAT", "xml", "'xml' is none of console, json"),
    ],
)
def test_a_bad_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, complaint: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        ClustersSettings.read({name: value})
    monkeypatch.setenv(name, value)
    assert main([]) == 1
    assert capsys.readouterr().err == f"cse-clusters: {name}: {complaint}\n"


def test_what_is_left_behind_is_always_older_than_an_operation_may_last() -> None:
    assert ClustersSettings.read({}).orphan_age == timedelta(hours=2)
    patient = ClustersSettings.read({"CSE_OPERATION_TIMEOUT": "36000"})
    assert patient.orphan_age > patient.operation_timeout
    assert ClustersSettings.read({"CSE_ORPHAN_AGE": "90000"}).orphan_age == timedelta(hours=25)


def test_everything_that_is_wrong_with_the_configuration_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("amqp: {host: rabbit}\nvcd: {host: vcd}\n")
    path.chmod(0o600)
    assert main(["--config", str(path)]) == 1
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) > 2
    assert all(line.startswith(f"cse-clusters: {path}: ") for line in complaints)


def test_an_address_in_use_is_named(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("CSE_CLUSTERS_LISTEN", address)
        assert main(["-c", str(config)]) == 1
    assert f"cannot listen on {address}" in capsys.readouterr().err


def test_the_help_is_shown_in_any_locale(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.isascii()
