"""Operations: `/api/cse/_operations…`, which CSE 1.2.x did not have."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2

from cse.clusters.v1 import cluster_pb2
from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc
from cse.system.v1 import orphan_pb2, system_service_pb2
from cse_core.errors import InvalidArgumentError, NotFoundError
from cse_gateway.adapters.backend import gather, invoke
from cse_gateway.adapters.routes.clusters import cluster_to_json, last_part, metadata_of
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the cluster manager"

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_FILTERS: Final = {"cluster": "target_id", "cluster_id": "target_uid", "kind": "kind", "state": "state", "done": "done"}
"""What the query's parameters are called in the contract's filter."""
_CHOICES: Final = {
    "done": ("true", "false"),
    "state": tuple(name.removeprefix("OPERATION_STATE_") for name in operation_pb2.OperationState.keys()[1:]),
}
_FILTER_VALUE: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MOST_LISTED: Final = 200
_LISTED: Final = 50
_MOST_EVENTS: Final = 500
_MOST_WAITED_S: Final = 60


class OperationRoutes:
    """Each method answers one route.

    Args:
        channel: to the cluster manager.
        waiting: how many requests may wait for events at once; those beyond are answered with what there is.
    """

    def __init__(self, channel: grpc.aio.Channel, *, waiting: int) -> None:
        self._stub = operations_pb2_grpc.OperationsStub(channel)
        self._watching = operation_service_pb2_grpc.OperationServiceStub(channel)
        self._places = waiting

    async def list(self, call: Call) -> Reply:
        query = Body(call.request.query)
        size = _number(query, "page_size", _MOST_LISTED) or _LISTED
        request = operations_pb2.ListOperationsRequest(
            filter=_filter(query), page_size=size, page_token=query.text("page_token")
        )
        response = await invoke(self._stub.ListOperations, request, call, service=SERVICE)
        found = [operation_to_json(operation) for operation in response.operations]
        return json_reply(200, {"operations": found, "next_page_token": response.next_page_token})

    async def show(self, call: Call) -> Reply:
        request = operations_pb2.GetOperationRequest(name=_name(call))
        return json_reply(200, operation_to_json(await invoke(self._stub.GetOperation, request, call, service=SERVICE)))

    async def cancel(self, call: Call) -> Reply:
        request = operations_pb2.CancelOperationRequest(name=_name(call))
        await invoke(self._stub.CancelOperation, request, call, service=SERVICE)
        shown = await self.show(call)
        return Reply(status=202, content_type=shown.content_type, body=shown.body)

    async def events(self, call: Call) -> Reply:
        """What has happened after `since`; where there is nothing, waits for it, at most `wait` seconds."""
        query = Body(call.request.query)
        since = _number(query, "since", 2**31 - 2)
        wait_s = _number(query, "wait", _MOST_WAITED_S)
        request = operation_service_pb2.WatchOperationRequest(name=_name(call), from_sequence=since + 1)
        with self._place() as may_wait:
            found = await gather(
                self._watching.WatchOperation,
                request,
                call,
                service=SERVICE,
                wait_s=wait_s if may_wait else 0,
                limit=_MOST_EVENTS,
            )
        return json_reply(200, {"events": [event_to_json(each.event) for each in found.messages], "done": found.is_all})

    @contextmanager
    def _place(self) -> Iterator[bool]:
        if self._places <= 0:
            yield False
            return
        self._places -= 1
        try:
            yield True
        finally:
            self._places += 1


def operation_to_json(operation: operations_pb2.Operation) -> dict[str, object]:
    """An operation for people and programs; times are RFC 3339 texts, null before they come."""
    metadata = metadata_of(operation)
    return {
        "id": operation.name.rpartition("/")[2],
        "kind": metadata.kind,
        "target": metadata.target,
        "target_uid": metadata.target_uid,
        "state": _state(metadata.state),
        "done": operation.done,
        "step": metadata.step,
        "message": metadata.message,
        "progress_percent": metadata.progress_percent,
        "task_href": metadata.task_href,
        "create_time": _time(metadata, "create_time"),
        "start_time": _time(metadata, "start_time"),
        "end_time": _time(metadata, "end_time"),
        "deadline": _time(metadata, "deadline"),
        "cancel_requested": metadata.cancel_requested,
        "last_sequence": metadata.last_sequence,
        "error": operation.error.message if operation.HasField("error") else None,
        "reason": _reason(operation),
        "result": _result(operation),
    }


def event_to_json(event: operation_pb2.OperationEvent) -> dict[str, object]:
    """One thing that has happened in an operation."""
    return {
        "sequence": event.sequence,
        "time": _time(event, "time"),
        "state": _state(event.state),
        "step": event.step,
        "node": event.node,
        "message": event.message,
        "progress_percent": event.progress_percent,
    }


def _state(state: "operation_pb2.OperationState.ValueType") -> str:
    return operation_pb2.OperationState.Name(state).removeprefix("OPERATION_STATE_")


def _reason(operation: operations_pb2.Operation) -> str | None:
    info = error_details_pb2.ErrorInfo()
    if operation.HasField("error") and any(detail.Unpack(info) for detail in operation.error.details):
        return str(info.reason)
    return None


def _result(operation: operations_pb2.Operation) -> dict[str, object] | None:
    cluster = cluster_pb2.Cluster()
    if operation.HasField("response") and operation.response.Unpack(cluster):
        return cluster_to_json(cluster)
    reclaimed = system_service_pb2.ReclaimResponse()
    if operation.HasField("response") and operation.response.Unpack(reclaimed):
        return {"results": [_reclaim_result_to_json(each) for each in reclaimed.results]}
    return None


def orphan_to_json(orphan: orphan_pb2.Orphan) -> dict[str, object]:
    """What an operation has left behind, for people and programs."""
    return {
        "id": last_part(orphan.name),
        "kind": orphan_pb2.Orphan.Kind.Name(orphan.kind).removeprefix("KIND_").lower(),
        "name": orphan.display_name,
        "href": orphan.href,
        "org": orphan.org,
        "vdc": orphan.vdc,
        "cluster": orphan.cluster,
        "cluster_id": orphan.cluster_uid,
        "cause": orphan_pb2.Orphan.Cause.Name(orphan.cause).removeprefix("CAUSE_"),
        "operation_id": last_part(orphan.operation),
        "operation_time": _time(orphan, "operation_time"),
        "explanation": orphan.explanation,
        "vm_count": orphan.vm_count,
        "must_be_named": orphan.must_be_named,
    }


def _reclaim_result_to_json(result: orphan_pb2.ReclaimResult) -> dict[str, object]:
    outcome = orphan_pb2.ReclaimResult.Outcome.Name(result.outcome).removeprefix("OUTCOME_")
    return {"outcome": outcome, "message": result.message, "orphan": orphan_to_json(result.orphan)}


def _time(
    message: operation_pb2.OperationMetadata | operation_pb2.OperationEvent | orphan_pb2.Orphan, field: str
) -> str | None:
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    moment: Timestamp = getattr(message, field)
    return moment.ToJsonString()


def _name(call: Call) -> str:
    operation_id = call.parameters["operation"]
    if not _ID.fullmatch(operation_id):
        raise NotFoundError("there is no operation of this id", reason="OPERATION_NOT_FOUND")
    return f"operations/{operation_id}"


def _filter(query: Body) -> str:
    terms = []
    for parameter, term in _FILTERS.items():
        value = query.text(parameter)
        if not value:
            continue
        if not _FILTER_VALUE.fullmatch(value):
            raise InvalidArgumentError(f"{parameter}: holds characters that no {parameter} has", field=parameter)
        value = value.upper() if parameter in ("kind", "state") else value
        choices = _CHOICES.get(parameter)
        if choices and value not in choices:
            raise InvalidArgumentError(f"{parameter}: is none of {', '.join(choices)}", field=parameter)
        terms.append(f'{term}="{value}"')
    return " AND ".join(terms)


def _number(query: Body, field: str, most: int) -> int:
    value = query.number(field)
    if not 0 <= value <= most:
        raise InvalidArgumentError(f"{field}: is not between 0 and {most}", field=field)
    return value
