"""Between the contract's orphans and those of the application."""

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from cse.system.v1 import orphan_pb2, system_service_pb2
from cse_clusters.application.reclaiming import Result
from cse_clusters.domain.orphans import Cause, Kind, Orphan, Outcome

_KINDS: Final = {Kind.VAPP: orphan_pb2.Orphan.KIND_VAPP, Kind.VM: orphan_pb2.Orphan.KIND_VM}
_CAUSES: Final = {
    Cause.ROLLBACK_FAILED: orphan_pb2.Orphan.CAUSE_ROLLBACK_FAILED,
    Cause.LEFT_FOR_INSPECTION: orphan_pb2.Orphan.CAUSE_LEFT_FOR_INSPECTION,
    Cause.OPERATION_UNKNOWN: orphan_pb2.Orphan.CAUSE_OPERATION_UNKNOWN,
    Cause.HALF_DELETED: orphan_pb2.Orphan.CAUSE_HALF_DELETED,
}
_OUTCOMES: Final = {
    Outcome.RECLAIMED: orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED,
    Outcome.WOULD_BE_RECLAIMED: orphan_pb2.ReclaimResult.OUTCOME_WOULD_BE_RECLAIMED,
    Outcome.SKIPPED: orphan_pb2.ReclaimResult.OUTCOME_SKIPPED,
    Outcome.FAILED: orphan_pb2.ReclaimResult.OUTCOME_FAILED,
}


def orphan_message(orphan: Orphan) -> orphan_pb2.Orphan:
    message = orphan_pb2.Orphan(
        name=f"orphans/{orphan.id}",
        kind=_KINDS[orphan.kind],
        display_name=orphan.name,
        href=orphan.href,
        org=orphan.org,
        vdc=orphan.vdc,
        cluster=orphan.cluster,
        cluster_uid=orphan.cluster_uid,
        cause=_CAUSES[orphan.cause],
        operation=f"operations/{orphan.operation_id}" if orphan.operation_id else "",
        explanation=orphan.explanation,
        vm_count=orphan.vm_count,
        must_be_named=orphan.must_be_named,
    )
    if orphan.operation_time:
        moment = Timestamp()
        moment.FromDatetime(datetime.fromisoformat(orphan.operation_time))
        message.operation_time.CopyFrom(moment)
    return message


def reclaim_response(results: list[Result]) -> system_service_pb2.ReclaimResponse:
    return system_service_pb2.ReclaimResponse(results=map(_result_message, results))


def _result_message(result: Result) -> orphan_pb2.ReclaimResult:
    named_only = orphan_pb2.Orphan(name=f"orphans/{result.id}")
    return orphan_pb2.ReclaimResult(
        orphan=orphan_message(result.orphan) if result.orphan is not None else named_only,
        outcome=_OUTCOMES[result.outcome],
        message=result.message,
    )
