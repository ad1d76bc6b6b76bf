"""Files seen from outside the guest: no path leads out of it."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vcd_simulator.guests.owners import read_owner, write_owner
from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.tree import FileTree
from vcd_simulator.guests.tree_copy import copy_tree
from vcd_simulator.guests.walk import Mount


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_text("secret")
    return directory


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Nothing is left of it: what tidies up after tests cannot go as deep as some of them do."""
    directory = tmp_path / "root"
    (directory / "a/b").mkdir(parents=True)
    (directory / "a/b/file").write_text("inside")
    (directory / "usr").mkdir()
    yield directory
    remove_tree(directory)


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> FileTree:
    system = tmp_path / "system"
    (system / "local").mkdir(parents=True)
    (system / "tool").write_text("tool")
    local = tmp_path / "local"
    local.mkdir()
    return FileTree(
        {
            "/": Mount(root, writable=True),
            "/usr": Mount(system, writable=False),
            "/usr/local": Mount(local, writable=True),
        }
    )


@pytest.mark.parametrize(
    "path", ["/a/b/file", "//a//b/./file", "/a/../a/b/file", "/../../a/b/file", "/a/b/../b/file", "/usr/../a/b/file"]
)
def test_a_file_has_many_paths(tree: FileTree, path: str) -> None:
    assert tree.read(path) == b"inside"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("{outside}", "/link/secret"),
        ("../outside", "/link/secret"),
        ("../../../../../../../..{outside}", "/link/secret"),
        ("{outside}/secret", "/link"),
        ("/proc/self/root{outside}", "/link/secret"),
        ("{outside}", "/a/../link/secret"),
    ],
)
def test_links_are_resolved_inside(tree: FileTree, root: Path, outside: Path, target: str, path: str) -> None:
    (root / "link").symlink_to(target.format(outside=outside))
    refused: list[Callable[[], object]] = [
        lambda: tree.read(path),
        lambda: tree.write(path, "x"),
        lambda: tree.change(path, mode=0o777),
        lambda: tree.move(path, "/stolen"),
        lambda: list(tree.entries(path)),
    ]
    for operation in refused if path != "/link" else refused[:1]:
        with pytest.raises(FileNotFoundError):
            operation()
    assert (outside / "secret").read_text() == "secret"


def test_links_inside_work(tree: FileTree, root: Path) -> None:
    (root / "absolute").symlink_to("/a/b")
    (root / "a/relative").symlink_to("b/file")
    (root / "chain").symlink_to("absolute/../relative")
    (root / "toolbox").symlink_to("/usr/tool")
    assert tree.read("/absolute/file") == tree.read("/a/relative") == tree.read("/chain") == b"inside"
    assert tree.read("/toolbox") == b"tool"
    tree.write("/a/relative", "changed")
    assert (root / "a/b/file").read_text() == "changed"


def test_endless_links_end(tree: FileTree, root: Path) -> None:
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    with pytest.raises(OSError, match="symbolic links"):
        tree.read("/x")


@pytest.mark.parametrize("path", ["relative", "", "/a\0b"])
def test_paths_that_are_none(tree: FileTree, path: str) -> None:
    with pytest.raises(OSError, match="absolute path"):
        tree.read(path)


def test_mounts_decide_what_can_be_written(tree: FileTree, tmp_path: Path) -> None:
    tree.write("/usr/local/x", "x")
    assert (tmp_path / "local/x").read_text() == "x"
    writes: list[Callable[[], object]] = [
        lambda: tree.write("/usr/x", "x"),
        lambda: tree.remove_file("/usr/tool"),
        lambda: tree.move("/usr/tool", "/tool"),
        lambda: tree.move("/a", "/usr/a"),
        lambda: tree.make_directory("/usr/d"),
        lambda: tree.change("/usr/tool", mode=0o777),
        lambda: tree.remove_directory("/usr/local", recursive=True),
        lambda: tree.remove_directory("/", recursive=True),
    ]
    for write in writes:
        with pytest.raises(OSError, match="Read-only file system"):
            write()
    assert tree.read("/usr/tool") == b"tool"


def test_what_was_mounted_over_stays_hidden(tree: FileTree, root: Path) -> None:
    (root / "usr/hidden").write_text("x")
    assert not tree.exists("/usr/hidden")


def test_writing_keeps_permissions_and_honours_exclusive(tree: FileTree, root: Path) -> None:
    tree.write("/new", "1", mode=0o600)
    tree.write("/new", "2", mode=0o666)
    assert tree.info("/new").mode == 0o600
    with pytest.raises(FileExistsError):
        tree.open_write("/new", exclusive=True)


def test_recursive_removal_follows_no_link(tree: FileTree, root: Path, outside: Path) -> None:
    (root / "a/out").symlink_to(outside)
    tree.remove_directory("/a", recursive=True)
    assert not (root / "a").exists()
    assert (outside / "secret").exists()


