"""An operation engine served over gRPC, and stubs for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import struct_pb2

from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc
from cse_core.grpc.operations import SERVICES, OperationServicer, OperationsServicer, WaitingRoom
from cse_core.grpc.server import GrpcServer
from cse_core.operations import Operation, Operations
from cse_testing.waiting import LIMIT_S


class Everybody:
    """A caller who sees and may change all operations of one owner; of everybody's, if there is none."""

    def __init__(self, owner: str | None) -> None:
        self.owner = owner

    def require_change(self, operation: Operation) -> None:
        """He may."""


@dataclass
class Served:
    """Stubs of the two services."""

    standard: operations_pb2_grpc.OperationsStub
    watching: operation_service_pb2_grpc.OperationServiceStub

    def get(self, name: str) -> operations_pb2.Operation:
        found: operations_pb2.Operation = self.standard.GetOperation(operations_pb2.GetOperationRequest(name=name))
        return found

    def wait(self, name: str, timeout_s: float = LIMIT_S) -> operations_pb2.Operation:
        request = operations_pb2.WaitOperationRequest(name=name)
        request.timeout.FromNanoseconds(int(timeout_s * 1e9))
        found: operations_pb2.Operation = self.standard.WaitOperation(request, timeout=LIMIT_S + 5)
        return found

    def cancel(self, name: str) -> None:
        self.standard.CancelOperation(operations_pb2.CancelOperationRequest(name=name))

    def delete(self, name: str) -> None:
        self.standard.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name))

    def names(self, text: str = "", *, page_size: int = 0) -> list[list[str]]:
        """The names on each page."""
        request = operations_pb2.ListOperationsRequest(filter=text, page_size=page_size)
        pages: list[list[str]] = []
        while True:
            page = self.standard.ListOperations(request)
            pages.append([operation.name for operation in page.operations])
            if not page.next_page_token:
                return pages
            request.page_token = page.next_page_token

    def watch(self, name: str, from_sequence: int = 0) -> Iterator[operation_pb2.OperationEvent]:
        request = operation_service_pb2.WatchOperationRequest(name=name, from_sequence=from_sequence)
        for answer in self.watching.WatchOperation(request, timeout=LIMIT_S):
            yield answer.event


def metadata_of(operation: operations_pb2.Operation) -> operation_pb2.OperationMetadata:
    found = operation_pb2.OperationMetadata()
    assert operation.metadata.Unpack(found)
    return found


@contextmanager
def serving(operations: Operations, owner: str | None = None) -> Iterator[Served]:
    """While inside, the engine is served to whoever asks, as if that was of the org `owner`. Results are structs."""
    waiting = WaitingRoom(8)

    def viewers(_: grpc.ServicerContext) -> Everybody:
        return Everybody(owner)

    def result_of(operation: Operation) -> struct_pb2.Struct:
        made = struct_pb2.Struct()
        made["result"] = operation.result
        return made

    standard = OperationsServicer(operations, result_of=result_of, viewers=viewers, waiting=waiting)
    watching = OperationServicer(operations, viewers=viewers, waiting=waiting)
    server = GrpcServer(
        "127.0.0.1:0",
        services=SERVICES,
        threads=16,
        register=[
            lambda server: operations_pb2_grpc.add_OperationsServicer_to_server(standard, server),
            lambda server: operation_service_pb2_grpc.add_OperationServiceServicer_to_server(watching, server),
        ],
    )
    server.start()
    try:
        with grpc.insecure_channel(server.address) as channel:
            yield Served(
                operations_pb2_grpc.OperationsStub(channel),
                operation_service_pb2_grpc.OperationServiceStub(channel),
            )
    finally:
        server.stop(1.0)
