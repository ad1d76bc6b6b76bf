"""The built-in scripts, as programs: shellcheck finds nothing, and parameters come from the environment alone."""

import re
import subprocess
from pathlib import Path

import pytest

from cse_templates.adapters.directories import SCRIPT_FILES, builtin_directory, read_directory
from cse_testing.waiting import LIMIT_S

TEMPLATES = sorted(path for path in builtin_directory().iterdir() if not path.name.startswith("_"))
SCRIPTS = sorted(builtin_directory().glob("*/*.sh"))


def identify(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("script", SCRIPTS, ids=identify)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=identify)
def test_a_script_stops_at_the_first_error(script: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()


@pytest.mark.parametrize("directory", TEMPLATES, ids=lambda path: path.name)
def test_what_is_delivered_passes_shellcheck_too(directory: Path, tmp_path: Path) -> None:
    scripts = read_directory(directory).scripts
    for role in SCRIPT_FILES:
        file = tmp_path / f"{role}.sh"
        file.write_text(getattr(scripts, role))
    done = subprocess.run(
        ["shellcheck", *sorted(tmp_path.iterdir())], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.name != "init.sh"], ids=identify)
def test_a_missing_parameter_is_named_before_anything_happens(script: Path) -> None:
    needed = re.findall(r'"\$\{(\w+):\?\}"', script.read_text())
    assert needed
    done = subprocess.run(
        ["bash", script],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        executable="/bin/bash",
    )
    assert done.returncode != 0
    assert needed[0] in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("directory", TEMPLATES, ids=lambda path: path.name)
def test_customization_refuses_a_phase_it_does_not_know(directory: Path) -> None:
    done = subprocess.run(
        ["bash", directory / "init.sh", "sometime"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 2
    assert "precustomization|postcustomization" in done.stderr
