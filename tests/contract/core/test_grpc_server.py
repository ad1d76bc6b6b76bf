"""What every server of ours does, seen by a real client over a real socket."""

import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2, wrappers_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from cse.operations.v1 import operation_service_pb2 as watch_pb2
from cse.operations.v1 import operation_service_pb2_grpc as watch_grpc
from cse.system.v1 import system_service_pb2, system_service_pb2_grpc
from cse_core import patience
from cse_core.errors import (
    ExhaustedError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from cse_core.grpc import metadata
from cse_core.grpc.operations import SERVICES, OperationServicer, OperationsServicer, WaitingRoom
from cse_core.grpc.server import GrpcServer
from cse_core.grpc.status import error_of
from cse_core.operations import Operation, OperationKind, OperationRequest
from cse_core.operations.in_memory import InMemoryOperations
from cse_testing.waiting import LIMIT_S

WAITING = 2
SYSTEM = "cse.system.v1.SystemService"


LONG = "täuschend lang % " * 10_000


class Failing(system_service_pb2_grpc.SystemServiceServicer):
    def GetSystem(self, request: Any, context: Any) -> NoReturn:
        raise InvalidArgumentError("vdc: there is no 'x'", field="vdc", reason="VDC_NOT_FOUND", vdc_name="x")

    def DisableSystem(self, request: Any, context: Any) -> NoReturn:
        raise NotFoundError(LONG, reason="VDC_NOT_FOUND", org=LONG, vdc=LONG, network=LONG)

    def EnableSystem(self, request: Any, context: Any) -> NoReturn:
        raise ZeroDivisionError("secret inside")

    def GetServiceState(self, request: Any, context: Any) -> NoReturn:
        error = NotFoundError("text")
        error.details.update(message="m", reason="r", field="f", cls="c")
        raise error

    def Reclaim(self, request: Any, context: Any) -> NoReturn:
        raise NotFoundError("text", left_s=str(patience.left_s()))

    StopSystem = ListOrphans = EnableSystem


def kinds(release: threading.Event) -> list[OperationKind]:
    def run(ctx: object) -> None:
        assert release.wait(LIMIT_S)

    return [OperationKind(name="TEST", run=run, finish=lambda _: None)]


class Org:
    """Whoever calls in the name of an org; `may_change` says what else he may."""

    def __init__(self, name: str, *, may_change: bool) -> None:
        self.owner = name
        self._may_change = may_change

    def require_change(self, operation: Operation) -> None:
        if not self._may_change:
            raise PermissionDeniedError(f"not for you: {operation.id}")


class Served:
    def __init__(self) -> None:
        self.release = threading.Event()
        self.operations = InMemoryOperations(kinds(self.release))
        self.caller = "acme"
        self.may_change = True
        self.result: Message = empty_pb2.Empty()
        who = lambda _: Org(self.caller, may_change=self.may_change)  # noqa: E731
        waiting = WaitingRoom(WAITING)
        self.server = GrpcServer(
            "127.0.0.1:0",
            services=[SYSTEM, *SERVICES],
            threads=8,
            register=[
                lambda server: system_service_pb2_grpc.add_SystemServiceServicer_to_server(Failing(), server),
                lambda server: operations_pb2_grpc.add_OperationsServicer_to_server(
                    OperationsServicer(self.operations, result_of=lambda _: self.result, viewers=who, waiting=waiting),
                    server,
                ),
                lambda server: watch_grpc.add_OperationServiceServicer_to_server(
                    OperationServicer(self.operations, viewers=who, waiting=waiting), server
                ),
            ],
        )
        self.server.start()
        self.channel = grpc.insecure_channel(self.server.address)

    def submit(self, request_id: str = "r") -> str:
        request = OperationRequest(
            kind="TEST",
            target="orgs/acme/clusters/t",
            partition=request_id,
            request_id=request_id,
            owner="acme",
            input={},
        )
        return self.operations.submit(request).name

    def close(self) -> None:
        self.release.set()
        self.channel.close()
        self.operations.close(LIMIT_S)
        self.server.stop(1.0)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


def test_health_and_reflection_answer(served: Served) -> None:
    check = health_pb2_grpc.HealthStub(served.channel).Check
    for name in ("", SYSTEM):
        assert check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
    names = set(ProtoReflectionDescriptorDatabase(served.channel).get_services())
    assert {SYSTEM, "google.longrunning.Operations", "grpc.health.v1.Health", "grpc.channelz.v1.Channelz"} <= names


def test_our_errors_arrive_with_code_message_and_one_error_info(served: Served) -> None:
    stub = system_service_pb2_grpc.SystemServiceStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetSystem(system_service_pb2.GetSystemRequest())
    call: Any = caught.value
    status = rpc_status.from_call(call)
    assert len(status.details) == 1
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (call.code(), info.reason, info.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "VDC_NOT_FOUND", "cse")
    assert dict(info.metadata) == {"field": "vdc", "vdcName": "x"}
    error = error_of(caught.value)
    assert isinstance(error, InvalidArgumentError)
    assert (error.field, error.code, error.details["vdc_name"]) == ("vdc", "VDC_NOT_FOUND", "x")


def test_an_error_arrives_however_long_its_texts_are(served: Served) -> None:
    stub = system_service_pb2_grpc.SystemServiceStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.DisableSystem(system_service_pb2.DisableSystemRequest())
    error = error_of(caught.value)
    assert isinstance(error, NotFoundError), error
    assert error.code == "VDC_NOT_FOUND"
    assert set(error.details) == {"org", "vdc", "network"}
    for text in (error.message, *error.details.values()):
        assert text.endswith("…")
        assert LONG.startswith(text[:-1])
        assert len(text) > 100


def test_details_of_an_error_may_have_any_names(served: Served) -> None:
    stub = system_service_pb2_grpc.SystemServiceStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetServiceState(system_service_pb2.GetServiceStateRequest())
    error = error_of(caught.value)
    assert isinstance(error, NotFoundError)
    assert (error.message, error.code) == ("text", "NOT_FOUND")
    assert error.details == {"message": "m", "reason": "r", "field": "f", "cls": "c"}


def test_a_call_knows_how_long_it_is_waited_for(served: Served) -> None:
    stub = system_service_pb2_grpc.SystemServiceStub(served.channel)
    for timeout_s in (LIMIT_S, None):
        with pytest.raises(grpc.RpcError) as caught:
            stub.Reclaim(system_service_pb2.ReclaimRequest(), timeout=timeout_s)
        left_s = error_of(caught.value).details["left_s"]
        assert left_s == "None" if timeout_s is None else 0 < float(left_s) <= LIMIT_S


def test_other_errors_hide_their_text(served: Served) -> None:
    stub = system_service_pb2_grpc.SystemServiceStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.EnableSystem(system_service_pb2.EnableSystemRequest(), metadata=(("x-request-id", "r-77"),))
    call: Any = caught.value
    assert call.code() is grpc.StatusCode.INTERNAL
    assert "secret inside" not in call.details()
    assert "r-77" in call.details()


def test_operations_are_read_listed_waited_for_and_watched(served: Served) -> None:
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    name = served.submit()
    assert not stub.GetOperation(operations_pb2.GetOperationRequest(name=name)).done
    watch = watch_grpc.OperationServiceStub(served.channel).WatchOperation
    events = iter(watch(watch_pb2.WatchOperationRequest(name=name)))
    assert next(events).event.sequence == 1
    served.release.set()
    assert stub.WaitOperation(operations_pb2.WaitOperationRequest(name=name)).done
    rest = list(events)
    assert [item.event.sequence for item in rest] == list(range(2, len(rest) + 2))
    listed = stub.ListOperations(operations_pb2.ListOperationsRequest(filter='done=true AND target_id="t"'))
    assert [operation.name for operation in listed.operations] == [name]
    stub.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name))
    assert not stub.ListOperations(operations_pb2.ListOperationsRequest()).operations


