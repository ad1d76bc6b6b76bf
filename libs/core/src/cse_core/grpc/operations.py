"""`google.longrunning.Operations` and our `OperationService` over an operation engine."""

import base64
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2, empty_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc
from cse_core.errors import InvalidArgumentError, NotFoundError
from cse_core.grpc.status import status_of_operation
from cse_core.operations import Operation, OperationEvent, Operations

SERVICES: Final = ("google.longrunning.Operations", "cse.operations.v1.OperationService")

ResultOf = Callable[[Operation], Message]
"""Makes the contract's response of an operation that succeeded from its JSON result."""
MaySee = Callable[[grpc.ServicerContext], Callable[[Operation], bool]]
"""Authenticates the caller once and returns what decides whether he may see an operation."""

_PREFIX: Final = "operations/"
_PAGE: Final = 1000
_WAIT_LIMIT_S: Final = 60.0


def to_proto(operation: Operation, result_of: ResultOf) -> operations_pb2.Operation:
    """The standard form of an operation."""
    message = operations_pb2.Operation(name=operation.name, done=operation.state.is_final)
    message.metadata.Pack(_metadata(operation))
    if operation.error is not None:
        message.error.CopyFrom(status_of_operation(operation.error))
    elif operation.state.is_final:
        response = any_pb2.Any()
        response.Pack(result_of(operation))
        message.response.CopyFrom(response)
    return message


def _metadata(operation: Operation) -> operation_pb2.OperationMetadata:
    return operation_pb2.OperationMetadata(
        kind=operation.kind,
        target=operation.target,
        target_uid=operation.target_uid,
        state=_state(operation.state.value),
        step=operation.step,
        message=operation.message,
        progress_percent=operation.progress_percent,
        request_id=operation.request_id,
        task_href=operation.task_href,
        create_time=_time(operation.create_time),
        start_time=_time(operation.start_time),
        end_time=_time(operation.end_time),
        deadline=_time(operation.deadline),
        cancel_requested=operation.cancel_requested,
        last_sequence=operation.last_sequence,
    )


def _event(event: OperationEvent) -> operation_pb2.OperationEvent:
    return operation_pb2.OperationEvent(
        sequence=event.sequence,
        time=_time(event.time),
        state=_state(event.state.value),
        step=event.step,
        node=event.node,
        message=event.message,
        progress_percent=event.progress_percent,
    )


def _state(name: str) -> operation_pb2.OperationState.ValueType:
    return operation_pb2.OperationState.Value(f"OPERATION_STATE_{name}")


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # ships no types
    """The standard service. What a caller may not see is not there for him."""

    def __init__(self, operations: Operations, *, result_of: ResultOf, may_see: MaySee) -> None:
        self._operations = operations
        self._result_of = result_of
        self._may_see = may_see

    def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        return to_proto(visible(self._operations, request.name, self._may_see(context)), self._result_of)

    def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ListOperationsResponse:
        """The filter is empty, `done=true`, `done=false` or `target="…"`, or several joined by ` AND `."""
        sees = self._may_see(context)
        wanted = _parse_filter(request.filter)
        start = _parse_page_token(request.page_token)
        size = min(request.page_size if request.page_size > 0 else _PAGE, _PAGE)
        found = self._operations.find(target=wanted.get("target"), active=_active(wanted))
        seen = [operation for operation in found if sees(operation)]
        response = operations_pb2.ListOperationsResponse(
            operations=[to_proto(operation, self._result_of) for operation in seen[start : start + size]]
        )
        if start + size < len(seen):
            response.next_page_token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return response

    def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        self._operations.cancel(visible(self._operations, request.name, self._may_see(context)).id)
        return empty_pb2.Empty()

    def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        self._operations.delete(visible(self._operations, request.name, self._may_see(context)).id)
        return empty_pb2.Empty()

    def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Waits at most a minute in one call; callers repeat it."""
        operation = visible(self._operations, request.name, self._may_see(context))
        asked = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else _WAIT_LIMIT_S
        left: float | None = context.time_remaining()  # None where the call has no deadline
        limit = min(max(asked, 0.0), _WAIT_LIMIT_S, math.inf if left is None else max(left - 0.5, 0.0))
        return to_proto(self._operations.wait(operation.id, limit), self._result_of)


class OperationServicer(operation_service_pb2_grpc.OperationServiceServicer):
    """Following operations live."""

    def __init__(self, operations: Operations, *, may_see: MaySee) -> None:
        self._operations = operations
        self._may_see = may_see

    def WatchOperation(
        self, request: operation_service_pb2.WatchOperationRequest, context: grpc.ServicerContext
    ) -> Iterator[operation_service_pb2.WatchOperationResponse]:
        operation = visible(self._operations, request.name, self._may_see(context))
        events = self._operations.watch(operation.id, request.from_sequence, is_wanted=context.is_active)
        for event in events:
            yield operation_service_pb2.WatchOperationResponse(event=_event(event))


def visible(operations: Operations, name: str, sees: Callable[[Operation], bool]) -> Operation:
    """The operation of that name.

    Raises:
        InvalidArgumentError: it is no name of an operation.
        NotFoundError: there is none, or the caller may not see it.
    """
    if not name.startswith(_PREFIX) or len(name) == len(_PREFIX):
        raise InvalidArgumentError(f"name: {name[:200]!r} is not of the form operations/{{id}}", field="name")
    operation = operations.get(name.removeprefix(_PREFIX))
    if not sees(operation):
        raise NotFoundError(f"there is no operation {operation.id!r}", reason="OPERATION_NOT_FOUND", name=operation.id)
    return operation


def _parse_filter(text: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for term in filter(None, text.split(" AND ")):
        key, equals, value = term.strip().partition("=")
        if not equals or key not in ("done", "target") or (key == "done" and value not in ("true", "false")):
            raise InvalidArgumentError(
                f'filter: {term[:200]!r} is none of done=true, done=false, target="…"', field="filter"
            )
        wanted[key] = value.strip('"')
    return wanted


def _active(wanted: dict[str, str]) -> bool | None:
    return wanted["done"] == "false" if "done" in wanted else None


def _parse_page_token(token: str) -> int:
    try:
        start = int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except ValueError:
        start = -1
    if start < 0:
        raise InvalidArgumentError("page_token: not one that this service gave", field="page_token")
    return start
