"""What Kubernetes' own tools print, read strictly: a guest belongs to its tenant and may print anything."""

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cse_core.secret import Secret

_TOKEN: Final = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_CA_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_ENDPOINT: Final = re.compile(r"(?P<host>[0-9.]{7,15}):(?P<port>[0-9]{1,5})")
_NODE: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]{0,252})(?: (?P<is_ready>True|False|Unknown))?")


class UnexpectedOutputError(ValueError):
    """A guest printed something else than the tool would. The message does not repeat it."""


@dataclass(frozen=True, kw_only=True)
class JoinCredentials:
    """With these a worker joins, and knows that it talks to the right control plane."""

    endpoint: str
    """`ip:port` of the control plane's API."""
    token: Secret
    ca_hash: str


def parse_join_command(output: str) -> JoinCredentials:
    """Reads what `kubeadm token create --print-join-command` prints: the last line, in any order of its options.

    Raises:
        UnexpectedOutputError: it is anything else.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    try:
        words = shlex.split(lines[-1]) if lines else []
    except ValueError as exc:
        raise UnexpectedOutputError("kubeadm printed no join command") from exc
    if words[:2] != ["kubeadm", "join"]:
        raise UnexpectedOutputError("kubeadm printed no join command")
    options: dict[str, str] = {}
    endpoints = []
    rest = iter(words[2:])
    for word in rest:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options[name] = value if equals else next(rest, "")
        else:
            endpoints.append(word)
    token, ca_hash = options.pop("--token", ""), options.pop("--discovery-token-ca-cert-hash", "")
    if options or len(endpoints) != 1 or not _TOKEN.fullmatch(token) or not _CA_HASH.fullmatch(ca_hash):
        raise UnexpectedOutputError("kubeadm printed a join command that pins no CA or is otherwise unusual")
    return JoinCredentials(endpoint=_checked_endpoint(endpoints[0]), token=Secret(token), ca_hash=ca_hash)


def _checked_endpoint(endpoint: str) -> str:
    match = _ENDPOINT.fullmatch(endpoint)
    if not match or not 0 < int(match["port"]) < 65536:
        raise UnexpectedOutputError("kubeadm printed an address that is not IPv4 and a port")
    return f"{parse_ipv4(match['host'])}:{match['port']}"


def parse_ipv4(text: str) -> str:
    """The address in `text`, in its usual form.

    Raises:
        UnexpectedOutputError: it is none.
    """
    try:
        return str(ipaddress.IPv4Address(text.strip()))
    except ValueError as exc:
        raise UnexpectedOutputError("that is no IPv4 address") from exc


def last_line(output: str) -> str:
    """The last line that is not empty."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")


def nodes_not_ready(output: str, expected: Iterable[str]) -> dict[str, str]:
    """Which of the expected nodes are not registered or not Ready, and why, from what `AWAIT_NODES` prints.

    That is a line for each node: its name and the status of its condition Ready, which it may not have yet.

    Raises:
        UnexpectedOutputError: the output is something else.
    """
    states = {}
    for line in output.splitlines():
        match = _NODE.fullmatch(line.rstrip())
        if match is None:
            raise UnexpectedOutputError("kubectl printed no list of nodes")
        states[match["name"]] = match["is_ready"] == "True"
    missing = {}
    for name in sorted(expected):
        if name not in states:
            missing[name] = "is not registered"
        elif not states[name]:
            missing[name] = "is not Ready"
    return missing
