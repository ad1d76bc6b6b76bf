"""Looking at directories that hostile programs change meanwhile."""

import os
from pathlib import Path

import pytest

from vcd_simulator.guests.archive import pack, unpack
from vcd_simulator.guests.limits import disk_usage
from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.survey import survey


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("x" * 100_000)
    directory = tmp_path / "tree"
    (directory / "a/b").mkdir(parents=True)
    (directory / "a/b/file").write_text("x" * 5000)
    (directory / "link").symlink_to("../outside")
    os.mkfifo(directory / "pipe")
    return directory


def test_everything_is_seen_and_nothing_followed(tree: Path) -> None:
    seen = {one.path: (sorted(one.folders), sorted(one.others)) for one in survey(tree)}
    assert seen == {"": (["a"], ["link", "pipe"]), "a": (["b"], []), "a/b": ([], ["file"])}
    assert 5000 <= disk_usage(tree) < 100_000


@pytest.mark.parametrize("kind", ["pipe", "link", "nothing"])
def test_a_directory_may_become_something_else(tree: Path, kind: str) -> None:
    paths = []
    for one in survey(tree):
        paths.append(one.path)
        if not one.path:
            (tree / "a").rename(tree.parent / "moved")
            if kind == "pipe":
                os.mkfifo(tree / "a")
            elif kind == "link":
                (tree / "a").symlink_to("../outside")
    assert paths == [""]


def test_what_is_nested_too_deeply_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    here = os.open(tmp_path / "deep", os.O_PATH)
    for _ in range(1200):
        os.mkdir("x", dir_fd=here)
        below = os.open("x", os.O_PATH, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        before = len(list(Path("/proc/self/fd").iterdir()))
        assert max(one.path.count("x") for one in survey(tmp_path / "deep")) == 1000
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    finally:
        remove_tree(tmp_path / "deep")  # pytest could not


def test_a_survey_that_is_given_up_leaves_nothing_open(tree: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    looking = survey(tree)
    next(looking)
    next(looking)
    looking.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(survey(tree / "none")) == []
    assert disk_usage(tree / "none") == 0


def test_archives_have_no_more_than_is_there(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    unpack(pack(tree), tmp_path / "new")
    copied = tmp_path / "new/tree"
    assert sorted(one.name for one in copied.rglob("*")) == ["a", "b", "file", "link"]
    assert (copied / "link").readlink() == Path("../outside")
