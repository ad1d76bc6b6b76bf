"""SSH public keys, read from files with care: people confuse them with the private half."""

import re
from pathlib import Path
from typing import Final

import click

_MOST_BYTES: Final = 64 * 1024
_KEY: Final = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+[ \t]+AAAA[^\n]*")
"""A line as ssh-keygen writes it; the server looks more closely."""


def public_keys(file: Path | None) -> str | None:
    """The keys in the file, one or a whole `authorized_keys`; None for no file.

    Raises:
        click.BadParameter: it holds something else, above all a private key.
    """
    if file is None:
        return None
    with file.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if b"PRIVATE KEY" in content:
        raise click.BadParameter(
            f"{file} holds a private key; name the public one (usually {file}.pub)", param_hint="-k"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    lines = enumerate(map(str.strip, text.split("\n")), 1)
    keys = {number: line for number, line in lines if line and not line.startswith("#")}
    if len(content) > _MOST_BYTES or not keys:
        raise click.BadParameter(
            f"{file} is no SSH public key (`ssh-ed25519 AAAA… me@home`), nor at most 64 KiB of them",
            param_hint="-k",
        )
    for number, line in keys.items():
        if not _KEY.fullmatch(line):
            raise click.BadParameter(
                f"{file}, line {number}: that is no SSH public key, which looks like `ssh-ed25519 AAAA… me@home`",
                param_hint="-k",
            )
    return text.rstrip()
