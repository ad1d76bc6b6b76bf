"""Orphans, made of what vCD shows and of what the store of operations says."""

from datetime import datetime

from cse_clusters.application.ledger import MachinesNote
from cse_clusters.domain.cluster import CLUSTER_ID, OPERATION_ID
from cse_clusters.domain.orphans import Cause, Kind, Orphan
from cse_clusters.domain.vcd import Machine, VappRecord
from cse_core.operations import Operation, OperationState
from cse_core.operations.ids import time_of


def was_made_by(machine: Machine, latest: datetime) -> bool:
    """Whether it is old enough: names are short, and that of one that is gone may be a living node's by now."""
    try:
        return datetime.fromisoformat(machine.created) <= latest
    except (TypeError, ValueError):  # no time, or one without a zone: it is not known
        return False


def is_old(operation_id: str, latest: datetime) -> bool:
    """Whether it was accepted by then, as its id tells."""
    moment = time_of(operation_id)
    return moment is not None and moment <= latest


def has_ended(operation: Operation, since: datetime) -> bool:
    """Whether it had ended when vCD was read, so that nothing of what was seen there changes by it."""
    return operation.state.is_final and operation.end_time is not None and operation.end_time <= since


def cause_of(operation: Operation | None) -> Cause:
    """Why something is there that an operation made which has ended, and not well."""
    if operation is None:
        return Cause.OPERATION_UNKNOWN
    left = operation.state is OperationState.FAILED and operation.input.get("rollback_on_failure") is False
    return Cause.LEFT_FOR_INSPECTION if left else Cause.ROLLBACK_FAILED


def why(operation: Operation | None) -> str:
    if operation is None:
        return "The store of operations does not know (any more) how the operation ended that made it."
    return operation.error.message if operation.error is not None else operation.message


def accepted(operation_id: str, operation: Operation | None) -> str:
    moment = operation.create_time if operation is not None else time_of(operation_id)
    return moment.isoformat() if moment is not None else ""


def machine_orphan(machine: Machine, note: MachinesNote, operation_id: str, operation: Operation | None) -> Orphan:
    return Orphan(
        kind=Kind.VM,
        vcd_id=machine.id,
        name=machine.name,
        href=machine.href,
        vapp_href=note.vapp_href,
        org=note.org,
        vdc=note.vdc,
        cluster=note.cluster,
        cluster_uid=note.uid,
        cause=cause_of(operation),
        operation_id=operation_id,
        operation_time=accepted(operation_id, operation),
        explanation=why(operation),
    )


def vapp_orphan(record: VappRecord, cause: Cause, operation: Operation | None, explanation: str) -> Orphan:
    operation_id = operation.id if operation is not None else record.metadata.get(OPERATION_ID, "")
    return Orphan(
        kind=Kind.VAPP,
        vcd_id=record.id,
        name=record.name,
        href=record.href,
        vapp_href=record.href,
        org=record.org,
        vdc=record.vdc,
        cluster=record.name,
        cluster_uid=record.metadata.get(CLUSTER_ID, ""),
        cause=cause,
        operation_id=operation_id,
        operation_time=accepted(operation_id, operation),
        explanation=explanation,
        vm_count=record.vm_count,
    )
