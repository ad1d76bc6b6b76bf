"""What a tenant asks for when creating a cluster, and what is wrong with it.

Messages begin with the field's path, as `cse_core.names` does it: whoever translates the path translates the message.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cse_core.errors import InvalidArgumentError
from cse_core.names import VdcName, check_cluster_name, check_vcd_name

MAX_NODES: Final = 200
MAX_CPUS: Final = 128
MIN_MEMORY_MB: Final = 512
MAX_MEMORY_MB: Final = 6291456
_MAX_KEY: Final = 16384
_KEY_TYPES: Final = re.compile(
    r"ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com"
)
_TEMPLATE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Nodes of one make. 0 and an empty text take the template's or the VDC's own."""

    node_count: int = 0
    cpu_count: int = 0
    memory_mb: int = 0
    storage_profile: str = ""


@dataclass(frozen=True, kw_only=True)
class NewCluster:
    """A request as it came. `checked` gives one that the rest of the service may rely on."""

    vdc: VdcName
    name: str
    network: str
    workers: NodePool = NodePool()
    template: str = ""
    nfs: bool = False
    ssh_public_key: str = ""
    rollback_on_failure: bool = True

    def checked(self) -> "NewCluster":
        """Returns the request with its values in their usual form.

        Raises:
            InvalidArgumentError: with the field and what is allowed in it.
        """
        check_cluster_name(self.name, field="cluster_id")
        check_vcd_name(self.network, field="cluster.network")
        check_template_name(self.template, field="cluster.template")
        check_pool(self.workers, field="cluster.worker_pool", least=0)
        return NewCluster(
            vdc=self.vdc,
            name=self.name,
            network=self.network,
            workers=self.workers,
            template=self.template,
            nfs=self.nfs,
            ssh_public_key=check_ssh_key(self.ssh_public_key, field="cluster.ssh_public_key"),
            rollback_on_failure=self.rollback_on_failure,
        )


def check_template_name(name: str, *, field: str) -> None:
    """Raises InvalidArgumentError if no template could be called so; empty is fine."""
    if name and not _TEMPLATE.fullmatch(name):
        raise InvalidArgumentError(
            f"{field}: a template's name consists of letters, digits, dots, hyphens and underscores", field=field
        )


def check_pool(pool: NodePool, *, field: str, least: int) -> None:
    """Raises InvalidArgumentError naming the part of the pool that is out of its limits."""
    check_count(pool.node_count, least, MAX_NODES, field=f"{field}.node_count")
    if pool.cpu_count:
        check_count(pool.cpu_count, 1, MAX_CPUS, field=f"{field}.cpu_count")
    if pool.memory_mb:
        check_count(pool.memory_mb, MIN_MEMORY_MB, MAX_MEMORY_MB, field=f"{field}.memory_mb")
    if pool.storage_profile:
        check_vcd_name(pool.storage_profile, field=f"{field}.storage_profile")


def check_count(value: int, low: int, high: int, *, field: str) -> None:
    """Raises InvalidArgumentError unless the value is between the two, or one of them."""
    if not low <= value <= high:
        raise InvalidArgumentError(f"{field}: {value} is not between {low} and {high}", field=field, value=value)


def check_ssh_key(key: str, *, field: str) -> str:
    """Returns the OpenSSH public key without space around it; empty stays empty.

    The message never repeats the key: somebody may have sent the private half.

    Raises:
        InvalidArgumentError: it is not one line of type, base64 and an optional comment.
    """
    key = key.strip()
    if not key:
        return ""
    parts = key.split(" ", 2)
    if "PRIVATE KEY" in key:
        what = "that is a private key; send the public one (the file that ends in .pub)"
    elif len(key) > _MAX_KEY:
        what = f"a key has at most {_MAX_KEY} characters"
    elif not key.isprintable():
        what = "a public key is one line of printable characters"
    elif len(parts) < 2 or not _KEY_TYPES.fullmatch(parts[0]) or not _holds_type(parts[1], parts[0]):
        what = "that is no OpenSSH public key (`ssh-ed25519 AAAA… comment`)"
    else:
        return key
    raise InvalidArgumentError(f"{field}: {what}", field=field)


def public_keys(text: str) -> str:
    """Those lines of an `authorized_keys` that are a key and nothing else, as they are.

    What is bound to options, such as a command, is left out: handed on without them it would open more.
    """
    return "\n".join(line for line in text.splitlines() if _is_key(line.strip()))


def _is_key(line: str) -> bool:
    try:
        return bool(check_ssh_key(line, field="key"))
    except InvalidArgumentError:
        return False


def _holds_type(encoded: str, key_type: str) -> bool:
    """Whether the key's own bytes begin with its type, as OpenSSH writes them."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    name = key_type.encode()
    return content.startswith(len(name).to_bytes(4, "big") + name)
