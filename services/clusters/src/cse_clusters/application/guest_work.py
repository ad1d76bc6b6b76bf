"""What is done inside the guests of a cluster."""

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cse_clusters.application.changes import patiently
from cse_clusters.application.guest_logins import GuestDirectory, with_first
from cse_clusters.application.ports import GuestLogin, Guests, ScriptResult
from cse_clusters.domain.guest_scripts import AWAIT_NODES, MINT_JOIN, guest_script
from cse_clusters.domain.kubernetes import (
    JoinCredentials,
    UnexpectedOutputError,
    last_line,
    nodes_not_ready,
    parse_ipv4,
    parse_join_command,
)
from cse_core.errors import (
    ExhaustedError,
    FailedPreconditionError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_core.logs import tail
from cse_core.operations import OperationContext
from cse_core.secret import Secret

_SLOT_LENGTH: Final = 12
_READY_IN_GUEST_S: Final = 20.0
"""How long one script waits in the guest."""
_READY_POLL_S: Final = 0.2
_READY_POLL_LIMIT_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long things may take before we call them stuck."""

    placing: timedelta = timedelta(minutes=5)
    """From vCD's "done" until a machine is on its vCenter."""
    boot: timedelta = timedelta(minutes=15)
    script: timedelta = timedelta(minutes=20)
    mint: timedelta = timedelta(minutes=2)
    drain: timedelta = timedelta(minutes=5)
    """How long the pods of a node may take to end."""
    ready: timedelta = timedelta(minutes=10)
    """From the last join until Kubernetes calls all nodes Ready."""
    busy: timedelta = timedelta(minutes=10)
    """How long another change of the vApp, or vCD itself, is waited for."""
    outage: timedelta = timedelta(minutes=5)
    """How long a vCenter or a guest's tools may be away."""


class GuestWork:
    """Runs a cluster's scripts in its guests; everything may be done twice."""

    def __init__(self, guests: Guests, directory: GuestDirectory, limits: Limits) -> None:
        self._guests = guests
        self._directory = directory
        self._limits = limits
        self._minting = threading.Lock()
        self._join: JoinCredentials | None = None

    def wait_for_guest(self, ctx: OperationContext, node: str) -> None:
        def wait() -> None:
            (login, *_) = self._directory.logins(ctx, node, self._limits.placing)
            self._guests.wait_until_ready(login, ctx.check, timeout_s=self._limits.boot.total_seconds())

        with _refused_logins_explained():
            patiently(ctx, wait, within=self._limits.outage, passing=(UnavailableError,))

    def init_control_plane(
        self,
        ctx: OperationContext,
        node: str,
        *,
        script: str,
        cluster: str,
        pod_subnet: str,
        ssh_key: str,
        joinable: bool,
    ) -> str:
        """Returns the control plane's address, which its script prints last.

        With `joinable` join credentials are minted at the same time; where that fails they are at their first use.
        """
        environment = {"CSE_CLUSTER_NAME": cluster, "CSE_NODE_NAME": node, "CSE_POD_SUBNET": pod_subnet}
        mint = MINT_JOIN if joinable else ""
        text = guest_script(script, environment, ssh_key=ssh_key, one_at_a_time=True, afterwards=mint)
        said = self.run(ctx, node, text, self._limits.script).stdout
        if joinable:
            said = self._keep_join_command(said)
        try:
            return parse_ipv4(last_line(said))
        except UnexpectedOutputError as exc:
            raise FailedPreconditionError(
                "the control plane's script did not print an IPv4 address as its last line", reason="SCRIPT_OUTPUT"
            ) from exc

    def _keep_join_command(self, said: str) -> str:
        """Keeps the credentials that were printed last; returns what was printed before them."""
        try:
            credentials = parse_join_command(said)
        except UnexpectedOutputError:
            return said
        with self._minting:
            self._join = credentials
        return said.rstrip().rpartition("\n")[0]

    def join_credentials(self, ctx: OperationContext, control_plane: str) -> JoinCredentials:
        """Minted once, at first use, and kept in memory only."""
        with self._minting:
            if self._join is None:
                result = self.run(ctx, control_plane, guest_script(MINT_JOIN, {}), self._limits.mint)
                try:
                    self._join = parse_join_command(result.stdout)
                except UnexpectedOutputError as exc:
                    raise FailedPreconditionError(f"no worker can join: {exc}", reason="SCRIPT_OUTPUT") from exc
            return self._join

    def join(
        self, ctx: OperationContext, node: str, *, script: str, credentials: JoinCredentials, ssh_key: str
    ) -> None:
        environment = {
            "CSE_NODE_NAME": node,
            "CSE_JOIN_ENDPOINT": credentials.endpoint,
            "CSE_JOIN_TOKEN": credentials.token.reveal(),
            "CSE_JOIN_CA_HASH": credentials.ca_hash,
        }
        text = guest_script(script, environment, ssh_key=ssh_key, one_at_a_time=True)
        self.run(ctx, node, text, self._limits.script, purpose="join")

    def set_up_nfs(self, ctx: OperationContext, node: str, *, script: str, ssh_key: str) -> None:
        text = guest_script(script, {"CSE_NODE_NAME": node}, ssh_key=ssh_key, one_at_a_time=True)
        self.run(ctx, node, text, self._limits.script)

    def wait_until_nodes_ready(self, ctx: OperationContext, control_plane: str, expected: Iterable[str]) -> None:
        """Raises FailedPreconditionError (NODES_NOT_READY) if Kubernetes does not call all of them Ready in time."""
        wanted = frozenset(expected)
        seen = "kubectl was not asked"
        until = time.monotonic() + self._limits.ready.total_seconds()
        pause_s = _READY_POLL_S
        while (left_s := until - time.monotonic()) > 0:
            patience_s = int(min(left_s, _READY_IN_GUEST_S))
            environment = {"CSE_NODES": " ".join(sorted(wanted)), "CSE_WITHIN_S": str(patience_s)}
            script = guest_script(AWAIT_NODES, environment)
            result = self._run_patiently(ctx, control_plane, script, self._limits.mint, "await nodes")
            if result.exit_code == 0:
                try:
                    missing = nodes_not_ready(result.stdout, wanted)
                except UnexpectedOutputError as exc:
                    seen = str(exc)
                else:
                    if not missing:
                        return
                    seen = ", ".join(f"{name} {why}" for name, why in missing.items())
            else:
                seen = f"kubectl ended with {result.exit_code}: {tail(result.stderr)}"
            ctx.pause(pause_s)
            pause_s = min(pause_s * 1.5, _READY_POLL_LIMIT_S)
        raise FailedPreconditionError(f"after {self._limits.ready}: {seen}", reason="NODES_NOT_READY")

    def run(
        self, ctx: OperationContext, node: str, script: Secret, limit: timedelta, *, purpose: str = ""
    ) -> ScriptResult:
        """Runs a script that may be run again, and clears away what a run of it has left whose process died.

        Args:
            ctx: of the operation or branch.
            node: where.
            script: what.
            limit: how long it may run.
            purpose: tells it from others of the operation there; the text does unless it differs from try to try.

        Raises:
            FailedPreconditionError: it failed (GUEST_SCRIPT_FAILED).
        """
        result = self._run_patiently(ctx, node, script, limit, purpose)
        if result.exit_code != 0:
            said = tail(result.stderr) or tail(result.stdout) or "it printed nothing"
            raise FailedPreconditionError(
                f"its script ended with {result.exit_code}: {said}",
                reason="GUEST_SCRIPT_FAILED",
                exit_code=result.exit_code,
            )
        return result

    def _run_patiently(
        self, ctx: OperationContext, node: str, script: Secret, limit: timedelta, purpose: str
    ) -> ScriptResult:
        """Scripts may be run again, so a vCenter or tools that are away for a while end nothing."""
        what = f"{ctx.operation_id}\0{purpose or script.reveal()}"
        slot = hashlib.sha256(what.encode()).hexdigest()[:_SLOT_LENGTH]

        def run_as(login: GuestLogin) -> ScriptResult:
            timeout_s = limit.total_seconds()
            result = self._guests.run_script(login, script, ctx.check, timeout_s=timeout_s, slot=slot)
            self._directory.accepted(login)
            return result

        def run() -> ScriptResult:
            return with_first(self._directory.logins(ctx, node, self._limits.placing), run_as)

        with _refused_logins_explained():
            return patiently(ctx, run, within=self._limits.outage, passing=(UnavailableError, ExhaustedError))


@contextmanager
def _refused_logins_explained() -> Iterator[None]:
    """A guest that refuses its password is no failure of the caller's own credentials."""
    try:
        yield
    except UnauthenticatedError as exc:
        raise FailedPreconditionError(exc.message, reason="GUEST_LOGIN_REFUSED") from exc
