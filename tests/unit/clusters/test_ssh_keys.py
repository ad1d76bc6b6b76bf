"""SSH keys: which are handed on to further workers, and how guests come to accept them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_clusters.domain.guest_scripts import guest_script
from cse_clusters.domain.new_cluster import public_keys
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.ssh import ssh_key

FIRST, SECOND = f"{ssh_key()} it's $(first)", f"{ssh_key()} second"


@pytest.fixture
def clusters() -> Iterator[ClustersInMemory]:
    with ClustersInMemory() as service:
        yield service


def test_only_keys_without_options_are_handed_on() -> None:
    text = f'# mine\n{FIRST}\n\ncommand="uptime" {ssh_key()} bound\nfrom="10.0.0.1" {ssh_key()}\nnonsense\n{SECOND}\n'
    assert public_keys(text).splitlines() == [FIRST, SECOND]
    assert public_keys("") == ""


def test_a_guest_accepts_each_of_several_keys_once(tmp_path: Path) -> None:
    script = guest_script("exit 0\n", {}, ssh_key=f"{FIRST}\n{SECOND}").reveal().replace("/root", str(tmp_path))
    for _ in range(2):
        subprocess.run(["bash", "-c", script], check=True)
    accepted = tmp_path / ".ssh" / "authorized_keys"
    assert accepted.read_text().splitlines() == [FIRST, SECOND]
    assert accepted.stat().st_mode & 0o077 == 0


def test_workers_that_a_resize_adds_accept_what_the_control_plane_accepts(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1))
    (control_plane,) = clusters.nodes("mstr")
    (old,) = clusters.nodes("node")
    clusters.guests.files[control_plane, "/root/.ssh/authorized_keys"] = f"{FIRST}\n{SECOND}\n".encode()
    ended = clusters.finished(clusters.resize(2))
    assert ended.error is None, ended.error
    (new,) = (name for name in clusters.nodes("node") if name != old)
    (joining,) = (text for text in clusters.guests.scripts[new] if "BODY-worker" in text)
    assert all(part in joining for part in (FIRST.split(" ")[1], SECOND))


def test_without_keys_on_the_control_plane_none_is_handed_on(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    ended = clusters.finished(clusters.resize(1))
    assert ended.error is None, ended.error
    (new,) = clusters.nodes("node")
    assert not any("authorized_keys" in text for text in clusters.guests.scripts[new])
