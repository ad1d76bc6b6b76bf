"""SSH keys: which are taken, which are handed on to further workers, and how guests come to accept them."""

import base64
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_clusters.domain.guest_scripts import guest_script
from cse_clusters.domain.ssh_keys import MOST_BYTES, check_ssh_keys, public_keys
from cse_core.errors import InvalidArgumentError
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.ssh import ssh_key

FIRST, SECOND = f"{ssh_key()} it's $(first)", f"{ssh_key()} second"


@pytest.fixture
def clusters() -> Iterator[ClustersInMemory]:
    with ClustersInMemory() as service:
        yield service


def key(kind: str = "ssh-ed25519", *, inside: str | None = None) -> str:
    name = (inside or kind).encode()
    return f"{kind} {base64.b64encode(len(name).to_bytes(4, 'big') + name + bytes(36)).decode()}"


@pytest.mark.parametrize(
    "text", [key(), f"{key()} alice@home", f"  {key()} \n", key("ssh-rsa"), key("ecdsa-sha2-nistp256")]
)
def test_openssh_public_keys_are_taken(text: str) -> None:
    assert check_ssh_keys(text, field="key") == text.strip()


@pytest.mark.parametrize("text", [" \n", "# nobody\n\n#\n"])
def test_no_key_is_fine(text: str) -> None:
    assert check_ssh_keys(text, field="key") == ""


def test_a_whole_authorized_keys_is_taken_without_what_is_no_key() -> None:
    text = f"\n# the team\r\n{FIRST}\r\n\n\t{key()}\tbob's \n   # {SECOND}\n{FIRST}\n{SECOND}"
    assert check_ssh_keys(text, field="key").split("\n") == [FIRST, f"{key()} bob's", SECOND]


PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----"
HOSTILE = {
    "a private key": (PRIVATE_KEY, "private key; send the public one"),
    "a short key": ("ssh-rsa AAAA", "no OpenSSH public key"),
    "a carriage return": (f"{key()}\rcommand=...", "one line of printable characters"),
    "another line end": (f"{key()} x\u2028{key()}", "one line of printable characters"),
    "a NUL": (f"{key()} \0", "one line of printable characters"),
    "a type only": ("ssh-rsa", "no OpenSSH public key"),
    "no base64": ("ssh-ed25519 !!!!", "no OpenSSH public key"),
    "other letters": ("ssh-ed25519 Ä", "no OpenSSH public key"),
    "another type inside": (key("ssh-ed25519", inside="ssh-rsa"), "no OpenSSH public key"),
    "an unknown type": (key("ssh-foo"), "no OpenSSH public key"),
    "a command": (f'command="reboot" {key()}', "options"),
    "options": (f'from="10.0.0.1",no-pty {key()} bob', "options"),
    "a long comment": (f"{key()} {'x' * 20_000}", "at most 16384 characters"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_public_key_is_refused_without_repeating_it(case: str) -> None:
    text, what = HOSTILE[case]
    with pytest.raises(InvalidArgumentError, match=what) as refused:
        check_ssh_keys(text, field="cluster.ssh_public_key")
    assert refused.value.field == "cluster.ssh_public_key"
    assert refused.value.message.startswith("cluster.ssh_public_key: ")
    assert text[:40] not in refused.value.message


@pytest.mark.parametrize("case", HOSTILE)
def test_among_others_it_is_refused_by_its_line(case: str) -> None:
    text, what = HOSTILE[case]
    with pytest.raises(InvalidArgumentError, match=rf"^ssh_key: line 4: .*{what}") as refused:
        check_ssh_keys(f"{FIRST}\n# him:\n\n{text}\n{SECOND}\n", field="ssh_key")
    assert text[:40] not in refused.value.message


def test_keys_have_their_limit_together() -> None:
    line = f"{key()} {'ä' * 8_000}\n"
    with pytest.raises(InvalidArgumentError, match=f"at most {MOST_BYTES} bytes"):
        check_ssh_keys(line * 5, field="key")


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


def test_all_nodes_of_a_new_cluster_accept_all_keys(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1, nfs=True, ssh_public_key=f"# us\n{FIRST}\n{SECOND}\n"))
    keys = shlex.quote(f"{FIRST}\n{SECOND}")
    first_scripts = [scripts[0] for scripts in clusters.guests.scripts.values()]
    assert len(first_scripts) == 3
    assert all(f"export CSE_SSH_KEY={keys}\n" in script for script in first_scripts)
