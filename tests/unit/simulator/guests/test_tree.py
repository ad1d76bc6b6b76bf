"""Files seen from outside the guest: no path leads out of it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.tree import FileTree, copy_tree
from vcd_simulator.guests.walk import Mount


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_text("secret")
    return directory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "root"
    (directory / "a/b").mkdir(parents=True)
    (directory / "a/b/file").write_text("inside")
    (directory / "usr").mkdir()
    return directory


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
