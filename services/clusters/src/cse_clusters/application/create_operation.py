"""Creating a cluster: as short as physics allows.

compose the vApp → one recompose that adds all machines → each node by itself: wait for its guest and set it up; workers
join as soon as they and the join credentials are there → all nodes Ready → done.
"""

from typing import Any, Final, cast

import structlog

from cse_clusters.application.changes import delete_vapp, patiently
from cse_clusters.application.failures import explained, place, step, wants_rollback
from cse_clusters.application.guest_logins import GuestDirectory
from cse_clusters.application.guest_work import GuestWork, Limits
from cse_clusters.application.node_branches import NodeBranches, NodeNames
from cse_clusters.application.node_operation import counted
from cse_clusters.application.operation_data import CREATE_CLUSTER, CreateInput
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.reporting import Progress, finish_task
from cse_clusters.application.vapp_steps import VappSteps
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.plan import ClusterPlan
from cse_core.errors import CseError
from cse_core.operations import Json, Operation, OperationContext, OperationKind

log = structlog.get_logger()

_NODES: Final = (40, 90)
"""Percent of the work that is done when the machines are there, and when all nodes are set up."""


class CreateClusterOperation:
    """The code of operations of kind CREATE_CLUSTER."""

    def __init__(self, ports: OperationPorts, *, version: str, limits: Limits) -> None:
        self._ports = ports
        self._version = version
        self._limits = limits

    def kind(self) -> OperationKind:
        return OperationKind(name=CREATE_CLUSTER, run=self._run, finish=self._finish)

    def _run(self, ctx: OperationContext) -> Json:
        creation = _Creation(ctx, self._ports, self._version, self._limits)
        try:
            return creation.build()
        except CseError as exc:
            log.warning("create_cluster_failed", reason=exc.code, error=exc.message, **place(exc))
            outcome = _outcome(ctx, creation, exc)
            raise explained(exc, f"Creating {creation.job.title}", outcome) from exc

    def _finish(self, operation: Operation) -> None:
        finish_task(self._ports.board, operation)


def _outcome(ctx: OperationContext, creation: "_Creation", exc: CseError) -> str:
    """Takes back what was made, if that is wanted; returns what became of it and what to do next."""
    name = creation.job.name
    if not wants_rollback(exc, asked_for=creation.job.rollback_on_failure or not creation.is_cluster):
        return f"What was made is left in vApp {name!r} for inspection; delete the cluster to remove it."
    try:
        with ctx.rollback():
            return "Everything was taken back." if creation.take_back() else "Nothing was left behind."
    except CseError as problem:
        log.exception("rollback_failed", reason=problem.code)
        why = problem.message.rstrip(".")
        return f"Taking it back failed too ({why}); delete the cluster to remove what is left in vApp {name!r}."


class _Creation:
    """One run of one creation."""

    def __init__(self, ctx: OperationContext, ports: OperationPorts, version: str, limits: Limits) -> None:
        self.job = CreateInput.from_json(ctx.input)
        self.is_cluster = False
        """Whether there is something to inspect, and to delete as a cluster."""
        self._ctx = ctx
        self._ports = ports
        self._limits = limits
        self._progress = Progress(ports.board, self.job.task_href, ctx)
        self._vapp = VappSteps(ctx, self.job, ports.inventory, ports.host, version=version, limits=limits)

    def build(self) -> Json:
        ctx, job, vapp = self._ctx, self.job, self._vapp
        title = job.title
        self._say(f"Creating {title}", 1)
        plan = ClusterPlan.from_json(cast(dict[str, Any], step(ctx, "choose_names", self._choose_names)))
        vapp.href = str(step(ctx, "compose_vapp", vapp.compose))
        step(ctx, "mark_vapp", vapp.mark)
        self.is_cluster = True
        admin_password = self._ports.templates.admin_password(job.template)
        self._say(f"Adding {counted(len(plan.machines))} to {title}", 15)
        step(ctx, "add_machines", lambda: vapp.add_machines(plan, admin_password))
        if vapp.make.has_own_hardware:
            vapp.size(plan)
        self._say(f"Initializing control plane of {title}", _NODES[0])
        directory = GuestDirectory(self._ports.inventory, vapp.href, admin_password)
        work = GuestWork(self._ports.guests, directory, self._limits)
        names = NodeNames(
            control_plane=plan.control_plane, workers=plan.workers, nfs=[plan.nfs] if plan.nfs is not None else []
        )
        branches = NodeBranches(names, vapp.make, work, work, self._progress, percent=_NODES)
        addresses = ctx.parallel(branches.of_creation(job.name))
        self._say(f"Waiting until all nodes of {title} are Ready", _NODES[1])
        step(ctx, "verify_nodes", lambda: self._verify(plan, work), node=plan.control_plane)
        address = str(addresses[plan.control_plane])
        cluster = step(ctx, "record_endpoint", lambda: vapp.record_endpoint(address))
        ctx.progress(f"Created {title}", percent=99)
        return cluster

    def take_back(self) -> bool:
        """Deletes the vApp if this creation has made one; returns whether it had."""
        ctx, ports, vapp = self._ctx, self._ports, self._vapp
        if not vapp.href:  # vCD may have begun without an answer, or have answered a process that is no more
            vapp.href = patiently(ctx, vapp.find_own, within=self._limits.busy)
        if not vapp.href:
            vapp.note.removed(ctx)
            return False
        self._say(f"Taking back {self.job.title}", 0)

        def delete() -> Json:
            delete_vapp(ctx, ports.inventory, ports.host, SERVICE, vapp.href, within=self._limits.busy)
            return None

        step(ctx, "take_back_vapp", delete)
        vapp.note.removed(ctx)
        return True

    def _choose_names(self) -> Json:
        return ClusterPlan.choose(workers=self.job.workers, nfs=self.job.nfs).as_json()

    def _verify(self, plan: ClusterPlan, work: GuestWork) -> Json:
        work.wait_until_nodes_ready(self._ctx, plan.control_plane, plan.kubernetes_nodes)
        return None

    def _say(self, text: str, percent: int) -> None:
        self._progress.say(self._ctx, text, percent)
