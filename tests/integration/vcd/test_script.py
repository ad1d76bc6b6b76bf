"""The texts of guest scripts, in a real bash."""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cse_testing.waiting import LIMIT_S, wait_until
from cse_vcd.script import MARK, clear_away, compose, kill_marked, prefix

VALUES = ["it's", '"$(touch canary)`touch canary`"', "a\nb", "\\", "ü漢", "", "-n", "a;b&c|d>e", "!!"]


def bash(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text)
    return subprocess.run(
        ["/bin/bash", str(path)], cwd=path.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


@pytest.mark.parametrize("value", VALUES)
def test_a_value_arrives_as_it_is(tmp_path: Path, value: str) -> None:
    done = bash(tmp_path / "script", compose('printf %s "$VALUE"', {"VALUE": value}))
    assert (done.stdout, done.stderr, done.returncode) == (value, "", 0)
    assert not (tmp_path / "canary").exists()


def test_the_exit_code_is_the_bodys(tmp_path: Path) -> None:
    assert bash(tmp_path / "script", compose("set -e\nfalse\necho not reached", {})).returncode == 1


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """As `/tmp` of a guest, with a blank in its name; what is old is two hours old."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    return folder


def left_in(parent: Path, name: str, *, is_old: bool = False) -> Path:
    """What a script has left."""
    directory = parent / name
    directory.mkdir()
    (directory / "script").write_text("export TOKEN=canary")
    if is_old:
        os.utime(directory, (time.time() - 7200,) * 2)
    return directory


def cleared(parent: Path, slot: str) -> set[str]:
    """What is left beside a script of this slot."""
    own = left_in(parent, f"{prefix(slot)}own")
    done = bash(parent.parent / "script", compose("echo done", {}, before=clear_away(str(parent), str(own), slot)))
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)
    assert own.exists()
    return {path.name for path in parent.iterdir()} - {own.name}


def test_a_script_clears_away_what_one_before_it_has_left(parent: Path) -> None:
    left_in(parent, "cse-join-abc")
    left_in(parent, "cse-join-def", is_old=True)
    left_in(parent, "cse-mint-abc")
    left_in(parent, "another's", is_old=True)
    assert cleared(parent, "join") == {"cse-mint-abc", "another's"}


@pytest.mark.parametrize("slot", ["", "join"], ids=["without a slot", "of another slot"])
def test_a_script_clears_away_what_nobody_uses_for_an_hour(parent: Path, slot: str) -> None:
    left_in(parent, "cse-mint-abc", is_old=True)
    left_in(parent, "cse-fresh")
    assert cleared(parent, slot) == {"cse-fresh"}


def test_a_script_leaves_alone_what_another_one_works_in(parent: Path) -> None:
    used = left_in(parent, "cse-mint-abc", is_old=True)
    with subprocess.Popen(["/bin/sleep", "600"], env={MARK: str(used)}) as process:
        try:
            assert cleared(parent, "join") == {used.name}
        finally:
            process.kill()
    assert cleared(parent, "join2") == {"cse-join-own"}


def test_a_script_follows_no_link(parent: Path, tmp_path: Path) -> None:
    target = left_in(tmp_path, "target")
    (parent / "cse-join-link").symlink_to(target)
    (parent / "cse-join-file").write_text("")
    assert cleared(parent, "join") == {"cse-join-link", "cse-join-file"}
    assert (target / "script").exists()


@pytest.mark.parametrize("slot", ["a-b", "../x", "A", "a" * 33, "*"])
def test_a_slot_cannot_leave_its_place(slot: str) -> None:
    with pytest.raises(ValueError, match="no slot"):
        prefix(slot)


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
            wait_until(lambda: marked_processes(directory) == 2, "both sleeps to have begun")
            wait_until(lambda: marked_processes(f"{directory}-not") == 2, "both other sleeps to have begun")
            assert bash(tmp_path / "kill", kill_marked(directory)).returncode == 0
            mine.wait(LIMIT_S)
            assert theirs.poll() is None
        finally:
            bash(tmp_path / "kill", kill_marked(f"{directory}-not"))
            bash(tmp_path / "kill", kill_marked(directory))


def marked_processes(directory: str) -> int:
    """How many programs began with the mark in their environment: what a shell forks does when it becomes another."""
    mark = f"{MARK}={directory}".encode()
    found = 0
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            found += mark in environment.read_bytes().split(b"\0")
    return found
