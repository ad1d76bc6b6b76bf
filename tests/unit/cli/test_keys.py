"""Which files `-k` takes."""

from pathlib import Path

import click
import pytest

from cse_cli.vcd_plugin.keys import public_keys

FIRST, SECOND = "ssh-ed25519 AAAAfirst alice@home", "ecdsa-sha2-nistp256 AAAAsecond"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_no_file_is_no_key() -> None:
    assert public_keys(None) is None


def test_one_key_is_sent_without_its_line_end(file: Path) -> None:
    file.write_text(f"{FIRST}\n")
    assert public_keys(file) == FIRST


def test_an_authorized_keys_is_sent_as_it_is_so_that_the_server_counts_the_same_lines(file: Path) -> None:
    text = f"\n# the team\n{FIRST}\n\n  {SECOND}\t\r\n# {FIRST}"
    file.write_bytes(f"{text}\n\n".encode())
    assert public_keys(file) == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"# mine\n{FIRST}\npassword: secret\n", "line 3: that is no SSH public key"),
        (f'{FIRST}\ncommand="uptime" {SECOND}', "line 2: that is no SSH public key"),
        ("# nothing\n", "is no SSH public key"),
        (f"{FIRST}\n" * 2000, "nor at most 64 KiB of them"),
        (f"{FIRST}\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "holds a private key"),
    ],
    ids=["something else", "options", "no key", "too many", "a private key"],
)
def test_what_holds_something_else_is_not_sent(file: Path, text: str, what: str) -> None:
    file.write_text(text)
    with pytest.raises(click.BadParameter, match=what) as refused:
        public_keys(file)
    assert "secret" not in refused.value.message
