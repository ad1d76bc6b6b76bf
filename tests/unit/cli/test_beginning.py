"""Only `cse run`, which has threads by the hundred, begins anew to spare memory."""

import sys

import pytest

from cse_cli import main as cli
from cse_core import runtime


@pytest.mark.parametrize(
    ("arguments", "times"),
    [(["run"], 1), (["run", "-c", "x"], 1), ([], 0), (["check", "run"], 0), (["--version"], 0)],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_cse_run_spares_memory_before_it_imports_anything_large(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], times: int
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(sys, "argv", ["cse", *arguments])
    monkeypatch.setattr(runtime, "spare_memory", lambda: begun.append("spared"))
    monkeypatch.setattr(cli.cse, "main", lambda **_: begun.append("run"))
    cli.main()
    assert begun == ["spared"] * times + ["run"]
