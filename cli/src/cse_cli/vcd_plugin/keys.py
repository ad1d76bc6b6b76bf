"""SSH public keys, read from files with care: people confuse them with the private half."""

import re
from pathlib import Path
from typing import Final

import click

_MAX_KEY: Final = 16 * 1024
_KEY: Final = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[^\n]*")
"""A line as ssh-keygen writes it; the server looks more closely."""


def public_key(file: Path | None) -> str | None:
    """The key in the file; None for no file.

    Raises:
        click.BadParameter: it holds something else, above all a private key.
    """
    if file is None:
        return None
    with file.open("rb") as stream:
        content = stream.read(_MAX_KEY + 1)
    if b"PRIVATE KEY" in content:
        raise click.BadParameter(
            f"{file} holds a private key; name the public one (usually {file}.pub)", param_hint="-k"
        )
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if len(content) > _MAX_KEY or not _KEY.fullmatch(text):
        raise click.BadParameter(
            f"{file} is no SSH public key, which is one line like `ssh-ed25519 AAAA… me@home`", param_hint="-k"
        )
    return text
