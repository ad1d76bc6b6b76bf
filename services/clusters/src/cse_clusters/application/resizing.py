"""Resizing a cluster: as many workers as are missing are added, or the newest are removed."""

from typing import Any, cast

from cse_clusters.application.adding_nodes import NodeAddition, NodeOrder
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.machine_steps import MachineSteps
from cse_clusters.application.node_data import ResizeInput
from cse_clusters.application.node_operation import NodeReport, NodeWork, counted, read_cluster
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.removing_nodes import NodeRemoval
from cse_clusters.domain.cluster import Role
from cse_clusters.domain.node_changes import newest_workers, workers_of
from cse_core.errors import CseError, FailedPreconditionError
from cse_core.operations import Json, OperationContext


class Resize:
    """One run that brings a cluster to a number of workers, whatever it has when its turn comes."""

    def __init__(self, ctx: OperationContext, ports: OperationPorts, limits: Limits) -> None:
        job = ResizeInput.from_json(ctx.input)
        self._outcome = f"{job.title} to {counted(job.workers, 'worker')}"
        self.doing = f"Resizing {self._outcome}"
        self._ctx = ctx
        self._ports = ports
        self._job = job
        self._limits = limits
        self._work: NodeWork | None = None
        href = job.cluster.vapp_href
        self._machines = MachineSteps(ctx, ports.inventory, ports.host, href, job.acting_as.credentials, limits)

    def run(self) -> Json:
        """Adds or removes; returns the cluster."""
        NodeReport(self._ctx, self._ports.board, self._job).say(self.doing, 1)
        change = cast(dict[str, Any], step(self._ctx, "choose_change", self._choose))
        self._work = self._chosen(change["add"], change["remove"])
        cluster = self._work.run() if self._work is not None else step(self._ctx, "read_cluster", self._read)
        notes = self._work.notes if isinstance(self._work, NodeRemoval) else ""
        self._ctx.progress(f"Resized {self._outcome}{notes}", percent=99)
        return cluster

    def take_back(self, exc: CseError, /) -> str:
        """What the part that failed takes back."""
        return self._work.take_back(exc) if self._work is not None else "Nothing was changed."

    def _choose(self) -> Json:
        cluster = self._job.cluster.with_vapp(self._machines.vapp())
        missing = self._job.workers - len(workers_of(cluster))
        remove: list[Json] = [*newest_workers(cluster, max(-missing, 0))]
        return {"add": max(missing, 0), "remove": remove}

    def _chosen(self, add: int, remove: list[str]) -> NodeWork | None:
        job = self._job
        if remove:
            return NodeRemoval(self._ctx, self._ports, job, remove, self._limits, force=False)
        if not add:
            return None
        if job.make is None:
            raise FailedPreconditionError(
                "the cluster has lost workers since this was asked for, and its template cannot be used",
                reason="TEMPLATE_UNUSABLE",
            )
        order = NodeOrder(role=Role.WORKER, count=add, make=job.make, rollback_on_failure=True, with_present_keys=True)
        return NodeAddition(self._ctx, self._ports, job, order, self._limits)

    def _read(self) -> Json:
        return read_cluster(self._job, self._machines.vapp())
