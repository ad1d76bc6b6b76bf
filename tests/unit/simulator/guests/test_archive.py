"""Archives of guests' files."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vcd_simulator.guests.archive import ArchiveError, pack, unpack
from vcd_simulator.guests.removal import remove_tree


def test_files_links_and_modes_come_back(tmp_path: Path) -> None:
    root = tmp_path / "a" / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "it's $(x)\n✓").write_bytes(b"\x00\xff")
    (root / "etc" / "it's $(x)\n✓").chmod(0o640)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "run").symlink_to("/etc")
    (root / "gone").symlink_to("../../nowhere")
    os.mkfifo(root / "pipe")
    target = tmp_path / "b"
    target.mkdir()
    unpack(pack(root), target)
    copy = target / "root"
    assert sorted(one.name for one in copy.iterdir()) == ["etc", "gone", "run", "tmp"]
    assert (copy / "etc" / "it's $(x)\n✓").read_bytes() == b"\x00\xff"
    assert (copy / "etc" / "it's $(x)\n✓").stat().st_mode & 0o7777 == 0o640
    assert (copy / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (copy / "run").readlink() == Path("/etc")


def contents(packed: bytes) -> list[tuple[str, int]]:
    """Names and permissions of what is in an archive."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return [(one.name, one.mode) for one in archive.getmembers()]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory that nothing is left of: what tidies up after tests cannot go that deep."""
    top = tmp_path / "deep"
    top.mkdir()
    yield top
    remove_tree(top)


def test_what_is_nested_deep_comes_back(deep: Path) -> None:
    """Deeper than a path may be long, and below a directory that is closed."""
    root, target = deep / "root", deep / "target"
    root.mkdir()
    target.mkdir()
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("directory", dir_fd=descriptor)
        below = os.open("directory", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("deepest", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    (root / "directory").chmod(0o500)
    packed = pack(root)
    unpack(packed, target)
    assert contents(pack(target / "root")) == contents(packed)
    assert contents(packed)[-1][0] == "root" + "/directory" * 600 + "/deepest"


def test_nothing_behind_a_link_is_packed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("hidden")
    root = tmp_path / "root"
    root.mkdir()
    (root / "dir").symlink_to(tmp_path / "secret")
    (root / "file").symlink_to(tmp_path / "secret" / "key")
    with tarfile.open(fileobj=io.BytesIO(pack(root))) as archive:
        assert all(member.issym() or member.isdir() for member in archive.getmembers())


def evil(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    info.size = 1 if kind == tarfile.REGTYPE else 0
    return info


@pytest.mark.parametrize(
    "members",
    [
        [member("/etc/x")],
        [member("../x")],
        [member("root/../../x")],
        [member("root/dev", tarfile.CHRTYPE)],
        [member("root/hard", tarfile.LNKTYPE, "/etc/passwd")],
        [member("root", tarfile.SYMTYPE, "../outside"), member("root/x", tarfile.SYMTYPE, "y")],
        [member("link", tarfile.SYMTYPE, "../outside"), member("link/x")],
        [member("twice"), member("twice")],
        [member("deep/" * 2000 + "x")],
    ],
)
def test_nothing_is_unpacked_outside_of_the_target(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    (tmp_path / "outside").mkdir()
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(ArchiveError):
        unpack(evil(*members), target)
    assert list((tmp_path / "outside").iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["outside", "target"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    whole = evil(member("a"))
    for content in (b"", b"x", whole[: len(whole) // 2]):
        with pytest.raises(ArchiveError):
            unpack(content, tmp_path)
