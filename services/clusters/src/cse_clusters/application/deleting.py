"""Deleting clusters: accepting it, and the operation."""

from datetime import timedelta
from typing import Final

import structlog

from cse_clusters.application.accepting import Acceptance, Submission, card_for
from cse_clusters.application.changes import delete_vapp, patiently
from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.failures import explained, place, step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.operation_access import OperationAccess
from cse_clusters.application.operation_data import (
    DELETE_CLUSTER,
    TOKEN,
    ActingAs,
    DeleteInput,
    key_of,
)
from cse_clusters.application.ports import Inventory, TaskBoard, VappHost
from cse_clusters.application.reporting import Progress, finish_task
from cse_clusters.domain.access import SERVICE, Caller
from cse_clusters.domain.cluster import CLUSTER_ID, Cluster
from cse_clusters.domain.vcd import VappRecord
from cse_core.errors import CseError, NotFoundError, UnavailableError
from cse_core.names import ClusterName
from cse_core.operations import (
    Json,
    Operation,
    OperationContext,
    OperationKind,
    OperationQuery,
    OperationRequest,
    Operations,
)

log = structlog.get_logger()

_MOST_CHANGES: Final = 1000
"""In progress at once on one cluster."""


class ClusterDeletion:
    """The use case DeleteCluster."""

    def __init__(
        self,
        acceptance: Acceptance,
        directory: ClusterDirectory,
        operations: Operations,
        access: OperationAccess,
        *,
        deadline: timedelta,
    ) -> None:
        self._acceptance = acceptance
        self._directory = directory
        self._access = access
        self._operations = operations
        self._deadline = deadline

    def accept(self, caller: Caller, name: ClusterName, submission: Submission) -> Operation:
        """Begins the deletion; what is in progress on the same cluster is told to end, and the deletion follows it.

        What the caller may not cancel is waited for.

        Raises:
            NotFoundError, ConflictError: as `ClusterDirectory.find_one`.
            PermissionDeniedError: the caller's role lacks the right.
        """
        self._acceptance.require_right(caller)
        with self._acceptance.exclusively(caller.org, name.cluster):
            first = self._acceptance.repeated_change(caller, DELETE_CLUSTER, name.cluster, submission.request_id)
            operation = first or self._begin(caller, self._directory.find_one(caller, name), submission)
            if not operation.state.is_final:  # also for a repetition: the first call may not have come to it
                self._end_changes(caller, operation)
            return operation

    def _begin(self, caller: Caller, cluster: Cluster, submission: Submission) -> Operation:
        card = card_for(caller, cluster, "delete_cluster")

        def make_request(task_href: str) -> OperationRequest:
            job = DeleteInput(
                card=card,
                task_href=task_href,
                acting_as=ActingAs.of(caller.credentials),
                vdc=cluster.vdc,
                vapp_href=cluster.vapp_href,
            )
            return OperationRequest(
                kind=DELETE_CLUSTER,
                target=str(cluster.resource_name),
                target_uid=cluster.uid,
                partition=cluster.key.partition,
                request_id=submission.request_id,
                owner=cluster.org_id,
                input=job.as_json(),
                secrets={TOKEN: caller.credentials.token},
                task_href=task_href,
                deadline=self._deadline,
            )

        text = f"Deleting cluster {cluster.name} ({cluster.uid})"
        return self._acceptance.submit(submission, card, text, make_request)

    def _end_changes(self, caller: Caller, deletion: Operation) -> None:
        """Tells what is in progress to end, for it is in vain. The deletion, of the same partition, begins then."""
        viewer = self._access.of(caller)
        query = OperationQuery(owner=deletion.owner, target_uid=deletion.target_uid, active=True)
        for each in self._operations.page(query, limit=_MOST_CHANGES):
            if each.kind != DELETE_CLUSTER and key_of(each) == key_of(deletion):
                try:
                    viewer.require_change(each)
                    self._operations.cancel(each.id)
                except NotFoundError:  # forgotten since: it had ended
                    continue
                except CseError as exc:  # whether he may delete the cluster is vCD's to say, when it is its turn
                    log.info("change_not_ended", operation_id=each.id, reason=exc.code)


class DeleteClusterOperation:
    """The code of operations of kind DELETE_CLUSTER."""

    def __init__(self, inventory: Inventory, host: VappHost, board: TaskBoard, *, limits: Limits) -> None:
        self._inventory = inventory
        self._host = host
        self._board = board
        self._limits = limits

    def kind(self) -> OperationKind:
        return OperationKind(name=DELETE_CLUSTER, run=self._run, finish=self._finish)

    def _run(self, ctx: OperationContext) -> Json:
        job = DeleteInput.from_json(ctx.input)
        try:
            Progress(self._board, job.task_href, ctx).say(ctx, f"Deleting {job.title}", 10)
            href = job.vapp_href or str(step(ctx, "find_vapp", lambda: self._find(ctx, job)))
            if href:
                step(ctx, "delete_vapp", lambda: self._delete(ctx, job, href))
            ctx.progress(f"Deleted {job.title}", percent=99)
        except CseError as exc:
            log.warning("delete_cluster_failed", reason=exc.code, error=exc.message, **place(exc))
            raise explained(exc, f"Deleting {job.title}", "What is left can be deleted by trying again.") from exc
        return {}

    def _find(self, ctx: OperationContext, job: DeleteInput) -> Json:
        """The vApp of a cluster that was just being created; empty if it has none (any more)."""

        def look() -> list[VappRecord]:
            return self._inventory.clusters(SERVICE, name=job.name, org=job.card.org, vdc=job.vdc)

        records = patiently(ctx, look, within=self._limits.busy, passing=(UnavailableError,))
        return next((record.href for record in records if record.metadata.get(CLUSTER_ID) == job.uid), "")

    def _delete(self, ctx: OperationContext, job: DeleteInput, href: str) -> Json:
        who = job.acting_as.credentials(ctx)
        delete_vapp(ctx, self._inventory, self._host, who, href, within=self._limits.busy)
        return None

    def _finish(self, operation: Operation) -> None:
        finish_task(self._board, operation)
