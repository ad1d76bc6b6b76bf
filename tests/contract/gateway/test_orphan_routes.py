"""The routes for what operations have left behind."""

import uuid

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from cse.system.v1 import orphan_pb2, system_pb2, system_service_pb2
from cse_core import errors
from cse_testing.fake_services import an_operation, raising
from cse_testing.gateway import Bench

ORPHAN = orphan_pb2.Orphan(
    name="orphans/vapp-e2a1c7d4",
    kind=orphan_pb2.Orphan.KIND_VAPP,
    display_name="demo",
    href="https://vcd.example.com/api/vApp/vapp-e2a1c7d4",
    org="acme",
    vdc="dev",
    cluster="demo",
    cluster_uid="7c3b9f1e",
    cause=orphan_pb2.Orphan.CAUSE_ROLLBACK_FAILED,
    operation="operations/op-1",
    operation_time=Timestamp(seconds=0),
    explanation="no route to host",
    vm_count=3,
)
SHOWN = {
    "id": "vapp-e2a1c7d4",
    "kind": "vapp",
    "name": "demo",
    "href": "https://vcd.example.com/api/vApp/vapp-e2a1c7d4",
    "org": "acme",
    "vdc": "dev",
    "cluster": "demo",
    "cluster_id": "7c3b9f1e",
    "cause": "ROLLBACK_FAILED",
    "operation_id": "op-1",
    "operation_time": "1970-01-01T00:00:00Z",
    "explanation": "no route to host",
    "vm_count": 3,
    "must_be_named": False,
}


def test_orphans_of_all_pages_are_listed(bench: Bench) -> None:
    def page(request: system_service_pb2.ListOrphansRequest) -> system_service_pb2.ListOrphansResponse:
        return system_service_pb2.ListOrphansResponse(
            orphans=[ORPHAN], next_page_token="" if request.page_token else "more"
        )

    bench.services.answers["ListOrphans"] = page
    reply = bench.cell.ask("GET", "/api/cse/_orphans")
    assert (reply.status, reply.json) == (200, {"orphans": [SHOWN, SHOWN]})


@pytest.mark.parametrize(("body", "execute"), [({}, False), (None, False), ({"execute": True}, True)])
def test_reclaiming_changes_nothing_unless_it_is_asked_to(bench: Bench, body: object, execute: bool) -> None:
    message_id = str(uuid.uuid4())
    reply = bench.cell.ask("POST", "/api/cse/_orphans/reclaim", body=body, message_id=message_id)
    assert (reply.status, reply.json["id"], reply.json["kind"]) == (202, "op-1", "RECLAIM")
    (call,) = bench.services.called("Reclaim")
    assert call.request == system_service_pb2.ReclaimRequest(execute=execute, request_id=message_id)


def test_orphans_may_be_named(bench: Bench) -> None:
    bench.cell.ask("POST", "/api/cse/_orphans/reclaim", body={"orphans": ["vapp-1", "vm-2"]})
    (call,) = bench.services.called("Reclaim")
    assert list(call.request.names) == ["orphans/vapp-1", "orphans/vm-2"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "field"), [({"orphans": "vapp-1"}, "orphans"), ({"execute": "yes"}, "execute"), ([], "body")]
)
def test_a_wrong_body_is_refused_by_its_field(bench: Bench, body: object, field: str) -> None:
    reply = bench.cell.ask("POST", "/api/cse/_orphans/reclaim", body=body)
    assert (reply.status, reply.message["reason"].partition(":")[0]) == (400, field)
    assert not bench.services.called("Reclaim")


def test_refusals_name_fields_as_the_body_does(bench: Bench) -> None:
    bench.services.answers["Reclaim"] = raising(errors.InvalidArgumentError("names: no orphan", field="names"))
    reply = bench.cell.ask("POST", "/api/cse/_orphans/reclaim", body={"orphans": ["x"]})
    assert (reply.status, reply.message["reason"]) == (400, "orphans: no orphan")


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [("GET", "/api/cse/_orphans", "ListOrphans"), ("POST", "/api/cse/_orphans/reclaim", "Reclaim")],
)
def test_tenants_are_refused(bench: Bench, method: str, path: str, rpc: str) -> None:
    refusal = errors.PermissionDeniedError("log in as one", reason="SYSTEM_ADMINISTRATOR_REQUIRED")
    bench.services.answers[rpc] = raising(refusal)
    assert bench.cell.ask(method, path).status == 403


def test_what_became_of_orphans_is_the_operations_result(bench: Bench) -> None:
    operation = an_operation(kind="RECLAIM", state=4)
    operation.done = True
    result = orphan_pb2.ReclaimResult(
        orphan=ORPHAN, outcome=orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED, message="It was deleted."
    )
    operation.response.Pack(system_service_pb2.ReclaimResponse(results=[result]))
    bench.services.answers["GetOperation"] = lambda _: operation
    shown = bench.cell.ask("GET", "/api/cse/_operations/op-1").json
    assert shown["result"] == {"results": [{"outcome": "RECLAIMED", "message": "It was deleted.", "orphan": SHOWN}]}


def test_orphans_are_reclaimed_while_the_service_is_disabled(bench: Bench) -> None:
    bench.services.state = system_pb2.System.STATE_DISABLED
    bench.cell.wait_until(lambda: bench.cell.ask("GET", "/api/cse").status == 503, "a service that is closed")
    assert bench.cell.ask("GET", "/api/cse/_orphans").status == 200
    assert bench.cell.ask("POST", "/api/cse/_orphans/reclaim").status == 202