def test_operations_come_in_pages(served: Served) -> None:
    served.release.set()
    names = [served.submit(f"r{number}") for number in range(5)]
    stub, seen, token = operations_pb2_grpc.OperationsStub(served.channel), list[str](), ""
    while True:
        page = stub.ListOperations(operations_pb2.ListOperationsRequest(page_size=2, page_token=token))
        seen += [operation.name for operation in page.operations]
        token = page.next_page_token
        if not token:
            break
    assert seen == names[::-1]


def test_a_page_of_large_operations_is_one_that_a_client_takes(served: Served) -> None:
    served.release.set()
    names = [served.submit(f"r{number}") for number in range(5)]
    served.result = wrappers_pb2.BytesValue(value=bytes(2 << 20))
    with grpc.insecure_channel(served.server.address) as channel:  # with the limits that clients have by themselves
        stub, seen, token = operations_pb2_grpc.OperationsStub(channel), list[str](), ""
        for name in names:
            stub.WaitOperation(operations_pb2.WaitOperationRequest(name=name))
        for _ in names:
            page = stub.ListOperations(operations_pb2.ListOperationsRequest(page_token=token))
            seen += [operation.name for operation in page.operations]
            token = page.next_page_token
    assert (seen, token) == (names[::-1], "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("done=false", True),
        ("done=true", False),
        (" state = RUNNING ", True),
        ("state=QUEUED", False),
        ('kind=TEST AND target="orgs/acme/clusters/t"', True),
        ('target_id="clusters"', False),
        ('target_uid="7c3b"', False),
    ],
)
def test_filters_choose_operations(served: Served, text: str, found: bool) -> None:
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    watch = watch_grpc.OperationServiceStub(served.channel).WatchOperation
    started = watch(watch_pb2.WatchOperationRequest(name=served.submit(), from_sequence=2))
    assert next(iter(started)).event.message == "started"
    started.cancel()  # type: ignore[no-untyped-call]
    listed = stub.ListOperations(operations_pb2.ListOperationsRequest(filter=text))
    assert bool(listed.operations) == found


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filter": "owner=acme"}, "filter"),
        ({"filter": "done=maybe"}, "filter"),
        ({"filter": "state=BUSY"}, "filter"),
        ({"filter": "done=true done=true"}, "filter"),
        ({"filter": "done=true AND done=true"}, "filter"),
        ({"filter": "done=true AND"}, "filter"),
        ({"filter": 'target="x'}, "filter"),
        ({"filter": 'target="a\0b"'}, "filter"),
        ({"filter": f'target="{LONG}"'}, "filter"),
        ({"page_token": "!"}, "page_token"),
        ({"page_token": "J29yIDE9MQ=="}, "page_token"),
        ({"page_size": -1}, "page_size"),
    ],
)
def test_a_list_that_nobody_could_mean_is_refused(served: Served, fields: dict[str, Any], field: str) -> None:
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ListOperations(operations_pb2.ListOperationsRequest(**fields))
    error = error_of(caught.value)
    assert isinstance(error, InvalidArgumentError)
    assert error.field == field


