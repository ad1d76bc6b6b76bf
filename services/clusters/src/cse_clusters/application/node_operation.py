"""What all operations on the nodes of a cluster have in common."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from cse_clusters.application.failures import explained, place
from cse_clusters.application.node_data import NodeChange
from cse_clusters.application.operation_data import cluster_to_json
from cse_clusters.application.ports import OperationPorts, TaskBoard
from cse_clusters.application.reporting import Progress, finish_task
from cse_clusters.domain.cluster import Role, State, role_of
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import CseError
from cse_core.operations import Json, Operation, OperationContext, OperationKind

log = structlog.get_logger()


class NodeWork(Protocol):
    """One run of an operation."""

    doing: str
    """The beginning of every message about it, for example `Adding 2 nodes to cluster demo (…)`."""

    def run(self) -> Json:
        """Does the work; returns the cluster as it is then."""
        ...

    def take_back(self, exc: CseError, /) -> str:
        """Called when `run` has raised `exc`; rolls back if need be, and returns what became of what was begun."""
        ...


class NodeOperation:
    """The code of one kind of operation on nodes."""

    def __init__(self, name: str, ports: OperationPorts, begin: Callable[[OperationContext], NodeWork]) -> None:
        self._name = name
        self._board = ports.board
        self._begin = begin

    def kind(self) -> OperationKind:
        return OperationKind(name=self._name, run=self._run, finish=self._finish)

    def _run(self, ctx: OperationContext) -> Json:
        work = self._begin(ctx)
        try:
            return work.run()
        except CseError as exc:
            log.warning("node_operation_failed", kind=self._name, reason=exc.code, error=exc.message, **place(exc))
            raise explained(exc, work.doing, _outcome(work, exc)) from exc

    def _finish(self, operation: Operation) -> None:
        finish_task(self._board, operation)


def _outcome(work: NodeWork, exc: CseError) -> str:
    try:
        return work.take_back(exc)
    except CseError as problem:
        log.exception("rollback_failed", reason=problem.code)
        why = problem.message.rstrip(".")
        return f"Taking it back failed too ({why}); remove what is left of the nodes."


class NodeReport:
    """Tells people where an operation on nodes stands."""

    def __init__(self, ctx: OperationContext, board: TaskBoard, change: NodeChange) -> None:
        self.progress = Progress(board, change.task_href, ctx)
        self._ctx = ctx

    def say(self, text: str, percent: int) -> None:
        self.progress.say(self._ctx, text, percent)

    @staticmethod
    def passed_over(step: str, exc: CseError) -> None:
        """Notes in the log what went wrong without ending anything."""
        log.warning("step_passed_over", step=step, reason=exc.code, error=exc.message)


def read_cluster(change: NodeChange, vapp: VappDetails) -> Json:
    """The cluster as it is after the change, as an operation's result."""
    cluster = replace(change.cluster, state=State.READY).with_vapp(vapp)
    if not cluster.control_plane_ip:  # it was still being created when the change was accepted
        addresses = [each.ip_address for each in vapp.machines if role_of(each.name) is Role.CONTROL_PLANE]
        cluster = replace(cluster, control_plane_ip=next(filter(None, addresses), ""))
    return cluster_to_json(cluster)


def counted(count: int, noun: str = "node") -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
