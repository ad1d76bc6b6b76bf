"""Removing nodes from a cluster: drained, taken out of Kubernetes, stopped, deleted."""

from collections.abc import Callable, Sequence
from typing import cast

from cse_clusters.application.adding_nodes import nodes_left
from cse_clusters.application.control_plane import ControlPlane, hasty, running_control_plane
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.machine_steps import MachineSteps
from cse_clusters.application.node_data import NodeChange, RemoveNodesInput
from cse_clusters.application.node_operation import NodeReport, counted, read_cluster
from cse_clusters.application.ports import OperationPorts
from cse_clusters.domain.cluster import Role, role_of
from cse_core.errors import CseError
from cse_core.operations import Json, OperationContext
from cse_core.operations.port import Branch


class NodeRemoval:
    """One run that removes nodes. With `force`, what fails is noted and the next thing is done."""

    def __init__(
        self,
        ctx: OperationContext,
        ports: OperationPorts,
        change: NodeChange,
        nodes: Sequence[str],
        limits: Limits,
        *,
        force: bool,
    ) -> None:
        self.doing = f"Removing {counted(len(nodes))} from {change.title}"
        self._ctx = ctx
        self._ports = ports
        self._change = change
        self._nodes = list(nodes)
        self._force = force
        self._limits = hasty(limits) if force else limits
        self._report = NodeReport(ctx, ports.board, change)
        who = change.acting_as.credentials
        href = change.cluster.vapp_href
        self._machines = MachineSteps(ctx, ports.inventory, ports.host, href, who, limits)
        self._control_plane: ControlPlane | None = None
        self._workers = [name for name in self._nodes if role_of(name) is Role.WORKER]
        self._stopping = False
        self._notes: list[str] = []

    def run(self) -> Json:
        """Removes them; returns the cluster. One whose machine is gone already is fine, and said."""
        ctx = self._ctx
        self._report.say(self.doing, 1)
        found = cast(dict[str, list[str]], step(ctx, "find_machines", self._look))
        self._notes += [f"{name} had no machine" for name in found["missing"]]
        if self._workers:
            step(ctx, "check_access", self._machines.require_access)
            self._leave_kubernetes(found["on"])
        self._report.say(f"Deleting {counted(len(self._nodes))} of {self._change.title}", 60)
        self._stopping = True
        problems = self._machines.stop(self._nodes, go_on=self._force)
        left = cast(list[str], step(ctx, "delete_machines", lambda: self._machines.delete(self._nodes)))
        if left:
            raise nodes_left(left, problems)
        cluster = step(ctx, "read_cluster", lambda: read_cluster(self._change, self._machines.vapp()))
        removed = counted(len(self._nodes) - len(found["missing"]))
        ctx.progress(f"Removed {removed} from {self._change.title}{self.notes}", percent=99)
        return cluster

    @property
    def notes(self) -> str:
        """What went wrong on the way and was passed over, for the end of a message."""
        return f"; passed over: {'; '.join(self._notes)}" if self._notes else ""

    def take_back(self, _exc: CseError, /) -> str:
        """Lets the nodes have pods again, unless they have left Kubernetes already."""
        again = "What is left can be removed by trying again."
        if self._control_plane is None or self._stopping:
            return again
        with self._ctx.rollback():
            return f"{self._uncordon(self._control_plane)} {again}"

    def _uncordon(self, control_plane: ControlPlane) -> str:
        def uncordon() -> Json:
            control_plane.uncordon(self._ctx, self._workers)
            return None

        try:
            step(self._ctx, "uncordon_nodes", uncordon, node=control_plane.node)
        except CseError as problem:
            self._report.passed_over("uncordon_nodes", problem)
            return "Those that were cordoned take no new pods until you uncordon them."
        return "Those that were cordoned take new pods again."

    def _leave_kubernetes(self, running: Sequence[str]) -> None:
        """Cordons all, drains each that runs, side by side, and takes all out; those that are off have no pods."""
        node = cast(str | None, self._attempt("find_control_plane", self._find_control_plane))
        if node is None:
            return
        self._control_plane = control_plane = ControlPlane(self._ports, self._change.cluster, node, self._limits)
        if running:
            self._report.say(f"Draining {counted(len(running))} of {self._change.title}", 10)
        self._attempt("cordon_nodes", lambda: control_plane.cordon(self._ctx, self._workers), node=node)
        notes = self._ctx.parallel({name: self._draining(control_plane, name) for name in running})
        self._notes += [str(note) for note in notes.values() if note]
        self._attempt("forget_nodes", lambda: control_plane.forget(self._ctx, self._workers), node=node)

    def _look(self) -> Json:
        present = self._machines.present()
        missing: list[Json] = [name for name in self._nodes if name not in present]
        on: list[Json] = [name for name in self._workers if name in present and present[name].is_on]
        return {"missing": missing, "on": on}

    def _find_control_plane(self) -> Json:
        return running_control_plane(self._change.cluster, self._machines.vapp())

    def _draining(self, control_plane: ControlPlane, name: str) -> Branch:
        def branch(ctx: OperationContext) -> Json:
            def drain() -> Json:
                control_plane.drain(ctx, name, force=self._force)
                return None

            try:
                step(ctx, "drain_node", drain, node=name)
            except CseError as exc:
                if not self._force:
                    raise
                ctx.check()
                return f"{name} was not drained ({exc.message.rstrip('.')})"
            return None

        return branch

    def _attempt(self, name: str, action: Callable[[], Json], *, node: str = "") -> Json:
        """A step whose failure is noted, with `force`; None then."""
        try:
            return step(self._ctx, name, action, node=node)
        except CseError as exc:
            if not self._force:
                raise
            self._ctx.check()
            self._notes.append(f"{name} failed ({exc.message.rstrip('.')})")
            return None


def remove_nodes(ctx: OperationContext, ports: OperationPorts, limits: Limits) -> NodeRemoval:
    """The run of an operation of kind REMOVE_NODES."""
    job = RemoveNodesInput.from_json(ctx.input)
    return NodeRemoval(ctx, ports, job, job.nodes, limits, force=job.force)
