"""Operations: `/api/cse/_operations/{id}`, which CSE 1.2.x did not have."""

import re
from typing import Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from cse.operations.v1 import operation_pb2
from cse_core.errors import NotFoundError
from cse_gateway.adapters.backend import invoke
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the cluster manager"

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


class OperationRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = operations_pb2_grpc.OperationsStub(channel)

    async def show(self, call: Call) -> Reply:
        operation_id = call.parameters["operation"]
        if not _ID.fullmatch(operation_id):
            raise NotFoundError("there is no operation of this id")
        request = operations_pb2.GetOperationRequest(name=f"operations/{operation_id}")
        return json_reply(200, operation_to_json(await invoke(self._stub.GetOperation, request, call, service=SERVICE)))


def operation_to_json(operation: operations_pb2.Operation) -> dict[str, object]:
    """An operation for people and programs; times are RFC 3339 texts, null before they come."""
    metadata = operation_pb2.OperationMetadata()
    operation.metadata.Unpack(metadata)
    state = operation_pb2.OperationState.Name(metadata.state)
    return {
        "id": operation.name.rpartition("/")[2],
        "kind": metadata.kind,
        "target": metadata.target,
        "target_uid": metadata.target_uid,
        "state": state.removeprefix("OPERATION_STATE_"),
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
        "error": operation.error.message if operation.HasField("error") else None,
    }


def _time(metadata: operation_pb2.OperationMetadata, field: str) -> str | None:
    if not metadata.HasField(field):  # type: ignore[arg-type]
        return None
    moment: Timestamp = getattr(metadata, field)
    return moment.ToJsonString()
