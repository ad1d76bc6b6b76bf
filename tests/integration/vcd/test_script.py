"""The texts of guest scripts, in a real bash."""

import subprocess
from pathlib import Path

import pytest

from cse_vcd.script import MARK, compose, kill_marked

VALUES = ["it's", '"$(touch canary)`touch canary`"', "a\nb", "\\", "ü漢", "", "-n", "a;b&c|d>e", "!!"]


def bash(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text)
    return subprocess.run(
        ["/bin/bash", str(path)], cwd=path.parent, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("value", VALUES)
def test_a_value_arrives_as_it_is(tmp_path: Path, value: str) -> None:
    done = bash(tmp_path / "script", compose('printf %s "$VALUE"', {"VALUE": value}))
    assert (done.stdout, done.stderr, done.returncode) == (value, "", 0)
    assert not (tmp_path / "canary").exists()


def test_the_exit_code_is_the_bodys(tmp_path: Path) -> None:
    assert bash(tmp_path / "script", compose("set -e\nfalse\necho not reached", {})).returncode == 1


def test_what_a_script_has_started_is_killed_and_nothing_else(tmp_path: Path) -> None:
    directory = str(tmp_path / 'it\'s "mine"')
    body = "sleep 600 & setsid sleep 601 & echo started; wait"
    marked = tmp_path / "marked"
    marked.write_text(compose(body, {MARK: directory}))
    other = tmp_path / "other"
    other.write_text(compose(body, {MARK: f"{directory}-not"}))
    with (
        subprocess.Popen(["/bin/bash", str(marked)], stdout=subprocess.PIPE) as mine,
        subprocess.Popen(["/bin/bash", str(other)], stdout=subprocess.PIPE) as theirs,
    ):
        for process in (mine, theirs):
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
        try:
            assert bash(tmp_path / "kill", kill_marked(directory)).returncode == 0
            mine.wait(10)
            assert theirs.poll() is None
        finally:
            bash(tmp_path / "kill", kill_marked(f"{directory}-not"))
            bash(tmp_path / "kill", kill_marked(directory))