def test_who_may_not_change_an_operation_neither_cancels_nor_deletes_it(served: Served) -> None:
    name, served.may_change = served.submit(), False
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    for call, request in (
        (stub.CancelOperation, operations_pb2.CancelOperationRequest(name=name)),
        (stub.DeleteOperation, operations_pb2.DeleteOperationRequest(name=name)),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(request)
        assert isinstance(error_of(caught.value), PermissionDeniedError)
    assert not served.operations.get(name.removeprefix("operations/")).cancel_requested


def test_calls_that_wait_leave_threads_to_the_others(served: Served) -> None:
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    watch = watch_grpc.OperationServiceStub(served.channel).WatchOperation
    name = served.submit()
    watching = [iter(watch(watch_pb2.WatchOperationRequest(name=name))) for _ in range(WAITING)]
    for each in watching:
        next(each)
    with pytest.raises(grpc.RpcError) as caught:
        next(iter(watch(watch_pb2.WatchOperationRequest(name=name))))
    error = error_of(caught.value)
    assert isinstance(error, ExhaustedError)
    assert error.code == "TOO_MANY_WATCHERS"
    assert not stub.WaitOperation(operations_pb2.WaitOperationRequest(name=name)).done
    served.release.set()
    for each in watching:
        assert list(each)
    assert list(watch(watch_pb2.WatchOperationRequest(name=name)))


def test_others_do_not_see_that_an_operation_exists(served: Served) -> None:
    name = served.submit()
    served.caller = "globex"
    stub = operations_pb2_grpc.OperationsStub(served.channel)
    assert not stub.ListOperations(operations_pb2.ListOperationsRequest()).operations
    for call in (stub.GetOperation, stub.CancelOperation, stub.DeleteOperation, stub.WaitOperation):
        request = {
            stub.GetOperation: operations_pb2.GetOperationRequest,
            stub.CancelOperation: operations_pb2.CancelOperationRequest,
            stub.DeleteOperation: operations_pb2.DeleteOperationRequest,
            stub.WaitOperation: operations_pb2.WaitOperationRequest,
        }[call](name=name)
        with pytest.raises(grpc.RpcError) as caught:
            call(request)
        assert isinstance(error_of(caught.value), NotFoundError)


@pytest.mark.parametrize("name", ["", "op-1", "operations/", "operations/a b", "operations/a\0b", f"operations/{LONG}"])
@pytest.mark.parametrize("method", ["Get", "Cancel", "Delete", "Wait"])
def test_what_cannot_be_a_name_is_refused_before_anything_is_looked_up(served: Served, method: str, name: str) -> None:
    call = getattr(operations_pb2_grpc.OperationsStub(served.channel), f"{method}Operation")
    with pytest.raises(grpc.RpcError) as caught:
        call(getattr(operations_pb2, f"{method}OperationRequest")(name=name))
    error = error_of(caught.value)
    assert isinstance(error, InvalidArgumentError), error
    assert error.field == "name"


def test_a_port_in_use_is_an_error_that_names_it(served: Served) -> None:
    second = GrpcServer(served.server.address, services=[], register=[], threads=1)
    with pytest.raises(OSError, match="in use"):
        second.start()


def test_credentials_travel_in_metadata() -> None:
    jwt = metadata.credentials_from([("authorization", "Bearer abc.def"), ("x-vcloud-api-version", "36.0")])
    assert (jwt.is_jwt, jwt.token.reveal(), jwt.api_version) == (True, "abc.def", "36.0")
    assert metadata.credentials_from(jwt.to_metadata()) == jwt
    legacy = metadata.credentials_from([("x-vcloud-authorization", "9f2c")])
    assert not legacy.is_jwt
    for bad in (
        [],
        [("authorization", "Basic abc")],
        [("x-vcloud-authorization", "a b")],
        [("authorization", "Bearer")],
    ):
        with pytest.raises(UnauthenticatedError):
            metadata.credentials_from(bad)


def test_a_request_id_that_cannot_go_into_a_log_is_replaced() -> None:
    assert metadata.request_id_from([("x-request-id", "abc-1")]) == "abc-1"
    assert "\n" not in metadata.request_id_from([("x-request-id", "a\nb")])
