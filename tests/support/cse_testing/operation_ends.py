"""Waiting for operations over gRPC, for longer than a service holds one call, and what they say in the end."""

from collections.abc import Sequence
from typing import Final

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2

from cse.operations.v1 import operation_pb2
from cse_testing.waiting import LIMIT_S, wait_until

_CALL_S: Final = 60.0
"""A service answers earlier, whether the operation has ended or not."""


def ended(
    operations: operations_pb2_grpc.OperationsStub, name: str, metadata: Sequence[tuple[str, str]]
) -> operations_pb2.Operation:
    """The operation as it ended, well or not; fails if it does not end in time."""
    request = operations_pb2.WaitOperationRequest(name=name)

    def wait() -> operations_pb2.Operation | None:
        found: operations_pb2.Operation = operations.WaitOperation(request, metadata=metadata, timeout=_CALL_S)
        return found if found.done else None

    return wait_until(wait, f"the end of {name}", within_s=3 * LIMIT_S)


def metadata_of(operation: operations_pb2.Operation) -> operation_pb2.OperationMetadata:
    """What it tells of its course."""
    found = operation_pb2.OperationMetadata()
    assert operation.metadata.Unpack(found)
    return found


def reason_of(operation: operations_pb2.Operation) -> str:
    """Why it has failed; empty if it has not."""
    for detail in operation.error.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
