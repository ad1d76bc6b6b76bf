"""Naming an operation at the vApp for as long as what it adds has not become nodes; see `domain.marks`."""

from collections.abc import Sequence
from typing import cast

import structlog

from cse_clusters.application.changes import carry_out, patiently
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.ports import OperationPorts
from cse_clusters.domain import marks
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import Cluster
from cse_core.errors import CseError, UnavailableError
from cse_core.operations import Json, OperationContext

log = structlog.get_logger()


class NodeMarks:
    """What one operation writes to the vApp: two requests, however many machines it adds.

    The ledger tells more and is asked first. This is for the day on which it is lost.
    """

    def __init__(self, ctx: OperationContext, ports: OperationPorts, cluster: Cluster, limits: Limits) -> None:
        self._ctx = ctx
        self._inventory = ports.inventory
        self._host = ports.host
        self._cluster = cluster
        self._limits = limits
        self._others: list[str] = []

    def begin(self) -> None:
        """Names the operation. Called before its first machine is made."""
        self._others = cast(list[str], step(self._ctx, "mark_operation", self._begin))

    def end(self) -> None:
        """Takes the name away, for its machines are nodes now. That this fails is no reason to take them back."""
        try:
            step(self._ctx, "settle_operation", lambda: self._write(self._others))
        except CseError as exc:
            self._ctx.check()
            log.warning("operation_mark_left", cluster_uid=self._cluster.uid, reason=exc.code, error=exc.message)

    def _begin(self) -> Json:
        """Returns the others that are named there, but for those that have left no machine."""
        mine = self._ctx.operation_id
        others = [each for each in self._named() if each != mine]
        if others:
            vapp = patiently(
                self._ctx,
                lambda: self._inventory.vapp(SERVICE, self._cluster.vapp_href),
                within=self._limits.busy,
                passing=(UnavailableError,),
            )
            descriptions = {each.description for each in vapp.machines} if vapp is not None else set()
            others = [each for each in others if marks.machine_mark(each) in descriptions]
        self._write([*others, mine])
        return [*others]

    def _named(self) -> Sequence[str]:
        records = patiently(
            self._ctx,
            lambda: self._inventory.clusters(SERVICE, name=self._cluster.name),
            within=self._limits.busy,
            passing=(UnavailableError,),
        )
        return next((marks.unsettled(each.metadata) for each in records if each.href == self._cluster.vapp_href), ())

    def _write(self, operations: Sequence[str]) -> Json:
        """Leaves no entry that names nobody: a cluster looks as it did before."""
        href = self._cluster.vapp_href

        def begin() -> str | None:
            if not operations:
                return self._host.remove_metadata(SERVICE, href, marks.NODE_OPERATIONS)
            return self._host.set_metadata(SERVICE, href, marks.as_metadata(operations))

        carry_out(self._ctx, self._host, begin, within=self._limits.busy)
        return None
