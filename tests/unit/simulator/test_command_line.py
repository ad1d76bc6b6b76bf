"""What `vcd-simulator` says to options that it cannot work with: before it serves, and without a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from vcd_simulator.cli import main


@pytest.mark.parametrize("option", ["--ready-file", "--state"])
def test_a_file_that_could_not_be_written_later_is_refused_at_the_start(option: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["serve", "--listen", "127.0.0.1:0", option, str(tmp_path / "missing" / "file")])
    assert result.exit_code == 2
    assert f"{tmp_path / 'missing'} is no directory that can be written to" in result.stderr


def test_a_directory_for_guests_that_cannot_be_used_is_named() -> None:
    result = CliRunner().invoke(main, ["serve", "--listen", "127.0.0.1:0", "--state-dir", "/proc/self"])
    assert result.exit_code == 1
    assert "Error: " in result.stderr
    assert "/proc/self" in result.stderr


def test_an_address_that_is_none_is_told() -> None:
    result = CliRunner().invoke(main, ["guest", "--url", "https://host:port", "--control-token", "x", "list"])
    assert result.exit_code == 1
    assert "Error: https://host:port does not answer: nonnumeric port: 'port'" in result.stderr
