"""Reaching a cluster's API server from a guest: kubeconfig files, addresses, certificates."""

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import API_PORT, Cluster
from vcd_simulator.guests.kubernetes.texts import dump, load

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

ADMIN_CONFIG = "/etc/kubernetes/admin.conf"
_LARGEST_REMEMBERED = 65536


def kubeconfig(cluster: Cluster, user: str = "kubernetes-admin") -> str:
    """The text of a kubeconfig for a cluster."""
    data = {
        "apiVersion": "v1",
        "clusters": [
            {
                "cluster": {
                    "certificate-authority-data": _encode(cluster.pki.ca_certificate),
                    "server": f"https://{cluster.endpoint}",
                },
                "name": "kubernetes",
            }
        ],
        "contexts": [{"context": {"cluster": "kubernetes", "user": user}, "name": f"{user}@kubernetes"}],
        "current-context": f"{user}@kubernetes",
        "kind": "Config",
        "preferences": {},
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encode(cluster.pki.admin_certificate),
                    "client-key-data": _encode(cluster.pki.admin_key),
                },
            }
        ],
    }
    return dump(data)


async def find_kubeconfig(call: Call, flag: str) -> tuple[str, Any] | None:
    """The path and content of the kubeconfig that kubectl would use; None when there is none.

    Raises:
        UsageError: the one that was named on the command line is missing, or one is not valid.
    """
    home = f"{call.environment.get('HOME', '/')}/.kube/config"
    candidates = [flag] if flag else [p for p in call.environment.get("KUBECONFIG", "").split(":") if p] or [home]
    for path in candidates:
        try:
            text = await call.read(path)
        except FileNotFoundError:
            if flag:
                raise UsageError(f"error: stat {path}: no such file or directory") from None
            continue
        except OSError as exc:
            raise UsageError(f'error: error loading config file "{path}": open {path}: {exc.strerror}') from None
        try:
            return path, _parsed(text) if len(text) <= _LARGEST_REMEMBERED else load(text)
        except yaml.YAMLError as exc:
            problem = getattr(exc, "problem", None) or "not YAML"
            raise UsageError(f'error: error loading config file "{path}": yaml: {problem}') from None
    return None


async def reach(call: Call, flag: str = "") -> Cluster:
    """The cluster that a kubeconfig leads to. Raises UsageError as kubectl fails."""
    found = await find_kubeconfig(call, flag)
    if found is None:
        raise UsageError(
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
        )
    path, config = found
    try:
        settings, credentials = _current(config)
        server = urlsplit(str(settings["server"]))
        host, port = server.hostname or "", server.port or 443
    except (KeyError, TypeError, IndexError, StopIteration, AttributeError, ValueError):
        raise UsageError(f'error: error loading config file "{path}": invalid configuration') from None
    cluster = connect(call.guest, host, port)
    if _decode(settings.get("certificate-authority-data")) != cluster.pki.ca_certificate:
        raise UsageError("Unable to connect to the server: x509: certificate signed by unknown authority")
    if _decode(credentials.get("client-certificate-data")) != cluster.pki.admin_certificate:
        raise UsageError("error: You must be logged in to the server (Unauthorized)")
    return cluster


def connect(guest: "Guest", host: str, port: int) -> Cluster:
    """The API server at an address, as a guest sees it. Raises UsageError with kubectl's words."""
    target = guest.platform.networks.find(guest, host)
    if target is None:
        raise UsageError(f"Unable to connect to the server: dial tcp {host}:{port}: connect: no route to host")
    cluster = target.cluster
    if cluster is None or port != API_PORT or not serves(target):
        raise UsageError(
            f"The connection to the server {host}:{port} was refused - did you specify the right host or port?"
        )
    return cluster


def serves(guest: "Guest") -> bool:
    """Whether a guest runs the API server of its cluster: its kubelet does that, in containers."""
    return (
        guest.cluster is not None
        and guest.is_up
        and guest.services.is_active("kubelet")
        and guest.services.is_active("docker", "containerd", "crio")
    )


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """A kubeconfig, to be looked at only: scripts ask for the same one again and again."""
    return load(text)


def _current(config: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
    context = contexts[config["current-context"]]
    cluster = next(entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"])
    user = next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])
    return cluster, user


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: object) -> str:
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
