"""SSH keys that look right and open nothing."""

import base64
import os

_TYPE = b"\x00\x00\x00\x0bssh-ed25519"


def ssh_key() -> str:
    """A public key without a comment, another one each time."""
    return f"ssh-ed25519 {base64.b64encode(_TYPE + os.urandom(36)).decode()}"
