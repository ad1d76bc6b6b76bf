"""`google.longrunning.Operations` and our `OperationService` over an operation engine."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from cse.operations.v1 import operation_service_pb2, operation_service_pb2_grpc
from cse_core.errors import ExhaustedError, InvalidArgumentError
from cse_core.grpc.operation_messages import (
    ResultOf,
    event_message,
    operation_id_in,
    page_token_of,
    parse_filter,
    parse_page_token,
    to_proto,
)
from cse_core.operations import Operation, Operations
from cse_core.operations.failures import not_there

__all__ = ["SERVICES", "OperationServicer", "OperationsServicer", "Viewer", "Viewers", "WaitingRoom", "to_proto"]

SERVICES: Final = ("google.longrunning.Operations", "cse.operations.v1.OperationService")

_MOST_LISTED: Final = 1000
_MOST_LISTED_BYTES: Final = 3 << 20
"""Clients take messages of 4 MiB unless they were told otherwise; what created a large cluster holds all its nodes."""
_LISTED: Final = 100
_WAIT_LIMIT_S: Final = 60.0


class Viewer(Protocol):
    """A caller, and what he may do with operations."""

    @property
    def owner(self) -> str | None:
        """Whose operations he sees; None: everybody's."""

    def require_change(self, operation: Operation) -> None:
        """Raises PermissionDeniedError unless he may cancel and forget it, ConflictError if that is not known now."""


Viewers = Callable[[grpc.ServicerContext], Viewer]
"""Authenticates the caller; raises UnauthenticatedError."""


class WaitingRoom:
    """Places for calls that wait, each of which keeps a thread of the server. Those left over are for all other calls.

    Args:
        places: how many.
    """

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Whether there is a place, which is kept while inside."""
        has_place = self._places.acquire(blocking=False)
        try:
            yield has_place
        finally:
            if has_place:
                self._places.release()


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # ships no types
    """The standard service. What a caller may not see is not there for him."""

    def __init__(self, operations: Operations, *, result_of: ResultOf, viewers: Viewers, waiting: WaitingRoom) -> None:
        self._operations = operations
        self._result_of = result_of
        self._viewers = viewers
        self._waiting = waiting

    def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        return to_proto(visible(self._operations, request.name, self._viewers(context)), self._result_of)

    def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ListOperationsResponse:
        """The latest first. `parse_filter` says what filters there are."""
        query = parse_filter(request.filter, self._viewers(context).owner)
        before = parse_page_token(request.page_token)
        if request.page_size < 0:
            raise InvalidArgumentError("page_size: it cannot be negative", field="page_size")
        size = min(request.page_size or _LISTED, _MOST_LISTED)
        found = self._operations.page(query, limit=size + 1, before=before)
        shown = self._fitting(found[:size])
        token = page_token_of(found[len(shown) - 1]) if len(found) > len(shown) else ""
        return operations_pb2.ListOperationsResponse(operations=shown, next_page_token=token)

    def _fitting(self, operations: Sequence[Operation]) -> list[operations_pb2.Operation]:
        """As many of them as a client takes in one message; at least one."""
        shown: list[operations_pb2.Operation] = []
        room = _MOST_LISTED_BYTES
        for operation in operations:
            message = to_proto(operation, self._result_of)
            room -= message.ByteSize()
            if shown and room < 0:
                break
            shown.append(message)
        return shown

    def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        self._operations.cancel(self._changeable(request.name, context).id)
        return empty_pb2.Empty()

    def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        self._operations.delete(self._changeable(request.name, context).id)
        return empty_pb2.Empty()

    def _changeable(self, name: str, context: grpc.ServicerContext) -> Operation:
        viewer = self._viewers(context)
        operation = visible(self._operations, name, viewer)
        viewer.require_change(operation)
        return operation

    def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Waits at most a minute in one call, and not at all when too many others wait; callers repeat it."""
        operation = visible(self._operations, request.name, self._viewers(context))
        asked = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else _WAIT_LIMIT_S
        left: float | None = context.time_remaining()  # None where the call has no deadline
        limit = min(max(asked, 0.0), _WAIT_LIMIT_S, math.inf if left is None else max(left - 0.5, 0.0))
        with self._waiting.place() as has_place:
            return to_proto(self._operations.wait(operation.id, limit if has_place else 0.0), self._result_of)


class OperationServicer(operation_service_pb2_grpc.OperationServiceServicer):
    """Following operations live."""

    def __init__(self, operations: Operations, *, viewers: Viewers, waiting: WaitingRoom) -> None:
        self._operations = operations
        self._viewers = viewers
        self._waiting = waiting

    def WatchOperation(
        self, request: operation_service_pb2.WatchOperationRequest, context: grpc.ServicerContext
    ) -> Iterator[operation_service_pb2.WatchOperationResponse]:
        operation = visible(self._operations, request.name, self._viewers(context))
        with self._waiting.place() as has_place:
            if not has_place:
                raise ExhaustedError(
                    "too many calls wait for operations at the moment; try again, or read it with GetOperation",
                    reason="TOO_MANY_WATCHERS",
                )
            events = self._operations.watch(operation.id, request.from_sequence, is_wanted=context.is_active)
            for event in events:
                yield operation_service_pb2.WatchOperationResponse(event=event_message(event))


def visible(operations: Operations, name: str, viewer: Viewer) -> Operation:
    """The operation of that name.

    Raises:
        InvalidArgumentError: it is no name of an operation.
        NotFoundError: there is none, or the caller may not see it.
    """
    operation = operations.get(operation_id_in(name))
    if viewer.owner not in (None, operation.owner):
        raise not_there(operation.id)
    return operation
