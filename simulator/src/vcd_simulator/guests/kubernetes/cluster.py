"""A Kubernetes cluster: its nodes, tokens and objects, behind the API server of one control plane."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vcd_simulator.guests.kubernetes.documents import within
from vcd_simulator.guests.kubernetes.kinds import UNBOUND
from vcd_simulator.guests.kubernetes.pki import ClusterPki, new_token

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

API_PORT = 6443

_MOST_OBJECTS = 5000

Manifest = dict[str, Any]


class ClusterFullError(Exception):
    """The API server keeps no more objects."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A bootstrap token. `expires` is None for one that never does."""

    token: str
    expires: float | None
    description: str = ""

    def is_valid(self) -> bool:
        return self.expires is None or time.time() < self.expires


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine registered with the API server."""

    name: str
    guest: "Guest"
    control_plane: bool
    registered: float
    ready_at: float
    """When its kubelet is done starting, provided that there is a pod network by then."""
    kubelet_version: str
    cordoned: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] | None = None
    """Key, value and effect of each; None: those that its role brings."""

    @property
    def address(self) -> str:
        return self.guest.spec.ip_addresses[0] if self.guest.spec.ip_addresses else "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """Nodes, tokens and objects of a cluster, when its network came, and how long nodes need to settle."""

    nodes: list[Node]
    tokens: list[Token]
    objects: list[Manifest]
    network_since: float | None
    settle_s: float


class Cluster:
    """What the API server of one control plane knows. Thread-safe."""

    def __init__(
        self,
        *,
        version: str,
        address: str,
        pod_subnet: str,
        service_subnet: str,
        pki: ClusterPki,
        settle_s: float,
    ) -> None:
        self.version = version
        self.address = address
        self.pod_subnet = pod_subnet
        self.service_subnet = service_subnet
        self.pki = pki
        self.created = time.time()
        self._settle_s = settle_s
        self._nodes: dict[str, Node] = {}
        self._tokens: dict[str, Token] = {}
        self._objects: dict[tuple[str, str, str], Manifest] = {}
        self._network_since: float | None = None
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"{self.address}:{API_PORT}"

    def register(self, node: Node) -> None:
        """Add a node, or replace the one of that name."""
        with self._lock:
            self._nodes[node.name] = node

    def remove_node(self, name: str) -> Node | None:
        """Forget a node; None when there is none of that name."""
        with self._lock:
            return self._nodes.pop(name, None)

    def node(self, name: str) -> Node | None:
        with self._lock:
            return self._nodes.get(name)

    def nodes(self) -> list[Node]:
        """All nodes by name."""
        with self._lock:
            return sorted(self._nodes.values(), key=lambda node: node.name)

    def change_node(self, name: str, **changes: Any) -> None:
        """Change fields of a node; harmless when it is gone."""
        with self._lock:
            if name in self._nodes:
                self._nodes[name] = replace(self._nodes[name], **changes)

    def status_of(self, node: Node) -> tuple[str, str]:
        """The condition Ready of a node, `True`, `False` or `Unknown`, and the reason."""
        guest = node.guest
        joined = guest.joined
        alive = guest.is_up and guest.services.is_active("kubelet") and joined is not None and joined[0] is self
        if not alive:
            return "Unknown", "NodeStatusUnknown"
        if self._network_since is None or not self._is_runtime_up(guest):
            return "False", "KubeletNotReady"
        settled = max(node.ready_at, self._network_since + self._settle_s, (guest.booted_at or 0) + self._settle_s)
        return ("True", "KubeletReady") if time.time() >= settled else ("False", "KubeletNotReady")

    def is_ready(self, node: Node) -> bool:
        return self.status_of(node)[0] == "True"

    def create_token(self, *, ttl_s: float, token: str | None = None, description: str = "") -> Token:
        """Add a bootstrap token; `ttl_s` 0 makes one that never expires. Raises ValueError: there is one of that id."""
        text = token or new_token()
        with self._lock:
            if text[:6] in {known[:6] for known in self._tokens}:
                raise ValueError(f'a token with id "{text[:6]}" already exists')
            made = Token(token=text, expires=time.time() + ttl_s if ttl_s else None, description=description)
            self._tokens[text] = made
        return made

    def tokens(self) -> list[Token]:
        """Tokens that are still good."""
        with self._lock:
            return [token for token in self._tokens.values() if token.is_valid()]

    def delete_token(self, text: str) -> bool:
        """Revoke a token by its id or full text; False when there is none."""
        with self._lock:
            found = [token for token in self._tokens if token == text or token[:6] == text]
            for token in found:
                del self._tokens[token]
        return bool(found)

    def apply(self, manifests: Iterable[Manifest]) -> list[tuple[Manifest, str]]:
        """Create or change objects; returns each with `created`, `configured` or `unchanged`.

        What a manifest says of an object's status is left out. Raises ClusterFullError.
        """
        done = []
        with self._lock:
            for given in manifests:
                manifest = {name: value for name, value in given.items() if name != "status"}
                key = key_of(manifest)
                known = self._objects.get(key)
                if known is None and len(self._objects) >= _MOST_OBJECTS:
                    raise ClusterFullError
                change = "created" if known is None else "unchanged" if known == manifest else "configured"
                self._objects[key] = manifest
                if self._network_since is None and _is_pod_network(manifest):
                    self._network_since = time.time()
                done.append((manifest, change))
        return done

    def object(self, kind: str, namespace: str, name: str) -> Manifest | None:
        with self._lock:
            return self._objects.get(_key(kind, namespace, name))

    def objects(self, kind: str) -> list[Manifest]:
        """All objects of a kind, in the order of their creation."""
        with self._lock:
            return [manifest for key, manifest in self._objects.items() if key[0] == kind.lower()]

    def delete_object(self, kind: str, namespace: str, name: str) -> bool:
        """False when there is no such object. With a namespace goes what is in it."""
        key = _key(kind, namespace, name)
        with self._lock:
            if self._objects.pop(key, None) is None:
                return False
            if key[0] == "namespace":
                self._objects = {one: manifest for one, manifest in self._objects.items() if one[1] != name}
        return True

    def state(self) -> "ClusterState":
        """What has come to be, at one moment."""
        with self._lock:
            return ClusterState(
                nodes=list(self._nodes.values()),
                tokens=list(self._tokens.values()),
                objects=list(self._objects.values()),
                network_since=self._network_since,
                settle_s=self._settle_s,
            )

    def resume(self, tokens: Iterable[Token], objects: Iterable[Manifest], network_since: float | None) -> None:
        """Go on with what a cluster of another run had."""
        with self._lock:
            self._tokens = {token.token: token for token in tokens}
            self._objects = {key_of(manifest): manifest for manifest in objects}
            self._network_since = network_since

    @staticmethod
    def _is_runtime_up(guest: "Guest") -> bool:
        return guest.services.is_active("docker", "containerd", "crio")


def key_of(manifest: Manifest) -> tuple[str, str, str]:
    """What an object is found by: kind, namespace, name."""
    metadata = manifest["metadata"]
    return _key(str(manifest["kind"]), str(metadata.get("namespace") or "default"), str(metadata["name"]))


def _key(kind: str, namespace: str, name: str) -> tuple[str, str, str]:
    return kind.lower(), "" if kind.lower() in UNBOUND else namespace, name


def _is_pod_network(manifest: Manifest) -> bool:
    """Whether a manifest brings the pod network: a daemon on every node that works in the host's network."""
    return manifest.get("kind") == "DaemonSet" and bool(within(manifest, "spec", "template", "spec", "hostNetwork"))
