"""SSH public keys, read from files with care: people confuse them with the private half."""

from pathlib import Path

import click

_MAX_KEY = 16 * 1024


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
    if not text or len(content) > _MAX_KEY:
        raise click.BadParameter(f"{file} holds no SSH public key", param_hint="-k")
    return text
