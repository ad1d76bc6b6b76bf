"""Settings of the templates service, and what its process says when it cannot start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_core.settings import SettingsError
from cse_templates.__main__ import main
from cse_templates.settings import TemplatesSettings
from cse_testing.logs import logs_restored


def test_defaults_and_variables() -> None:
    assert TemplatesSettings.read({}) == TemplatesSettings()
    settings = TemplatesSettings.read(
        {"CSE_TEMPLATES_LISTEN": "unix:/run/t.sock", "CSE_TEMPLATES_DIR": "/etc/t", "CSE_LOG_LEVEL": "debug"}
    )
    assert settings.listen == "unix:/run/t.sock"
    assert settings.directory == Path("/etc/t")
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("variable", ["CSE_TEMPLATES_LISTEN", "CSE_LOG_LEVEL", "CSE_LOG_FORMAT"])
def test_a_bad_value_names_its_variable(variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        TemplatesSettings.read({variable: "nonsense"})


@pytest.fixture
def _logs_as_they_were() -> Iterator[None]:
    with logs_restored():
        yield


@pytest.mark.usefixtures("_logs_as_they_were")
def test_what_keeps_the_process_from_starting_is_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.touch(mode=0o600)
    config.write_text("amqp: {}\n")
    assert main(["--config", str(config)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.startswith(f"cse-templates: {config}: ") for line in lines)


def test_help_names_every_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for variable in ("CSE_CONFIG", "CSE_TEMPLATES_LISTEN", "CSE_TEMPLATES_DIR", "CSE_LOG_LEVEL", "CSE_LOG_FORMAT"):
        assert variable in shown
