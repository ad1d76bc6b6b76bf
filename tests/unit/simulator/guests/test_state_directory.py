"""Where guests keep their files."""

import fcntl
from pathlib import Path
from typing import IO

import pytest

from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.state_directory import StateDirectory


def test_directories_in_use_stay_and_abandoned_ones_go(tmp_path: Path) -> None:
    ours = StateDirectory(tmp_path)
    abandoned = tmp_path / "vcdsim-abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "guest").mkdir()
    unknown = tmp_path / "vcdsim-being-made"
    unknown.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "vcdsim-link").symlink_to(elsewhere)
    second = StateDirectory(tmp_path)
    assert not abandoned.exists()
    assert all(path.exists() for path in (ours.path, second.path, unknown, elsewhere / "lock"))
    for state in (ours, second):
        state.remove()
        assert not state.path.exists()


def test_a_directory_that_another_simulator_took_for_abandoned_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    taken: list[Path] = []

    def too_late(file: IO[str], operation: int) -> None:
        lock(file, operation)
        if not taken:
            taken.append(Path(file.name).parent)
            remove_tree(taken[0])

    monkeypatch.setattr(fcntl, "flock", too_late)
    ours = StateDirectory(tmp_path)
    assert taken
    assert list(tmp_path.iterdir()) == [ours.path]
    ours.remove()


def test_a_removal_that_is_cut_off_is_finished_by_the_next_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = StateDirectory(tmp_path)
    (ours.path / "guests").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("vcd_simulator.guests.state_directory.remove_tree", cut_off)
        with pytest.raises(KeyboardInterrupt):
            ours.remove()
    ours._lock.close()  # as the end of the process does
    second = StateDirectory(tmp_path)
    assert list(tmp_path.iterdir()) == [second.path]
    second.remove()


def cut_off(directory: Path) -> None:
    remove_tree(directory)
    raise KeyboardInterrupt
