"""Deleting directories that hostile programs change meanwhile."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vcd_simulator.guests import removal
from vcd_simulator.guests.removal import remove_directory, remove_tree
from vcd_simulator.guests.walk import DIRECTORY


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").touch()
    directory = tmp_path / "tree"
    for name in ("a/b/c", "d"):
        (directory / name).mkdir(parents=True)
        (directory / name / "file").touch()
    (directory / "link").symlink_to("../outside")
    os.mkfifo(directory / "pipe")
    return directory


def remove(directory: Path) -> None:
    parent = os.open(directory.parent, DIRECTORY)
    try:
        remove_directory(parent, directory.name)
    finally:
        os.close(parent)


def test_links_and_pipes_go_and_nothing_is_followed(tree: Path) -> None:
    remove(tree)
    assert not tree.exists()
    assert (tree.parent / "outside/kept").exists()


def test_directories_nested_very_deeply(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    here = os.open(tmp_path / "deep", DIRECTORY)
    for _ in range(3000):
        os.mkdir("x", dir_fd=here)
        below = os.open("x", DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove_tree(tmp_path / "deep")
    assert not (tmp_path / "deep").exists()


def _swap_for_a_link(tree: Path) -> None:
    (tree / "a").rename(tree.parent / "moved")
    (tree / "a").symlink_to("../outside")


def _swap_for_a_pipe(tree: Path) -> None:
    (tree / "d").rename(tree.parent / "moved")
    os.mkfifo(tree / "d")


def _fill(tree: Path) -> None:
    (tree / "more/and/more").mkdir(parents=True)


def _take_away(tree: Path) -> None:
    shutil.rmtree(tree)


@pytest.mark.parametrize("change", [_swap_for_a_link, _swap_for_a_pipe, _fill, _take_away])
def test_what_changes_between_looking_and_deleting(
    tree: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = [change]

    def names(directory: int) -> list[str]:
        found = os.listdir(directory)  # a descriptor, not a path
        if pending:
            pending.pop()(tree)
        return found

    monkeypatch.setattr(removal, "_names", names)
    remove(tree)
    assert not tree.exists()
    assert (tree.parent / "outside/kept").exists()


def test_who_fills_it_faster_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(1000))

    def names(directory: int) -> list[str]:
        found = os.listdir(directory)  # a descriptor, not a path
        (tree / f"new-{next(made)}").touch()
        return found

    monkeypatch.setattr(removal, "_names", names)
    with pytest.raises(OSError, match="not empty"):
        remove(tree)


def test_only_directories_are_deleted(tree: Path) -> None:
    (tree.parent / "plain").touch()
    for name in ("plain", "tree/link"):
        with pytest.raises(NotADirectoryError):
            remove(tree.parent / name)
    with pytest.raises(FileNotFoundError):
        remove(tree.parent / "none")
