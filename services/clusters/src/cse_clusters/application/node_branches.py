"""What each new node goes through by itself, side by side with the others."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import GuestWork
from cse_clusters.application.node_data import NodeMake
from cse_clusters.application.reporting import Progress
from cse_core.operations import Json, OperationContext
from cse_core.operations.port import Branch

_CAN_JOIN: Final = "workers_can_join"


@dataclass(frozen=True, kw_only=True)
class NodeNames:
    """The machines that a run of branches is about. `control_plane` may be one that has long been there."""

    control_plane: str = ""
    workers: Sequence[str] = ()
    nfs: Sequence[str] = ()


class NodeBranches:
    """The branches of one operation, and the share of all work that they report.

    Args:
        names: of the machines.
        make: what the new ones are made from.
        work: what is done in the guests of the new ones.
        control_plane: what is done in the guest of the control plane; the same `work` where that is new, too.
        progress: told of each node that is done.
        percent: of all work, before the first and after the last node.
    """

    def __init__(
        self,
        names: NodeNames,
        make: NodeMake,
        work: GuestWork,
        control_plane: GuestWork,
        progress: Progress,
        *,
        percent: tuple[int, int],
    ) -> None:
        self._names = names
        self._make = make
        self._work = work
        self._control_plane = control_plane
        self._progress = progress
        self._from, self._to = percent
        self._done = 0
        self._total = len(names.workers) + len(names.nfs)
        self._counting = threading.Lock()

    def of_creation(self, cluster: str) -> dict[str, Branch]:
        """The control plane first: the workers wait for what it publishes. Its result is its address."""
        self._total += 1
        return {self._names.control_plane: self._initialize(cluster), **self._others()}

    def of_addition(self) -> dict[str, Branch]:
        """The new nodes; join credentials are minted first, while the workers still boot."""
        minting: dict[str, Branch] = {self._names.control_plane: self._mint} if self._names.workers else {}
        return {**minting, **self._others()}

    def _others(self) -> dict[str, Branch]:
        workers = {name: self._worker(name) for name in self._names.workers}
        return {**workers, **{name: self._nfs(name) for name in self._names.nfs}}

    def _initialize(self, cluster: str) -> Branch:
        def initialize(ctx: OperationContext) -> Json:
            return self._work.init_control_plane(
                ctx,
                self._names.control_plane,
                script=self._make.scripts.control_plane,
                cluster=cluster,
                pod_subnet=self._make.scripts.pod_subnet,
                ssh_key=self._make.ssh_public_key,
                joinable=bool(self._names.workers),
            )

        def branch(ctx: OperationContext) -> Json:
            node = self._names.control_plane
            self._await_guest(ctx, node)
            address = step(ctx, "init_control_plane", lambda: initialize(ctx), node=node)
            if self._names.workers:
                self._mint(ctx)
            self._node_done(ctx, f"Control plane is up at {address}")
            return address

        return branch

    def _mint(self, ctx: OperationContext) -> Json:
        """Has credentials made while the workers still boot, who wait for it.

        They are a secret, and so no step's result: a run that takes this up has new ones made when the next node joins.
        """
        node = self._names.control_plane

        def mint() -> Json:
            self._control_plane.join_credentials(ctx, node)
            return None

        step(ctx, "mint_join_credentials", mint, node=node)
        ctx.publish(_CAN_JOIN, value=True)
        return None

    def _worker(self, node: str) -> Branch:
        def join(ctx: OperationContext) -> Json:
            credentials = self._control_plane.join_credentials(ctx, self._names.control_plane)
            script, ssh_key = self._make.scripts.worker, self._make.ssh_public_key
            self._work.join(ctx, node, script=script, credentials=credentials, ssh_key=ssh_key)
            return None

        def branch(ctx: OperationContext) -> Json:
            self._await_guest(ctx, node)
            ctx.wait_for(_CAN_JOIN)
            step(ctx, "join_worker", lambda: join(ctx), node=node)
            self._node_done(ctx, f"{node} has joined")
            return None

        return branch

    def _nfs(self, node: str) -> Branch:
        def set_up(ctx: OperationContext) -> Json:
            self._work.set_up_nfs(ctx, node, script=self._make.scripts.nfs, ssh_key=self._make.ssh_public_key)
            return None

        def branch(ctx: OperationContext) -> Json:
            self._await_guest(ctx, node)
            step(ctx, "set_up_nfs", lambda: set_up(ctx), node=node)
            self._node_done(ctx, f"NFS node {node} is up")
            return None

        return branch

    def _await_guest(self, ctx: OperationContext, node: str) -> None:
        def wait() -> Json:
            self._work.wait_for_guest(ctx, node)
            return None

        step(ctx, "wait_for_guest", wait, node=node)

    def _node_done(self, ctx: OperationContext, text: str) -> None:
        with self._counting:
            self._done += 1
            done = self._done
        percent = self._from + (self._to - self._from) * done // self._total
        self._progress.say(ctx, f"{text} ({done} of {self._total} nodes)", percent)
