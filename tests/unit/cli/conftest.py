"""`cse` as a user calls it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cse_cli.main import cse
from cse_testing.logs import logs_restored

Cse = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cse]:
    """Runs `cse …` in an empty directory, with an empty home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("CSE_CONFIG", "CSE_TEMPLATES_DIR"):
        monkeypatch.delenv(variable, raising=False)

    def invoke(*arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(cse, list(arguments), input=answer, prog_name="cse")

    with logs_restored():
        yield invoke
