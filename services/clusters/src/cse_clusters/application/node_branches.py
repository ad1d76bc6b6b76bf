"""What each node of a new cluster goes through by itself, side by side with the others."""

import threading
from typing import Final

from cse_clusters.application.failures import located, step
from cse_clusters.application.guest_work import GuestWork
from cse_clusters.application.operation_data import CreateInput
from cse_clusters.application.reporting import Progress
from cse_clusters.domain.plan import ClusterPlan
from cse_core.operations import Json, OperationContext
from cse_core.operations.port import Branch

_CONTROL_PLANE_READY: Final = "control_plane_ip"


class NodeBranches:
    """The branches of one creation, and the share of all work that they report.

    Args:
        job: what is created.
        plan: its nodes.
        work: what is done in their guests.
        progress: told of each node that is done.
        percent: of all work, before the first and after the last node.
    """

    def __init__(
        self, job: CreateInput, plan: ClusterPlan, work: GuestWork, progress: Progress, percent: tuple[int, int]
    ) -> None:
        self._job = job
        self._plan = plan
        self._work = work
        self._progress = progress
        self._from, self._to = percent
        self._done = 0
        self._counting = threading.Lock()

    def all(self) -> dict[str, Branch]:
        """The control plane first: the workers wait for what it publishes. Its result is its address."""
        branches: dict[str, Branch] = {self._plan.control_plane: self._control_plane}
        for name in self._plan.workers:
            branches[name] = self._worker(name)
        if self._plan.nfs:
            branches[self._plan.nfs] = self._nfs(self._plan.nfs)
        return branches

    def _control_plane(self, ctx: OperationContext) -> Json:
        node, job = self._plan.control_plane, self._job

        def initialize() -> Json:
            return self._work.init_control_plane(
                ctx,
                node,
                script=job.scripts.control_plane,
                cluster=job.name,
                pod_subnet=job.scripts.pod_subnet,
                ssh_key=job.ssh_public_key,
            )

        self._await_guest(ctx, node)
        address = step(ctx, "init_control_plane", initialize, node=node)
        if self._plan.workers:
            with located("mint_join_credentials", node):
                self._work.join_credentials(ctx, node)  # while the workers still boot; a secret, so no step's result
        ctx.publish(_CONTROL_PLANE_READY, address)
        self._node_done(ctx, f"Control plane is up at {address}")
        return address

    def _worker(self, node: str) -> Branch:
        def join(ctx: OperationContext) -> Json:
            credentials = self._work.join_credentials(ctx, self._plan.control_plane)
            script, ssh_key = self._job.scripts.worker, self._job.ssh_public_key
            self._work.join(ctx, node, script=script, credentials=credentials, ssh_key=ssh_key)
            return None

        def branch(ctx: OperationContext) -> Json:
            self._await_guest(ctx, node)
            ctx.wait_for(_CONTROL_PLANE_READY)
            step(ctx, "join_worker", lambda: join(ctx), node=node)
            self._node_done(ctx, f"{node} has joined")
            return None

        return branch

    def _nfs(self, node: str) -> Branch:
        def set_up(ctx: OperationContext) -> Json:
            self._work.set_up_nfs(ctx, node, script=self._job.scripts.nfs, ssh_key=self._job.ssh_public_key)
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
            done, total = self._done, len(self._plan.machines)
        percent = self._from + (self._to - self._from) * done // total
        self._progress.say(ctx, f"{text} ({done} of {total} nodes)", percent)
