"""Guests of dictionaries, and a catalogue of templates whose scripts they understand."""

import shlex
import threading
from collections.abc import Callable

from cse_clusters.application.ports import Check, GuestLogin, ScriptResult, Scripts, Template
from cse_clusters.domain.access import Credentials
from cse_core.errors import NotFoundError, UnauthenticatedError
from cse_core.secret import Secret
from cse_testing.waiting import Halt

CA_HASH = "sha256:" + "ab" * 32
TOKEN = "abcdef.0123456789abcdef"

_KUBECTL = ("drain", "cordon", "uncordon", "delete")

Reply = Callable[[GuestLogin, str, Check], ScriptResult]


class FakeGuests:
    """Guests that understand the scripts of `FakeTemplates` and keep the state of a cluster.

    `on(word, reply)` answers scripts that contain `word` in another way, `halt(word)` holds them up; `scripts` has what
    ran, by machine.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replies: dict[str, Reply] = {}
        self.scripts: dict[str, list[str]] = {}
        self.order: list[tuple[str, str]] = []
        self.slots: list[tuple[str, str]] = []
        """Of the scripts that ran: the machine, and the slot."""
        self.joined: list[str] = []
        self.files: dict[tuple[str, str], bytes] = {}
        self.mints_at_init = True
        """Whether the control plane's script leaves its shell to what comes after it."""
        self.not_ready: set[str] = set()
        self.passwords: dict[str, str] = {}
        self.when_ready: Callable[[GuestLogin], None] | None = None

    def on(self, word: str, reply: Reply) -> None:
        self._replies[word] = reply

    def halt(self, word: str) -> Halt:
        """Holds up scripts that contain `word`, which can be cut off meanwhile."""
        halt = Halt(word)

        def hold(login: GuestLogin, script: str, check: Check) -> ScriptResult:
            halt.stay(check)
            return self.run_by_default(login, script)

        self.on(word, hold)
        return halt

    def wait_until_ready(self, login: GuestLogin, check: Check, *, timeout_s: float) -> None:
        check()
        self._admit(login)
        self.order.append(("ready", login.guest.name))
        if self.when_ready is not None:
            self.when_ready(login)

    def run_script(
        self, login: GuestLogin, script: Secret, check: Check, *, timeout_s: float, slot: str = ""
    ) -> ScriptResult:
        self._admit(login)
        text, node = script.reveal(), login.guest.name
        self.slots.append((node, slot))
        with self._lock:
            self.scripts.setdefault(node, []).append(text)
        for word, reply in self._replies.items():
            if word in text:
                return reply(login, text, check)
        return self.run_by_default(login, text)

    def run_by_default(self, login: GuestLogin, text: str) -> ScriptResult:
        """What a script does unless `on` says otherwise."""
        node = login.guest.name
        with self._lock:
            if "BODY-control-plane" in text:
                self.order.append(("init", node))
                self.joined.append(node)
                self.files[node, "/root/.kube/config"] = b"apiVersion: v1\nkind: Config\n"
                minted = self._mint(login) if "kubeadm token create" in text and self.mints_at_init else ""
                return ScriptResult(exit_code=0, stdout=f"done\n{login.guest.ip_address}\n{minted}", stderr="")
            if "kubeadm token create" in text:
                return ScriptResult(exit_code=0, stdout=self._mint(login), stderr="")
            if "BODY-worker" in text:
                self.order.append(("join", node))
                self.joined.append(node)
                return ScriptResult(exit_code=0, stdout="", stderr="")
            if "head -c" in text:
                keys = self.files.get((node, "/root/.ssh/authorized_keys"), b"")
                return ScriptResult(exit_code=0, stdout=keys.decode(), stderr="")
            if word := next((word for word in _KUBECTL if f"kubectl {word}" in text), None):
                return self._tell_kubernetes(word, text)
            if "showmount" in text:
                return ScriptResult(exit_code=0, stdout="/home *\n", stderr="")
            if "get nodes" in text:
                return ScriptResult(exit_code=0, stdout=self._nodes(), stderr="")
            self.order.append(("nfs", node))
            return ScriptResult(exit_code=0, stdout="", stderr="")

    def _mint(self, login: GuestLogin) -> str:
        self.order.append(("mint", login.guest.name))
        endpoint, ca_hash = f"{login.guest.ip_address}:6443", f"--discovery-token-ca-cert-hash {CA_HASH}"
        return f"kubeadm join --token {TOKEN} {endpoint} {ca_hash}\n"

    def _tell_kubernetes(self, word: str, text: str) -> ScriptResult:
        nodes = next(line for line in text.splitlines() if line.startswith("export CSE_NODES="))
        for node in shlex.split(nodes.partition("=")[2])[0].split():
            self.order.append((word, node))
            if word == "delete" and node in self.joined:
                self.joined.remove(node)
        return ScriptResult(exit_code=0, stdout="", stderr="")

    def _nodes(self) -> str:
        return "".join(f"{name} {name not in self.not_ready}\n" for name in self.joined)

    def read_file(self, login: GuestLogin, path: str, *, limit_bytes: int) -> bytes:
        self._admit(login)
        content = self.files.get((login.guest.name, path))
        if content is None:
            raise NotFoundError(f"no file {path}")
        return content

    def _admit(self, login: GuestLogin) -> None:
        expected = self.passwords.get(login.guest.name)
        if expected is not None and login.password.reveal() != expected:
            raise UnauthenticatedError("the guest refuses the password")


class FakeTemplates:
    """Two templates; `photon-v2` is the default one, `old` has a password for root."""

    def get(self, credentials: Credentials, name: str | None) -> Template:
        if name not in (None, "photon-v2", "old", "unbuilt"):
            raise NotFoundError(f"there is no template {name!r}", reason="TEMPLATE_NOT_FOUND")
        return Template(name=name or "photon-v2", catalog="cse", item="missing" if name == "unbuilt" else "photon")

    def scripts(self, credentials: Credentials, name: str) -> Scripts:
        return Scripts(
            digest="sha256:" + "0" * 64,
            control_plane="#!/bin/bash\n# BODY-control-plane\n",
            worker="#!/bin/bash\n# BODY-worker\n",
            nfs="#!/bin/bash\n# BODY-nfs\n",
            pod_subnet="10.32.0.0/12",
        )

    def admin_password(self, name: str) -> Secret | None:
        return Secret("for all of them") if name == "old" else None
