"""What the processes of services are told on their command lines."""

from pathlib import Path

import pytest

from cse_clusters.__main__ import main as clusters
from cse_core.command_line import Program
from cse_gateway.__main__ import main as gateway
from cse_templates.__main__ import main as templates
from cse_testing.logs import logs_restored

PROGRAM = Program(name="cse-x", version="1.2", about="Does x.", epilog="examples:\n  cse-x -c config.yaml\n")
SERVICES = {"cse-clusters": clusters, "cse-gateway": gateway, "cse-templates": templates}


@pytest.mark.parametrize(
    ("arguments", "file"), [([], None), (["-c", "a.yaml"], Path("a.yaml")), (["--config=b.yaml"], Path("b.yaml"))]
)
def test_the_configuration_file_may_be_named(arguments: list[str], file: Path | None) -> None:
    assert PROGRAM.config_file(arguments) == file


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["--version"], 0), (["--nonsense"], 2), (["config.yaml"], 2)]
)
def test_help_version_and_misuse_end_the_process(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        PROGRAM.config_file(arguments)
    assert ended.value.code == code
    shown = capsys.readouterr()
    assert "cse-x" in (shown.out if code == 0 else shown.err)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_explains_itself_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        SERVICES[name](["--help"])
    shown = capsys.readouterr().out
    assert f"  {name} -c config.yaml" in shown
    assert all(variable in shown for variable in ("CSE_CONFIG", "CSE_CA_FILE", "CSE_LOG_LEVEL"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_reads_the_file_that_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CSE_CONFIG", str(tmp_path / "other.yaml"))
    monkeypatch.setenv("CSE_LOG_LEVEL", "ERROR")
    with logs_restored():
        assert SERVICES[name](["-c", str(tmp_path / "named.yaml")]) == 1
    assert "named.yaml: cannot be read" in capsys.readouterr().err