def test_directories_with_parents(tree: FileTree, root: Path) -> None:
    tree.make_directory("/n/e/w", parents=True)
    assert (root / "n/e/w").is_dir()
    with pytest.raises(FileExistsError):
        tree.make_directory("/n/e/w", parents=True)
    with pytest.raises(FileNotFoundError):
        tree.make_directory("/m/n")


def test_entries_of_a_directory(tree: FileTree, root: Path) -> None:
    (root / "a/link").symlink_to("b")
    found = {info.name: (info.kind, info.link_target) for info in tree.entries("/a")}
    assert found == {
        ".": ("directory", None),
        "..": ("directory", None),
        "b": ("directory", None),
        "link": ("symlink", "b"),
    }
    assert [info.name for info in tree.entries("/a/b/file")] == ["file"]


def test_copying_leaves_pipes_out_and_follows_no_link(root: Path, outside: Path, tmp_path: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "out").symlink_to(outside)
    copy_tree(root, tmp_path / "copy")
    assert sorted(entry.name for entry in (tmp_path / "copy").iterdir()) == ["a", "out", "usr"]
    assert (tmp_path / "copy/out").is_symlink()


DEEP = 1100


def dig(top: Path) -> None:
    """Nest directories deeper than any path may be long, with a file in the deepest."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("directory", dir_fd=here)
        below = os.open("directory", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deepest", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def entries(directory: int) -> list[str]:
    with os.scandir(directory) as found:
        return [entry.name for entry in found]


def depth(top: Path) -> tuple[int, list[str]]:
    """How deep directories are nested, and what is in the deepest."""
    here, levels = os.open(top, os.O_RDONLY), 0
    while "directory" in entries(here):
        below = os.open("directory", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, levels = below, levels + 1
    names = entries(here)
    os.close(here)
    return levels, names


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory that nothing is left of: what tidies up after tests cannot go that deep."""
    top = tmp_path / "deep"
    top.mkdir()
    yield top
    remove_tree(top)


def test_copying_goes_as_deep_as_directories_are_nested(deep: Path) -> None:
    (deep / "top").mkdir()
    dig(deep / "top")
    copy_tree(deep / "top", deep / "copy")
    assert depth(deep / "copy") == (DEEP, ["deepest"])


def test_copies_keep_permissions_times_and_attributes(tmp_path: Path) -> None:
    closed = tmp_path / "t/closed"
    closed.mkdir(parents=True)
    (closed / "file").write_bytes(b"\x00" * 70_000 + b"end")
    write_owner(str(closed / "file"), 1000, 33)
    os.utime(closed / "file", (5, 7))
    (closed / "file").chmod(0o4000)
    os.utime(closed, (11, 13))
    closed.chmod(0)
    copy_tree(tmp_path / "t", tmp_path / "copy")
    for top in (tmp_path / "t", tmp_path / "copy"):
        status = (top / "closed").stat()
        assert (status.st_mode & 0o7777, status.st_mtime) == (0, 13)
        (top / "closed").chmod(0o700)
        status = (top / "closed/file").stat()
        assert (status.st_mode & 0o7777, status.st_mtime) == (0o4000, 7)
        (top / "closed/file").chmod(0o400)
        assert (top / "closed/file").read_bytes() == b"\x00" * 70_000 + b"end"
    assert read_owner(str(tmp_path / "copy/closed/file")) == read_owner(str(tmp_path / "t/closed/file"))


def test_a_directory_is_made_with_all_that_is_missing_above_it(tree: FileTree) -> None:
    path = "/a" + "/n" * 300
    assert (tree.first_missing(path), tree.first_missing("/a/b/file/x"), tree.first_missing("/a")) == (
        "/a/n",
        "/a/b/file/x",
        "/a",
    )
    tree.make_directory(path, parents=True)
    assert tree.info(path).kind == "directory"
    with pytest.raises(OSError, match="File name too long"):
        tree.make_directory("/n" * 2048, parents=True)


def test_removing_what_nobody_may_read(tmp_path: Path) -> None:
    deep = tmp_path / "t/a/b"
    deep.mkdir(parents=True)
    (deep / "f").write_text("x")
    deep.chmod(0)
    (tmp_path / "t/a").chmod(0o500)
    remove_tree(tmp_path / "t")
    assert not (tmp_path / "t").exists()
    remove_tree(tmp_path / "t")


def test_no_descriptor_is_left_open(tree: FileTree, root: Path) -> None:
    (root / "x").symlink_to("y")
    before = descriptors_below(root)
    for path in ("/a/b/file", "/none/none", "/x", "/a/b", "/usr/tool"):
        tree.exists(path)
        try:
            tree.read(path)
        except OSError:
            continue
    assert descriptors_below(root) == before


def descriptors_below(directory: Path) -> list[str]:
    """Where this process's descriptors lead, of those that lead into a directory: other threads have others."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(descriptor.readlink()))
    return sorted(target for target in found if target.startswith(str(directory)))
