"""Adding nodes to a cluster: one recompose, then each node by itself, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from cse_clusters.application.control_plane import ControlPlane, hasty, running_control_plane
from cse_clusters.application.failures import step, wants_rollback
from cse_clusters.application.guest_logins import GuestDirectory
from cse_clusters.application.guest_work import GuestWork, Limits
from cse_clusters.application.ledger import MachinesNote
from cse_clusters.application.machine_steps import MachineSteps
from cse_clusters.application.node_branches import NodeBranches, NodeNames
from cse_clusters.application.node_data import AddNodesInput, NodeChange, NodeMake
from cse_clusters.application.node_marks import NodeMarks
from cse_clusters.application.node_operation import NodeReport, counted, read_cluster
from cse_clusters.application.ports import OperationPorts
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import Role
from cse_core.errors import CseError, FailedPreconditionError, NotFoundError
from cse_core.names import new_node_name
from cse_core.operations import Json, OperationContext

_NAMED_AT_ONCE: Final = 5
_NODES: Final = (30, 90)
"""Percent of the work that is done when the machines are there, and when all nodes are set up."""


@dataclass(frozen=True, kw_only=True)
class NodeOrder:
    """How many nodes of which kind."""

    role: Role
    count: int
    make: NodeMake
    rollback_on_failure: bool
    with_present_keys: bool = False
    """Whether they accept the SSH keys that the control plane accepts, rather than that of `make`."""


class NodeAddition:
    """One run that adds nodes."""

    def __init__(
        self, ctx: OperationContext, ports: OperationPorts, change: NodeChange, order: NodeOrder, limits: Limits
    ) -> None:
        self.doing = f"Adding {counted(order.count)} to {change.title}"
        self._ctx = ctx
        self._ports = ports
        self._change = change
        self._order = order
        self._limits = limits
        self._report = NodeReport(ctx, ports.board, change)
        who = change.acting_as.credentials
        href = change.cluster.vapp_href
        self._machines = MachineSteps(ctx, ports.inventory, ports.host, href, who, limits)
        self._marks = NodeMarks(ctx, ports, change.cluster, limits)
        self._names: list[str] = []
        self._control_plane = ""
        self._may_exist = False

    def run(self) -> Json:
        """Adds them; returns the cluster."""
        ctx, make = self._ctx, self._order.make
        self._report.say(self.doing, 1)
        self._names, self._control_plane = self._chosen()
        password = self._ports.templates.admin_password(make.template)
        self._may_exist = True
        for note in self._notes():
            note.creating(ctx)
        self._marks.begin()
        step(ctx, "add_machines", lambda: self._machines.add(self._names, make, password))
        if make.has_own_hardware:
            self._machines.size(self._names, make, power_on=True)
        self._report.say(f"Setting up {counted(len(self._names))} of {self._change.title}", _NODES[0])
        control_plane = ControlPlane(self._ports, self._change.cluster, self._control_plane, self._limits)
        if self._order.with_present_keys:
            keys = step(ctx, "read_ssh_keys", lambda: control_plane.ssh_keys(ctx), node=self._control_plane)
            make = replace(make, ssh_public_key=str(keys))
        directory = GuestDirectory(self._ports.inventory, self._change.cluster.vapp_href, password)
        work = GuestWork(self._ports.guests, directory, self._limits)
        branches = NodeBranches(self._by_role(), make, work, control_plane.work, self._report.progress, percent=_NODES)
        ctx.parallel(branches.of_addition())
        if self._order.role is Role.WORKER:
            self._report.say(f"Waiting until the new nodes of {self._change.title} are Ready", _NODES[1])
            step(ctx, "verify_nodes", lambda: self._verify(control_plane), node=self._control_plane)
        self._marks.end()
        cluster = step(ctx, "read_cluster", lambda: read_cluster(self._change, self._machines.vapp()))
        ctx.progress(f"Added {counted(len(self._names))} to {self._change.title}", percent=99)
        return cluster

    def take_back(self, exc: CseError, /) -> str:
        """Deletes what was added, and nothing else, if that is wanted; returns what became of it."""
        if not self._may_exist:
            return "Nothing was left behind."
        if not wants_rollback(exc, asked_for=self._order.rollback_on_failure):
            return (
                f"What was made of {_named(self._names)} is left for inspection; remove it when you have seen enough."
            )
        with self._ctx.rollback():
            outcome = self._delete()
            for note in self._notes():
                note.removed(self._ctx)
            return outcome

    def _delete(self) -> str:
        self._report.say(f"Taking back the new nodes of {self._change.title}", 0)
        ports, href = self._ports, self._change.cluster.vapp_href
        machines = MachineSteps(self._ctx, ports.inventory, ports.host, href, lambda _: SERVICE, self._limits)
        try:
            step(self._ctx, "settle_vapp", machines.settle)
            if self._control_plane:
                self._forget()
            problems = machines.stop(self._names, go_on=True)
            left = step(self._ctx, "delete_machines", lambda: machines.delete(self._names))
        except NotFoundError:
            return "The cluster's vApp is gone."
        if left:
            raise nodes_left(cast(list[str], left), problems)
        return "The new nodes were taken back."

    def _notes(self) -> Iterator[MachinesNote]:
        """The ledger's entries about what is added."""
        return MachinesNote.all_of(self._change.cluster, self._names)

    def _chosen(self) -> tuple[list[str], str]:
        """Names that the vApp does not have, and the control plane that workers join."""
        chosen = cast(dict[str, Any], step(self._ctx, "choose_names", self._choose))
        return chosen["names"], chosen["control_plane"]

    def _choose(self) -> Json:
        vapp = self._machines.vapp()
        workers = self._order.role is Role.WORKER
        control_plane = running_control_plane(self._change.cluster, vapp) if workers else ""
        taken = {machine.name for machine in vapp.machines}
        names: list[Json] = []
        for _ in range(self._order.count):
            name = new_node_name(self._order.role.value, taken)
            taken.add(name)
            names.append(name)
        return {"names": names, "control_plane": control_plane}

    def _by_role(self) -> NodeNames:
        if self._order.role is Role.NFS:
            return NodeNames(nfs=self._names)
        return NodeNames(control_plane=self._control_plane, workers=self._names)

    def _verify(self, control_plane: ControlPlane) -> Json:
        control_plane.work.wait_until_nodes_ready(self._ctx, self._control_plane, self._names)
        return None

    def _forget(self) -> None:
        """Takes those that have joined out of Kubernetes; that it does not answer may be why we are here."""
        limits = hasty(self._limits)
        control_plane = ControlPlane(self._ports, self._change.cluster, self._control_plane, limits)

        def forget() -> Json:
            control_plane.forget(self._ctx, self._names)
            return None

        try:
            step(self._ctx, "forget_nodes", forget, node=self._control_plane)
        except CseError as exc:
            self._report.passed_over("forget_nodes", exc)


def add_nodes(ctx: OperationContext, ports: OperationPorts, limits: Limits) -> NodeAddition:
    """The run of an operation of kind ADD_NODES."""
    job = AddNodesInput.from_json(ctx.input)
    order = NodeOrder(role=job.role, count=job.count, make=job.make, rollback_on_failure=job.rollback_on_failure)
    return NodeAddition(ctx, ports, job, order, limits)


def _named(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _NAMED_AT_ONCE
    return ", ".join(names[:_NAMED_AT_ONCE]) + (f" and {more} more" if more > 0 else "")


def nodes_left(names: list[str], problems: dict[str, str]) -> FailedPreconditionError:
    """Machines that should be gone and are not."""
    told = "; ".join(f"{name}: {problems.get(name, 'vCD did not delete it')}" for name in names)
    return FailedPreconditionError(f"some machines are left ({told})", reason="NODES_LEFT", nodes=", ".join(names))
