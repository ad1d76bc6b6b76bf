"""The routes for operations: lists, events that somebody waits for, cancellation."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.longrunning import operations_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from cse.operations.v1 import operation_pb2, operation_service_pb2
from cse.system.v1 import system_pb2
from cse_core import errors
from cse_testing.extension import request_message
from cse_testing.fake_services import a_cluster, an_operation, raising
from cse_testing.gateway import Bench
from cse_testing.waiting import LIMIT_S

EVENTS = "/api/cse/_operations/op-1/events"


def an_event(sequence: int, **fields: Any) -> operation_service_pb2.WatchOperationResponse:
    event = operation_pb2.OperationEvent(
        sequence=sequence, time=Timestamp(seconds=0), state=operation_pb2.OPERATION_STATE_RUNNING, **fields
    )
    return operation_service_pb2.WatchOperationResponse(event=event)


def test_operations_are_listed_in_pages_by_what_the_query_asks_for(bench: Bench) -> None:
    bench.services.answers["ListOperations"] = lambda _: operations_pb2.ListOperationsResponse(
        operations=[an_operation(kind="CREATE_CLUSTER", state=2)], next_page_token="bmV4dA=="
    )
    query = "cluster=demo&cluster_id=7c3b-9f&kind=create_cluster&state=running&done=false&page_size=20&page_token=YQ=="
    reply = bench.cell.ask("GET", f"/api/cse/_operations?{query}")
    assert reply.status == 200
    assert [each["kind"] for each in reply.json["operations"]] == ["CREATE_CLUSTER"]
    assert reply.json["next_page_token"] == "bmV4dA=="
    (call,) = bench.services.called("ListOperations")
    terms = 'target_id="demo" AND target_uid="7c3b-9f" AND kind="CREATE_CLUSTER" AND state="RUNNING" AND done="false"'
    assert call.request == operations_pb2.ListOperationsRequest(filter=terms, page_size=20, page_token="YQ==")


def test_a_list_is_whole_unless_the_query_says_otherwise(bench: Bench) -> None:
    assert bench.cell.ask("GET", "/api/cse/_operations").status == 200
    (call,) = bench.services.called("ListOperations")
    assert call.request == operations_pb2.ListOperationsRequest(page_size=50)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/cse/_operations?state=busy", "state"),
        ("/api/cse/_operations?done=maybe", "done"),
        ("/api/cse/_operations?cluster=a%22%20OR%20b", "cluster"),
        ("/api/cse/_operations?cluster=a%0Ab", "cluster"),
        ("/api/cse/_operations?page_size=201", "page_size"),
        ("/api/cse/_operations?page_size=-1", "page_size"),
        (f"{EVENTS}?since=x", "since"),
        (f"{EVENTS}?since=-1", "since"),
        (f"{EVENTS}?wait=61", "wait"),
    ],
)
def test_a_query_that_nobody_could_mean_is_refused_by_its_field(bench: Bench, path: str, field: str) -> None:
    reply = bench.cell.ask("GET", path)
    assert (reply.status, reply.message["reason"].partition(":")[0]) == (400, field)
    assert reply.message["reason"].isprintable()
    assert not bench.services.calls


def test_an_operation_is_shown_with_its_result(bench: Bench) -> None:
    operation = an_operation(kind="CREATE_CLUSTER", state=4, last_sequence=7)
    operation.done = True
    operation.response.Pack(a_cluster())
    bench.services.answers["GetOperation"] = lambda _: operation
    shown = bench.cell.ask("GET", "/api/cse/_operations/op-1").json
    assert (shown["state"], shown["done"], shown["last_sequence"]) == ("SUCCEEDED", True, 7)
    assert shown["result"]["leader_endpoint"] == "10.0.0.5"
    assert (shown["error"], shown["reason"]) == (None, None)


def test_an_operation_is_shown_with_its_error_and_the_reason(bench: Bench) -> None:
    operation = an_operation(kind="CREATE_CLUSTER", state=5)
    operation.done = True
    operation.error.CopyFrom(status_pb2.Status(code=9, message="a script failed"))
    operation.error.details.add().Pack(error_details_pb2.ErrorInfo(reason="GUEST_SCRIPT_FAILED", domain="cse"))
    bench.services.answers["GetOperation"] = lambda _: operation
    shown = bench.cell.ask("GET", "/api/cse/_operations/op-1").json
    assert (shown["error"], shown["reason"], shown["result"]) == ("a script failed", "GUEST_SCRIPT_FAILED", None)


def test_cancelling_is_accepted_and_shows_the_operation(bench: Bench) -> None:
    bench.services.answers["GetOperation"] = lambda _: an_operation(state=2, cancel_requested=True)
    reply = bench.cell.ask("POST", "/api/cse/_operations/op-1/cancel")
    assert (reply.status, reply.json["cancel_requested"]) == (202, True)
    (call,) = bench.services.called("CancelOperation")
    assert call.request == operations_pb2.CancelOperationRequest(name="operations/op-1")


def test_who_may_not_cancel_is_told_so(bench: Bench) -> None:
    refusal = errors.PermissionDeniedError("vCD does not let you", reason="VAPP_CHANGE_FORBIDDEN")
    bench.services.answers["CancelOperation"] = raising(refusal)
    reply = bench.cell.ask("POST", "/api/cse/_operations/op-1/cancel")
    assert (reply.status, reply.message["reason"]) == (403, "vCD does not let you")
    assert not bench.services.called("GetOperation")


def test_events_after_a_sequence_number_come_with_whether_they_are_the_last(bench: Bench) -> None:
    fields = {"step": "join", "node": "node-7k2p", "message": "node-7k2p has joined", "progress_percent": 56}
    happened = {8: an_event(8, **fields), 9: an_event(9)}

    def since(request: operation_service_pb2.WatchOperationRequest) -> Any:
        return iter([event for sequence, event in happened.items() if sequence >= request.from_sequence])

    bench.services.answers["WatchOperation"] = since
    shown, done = list[dict[str, Any]](), False
    while not done:  # what comes late is told in another answer
        reply = bench.cell.ask("GET", f"{EVENTS}?since={7 + len(shown)}&wait=60")
        assert reply.status == 200
        shown += reply.json["events"]
        done = reply.json["done"]
    assert [event["sequence"] for event in shown] == [8, 9]
    assert shown[0] == {"sequence": 8, "time": "1970-01-01T00:00:00Z", "state": "RUNNING", **fields}
    first = bench.services.called("WatchOperation")[0]
    assert first.request == operation_service_pb2.WatchOperationRequest(name="operations/op-1", from_sequence=8)


def test_an_event_is_answered_as_soon_as_it_happens(bench: Bench) -> None:
    happens, ended = threading.Event(), threading.Event()

    def events(_request: object) -> Iterator[operation_service_pb2.WatchOperationResponse]:
        assert happens.wait(LIMIT_S)
        yield an_event(1)
        ended.wait(LIMIT_S)

    bench.services.answers["WatchOperation"] = events
    asked = bench.cell.send(request_message("GET", f"{EVENTS}?wait=60"))
    bench.cell.wait_until(lambda: bench.services.called("WatchOperation"), "somebody who watches")
    happens.set()
    reply = bench.cell.reply_to(asked)
    ended.set()
    assert [event["sequence"] for event in reply.json["events"]] == [1]
    assert reply.json["done"] is False


def test_those_who_wait_leave_places_for_those_who_do_not(bench: Bench) -> None:
    over = threading.Event()

    def events(_request: object) -> Iterator[operation_service_pb2.WatchOperationResponse]:
        over.wait(LIMIT_S)
        yield from ()

    bench.services.answers["WatchOperation"] = events
    places = 5 * 10 // 4
    waiting = [bench.cell.send(request_message("GET", f"{EVENTS}?wait=60")) for _ in range(places)]
    bench.cell.wait_until(lambda: len(bench.services.called("WatchOperation")) == places, "all places to be taken")
    one_more = bench.cell.reply_to(bench.cell.send(request_message("GET", f"{EVENTS}?wait=60")))
    assert (one_more.status, one_more.json) == (200, {"events": [], "done": False})
    assert not any(each in bench.cell.replies for each in waiting)
    over.set()
    assert all(bench.cell.reply_to(each).json["done"] for each in waiting)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFoundError("there is no operation", reason="OPERATION_NOT_FOUND"), 404),
        (errors.ExhaustedError("too many", reason="TOO_MANY_WATCHERS"), 429),
        (errors.UnauthenticatedError("log in again"), 401),
    ],
)
def test_refusals_of_a_stream_are_told(bench: Bench, error: errors.CseError, status: int) -> None:
    bench.services.answers["WatchOperation"] = raising(error)
    assert bench.cell.ask("GET", f"{EVENTS}?wait=60").status == status


@pytest.mark.parametrize("path", ["/api/cse/_operations", "/api/cse/_operations/op-1", EVENTS])
def test_operations_are_shown_while_the_service_is_disabled(bench: Bench, path: str) -> None:
    bench.services.state = system_pb2.System.STATE_DISABLED
    bench.cell.wait_until(lambda: bench.cell.ask("GET", "/api/cse").status == 503, "a service that is closed")
    assert bench.cell.ask("GET", path).status == 200


@pytest.mark.parametrize("name", ["..", "a%2Fb", "a%20b", "%0A", "x" * 200])
@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("GET", "/events"), ("POST", "/cancel")])
def test_what_cannot_be_an_id_is_not_found(bench: Bench, method: str, end: str, name: str) -> None:
    assert bench.cell.ask(method, f"/api/cse/_operations/{name}{end}").status == 404
    assert not bench.services.calls
