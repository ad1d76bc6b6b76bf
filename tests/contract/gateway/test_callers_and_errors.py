"""Who calls travels with each request, and what goes wrong comes back in words that clients understand."""

import uuid
from typing import Any

import pytest
from lxml import etree

from cse_core import errors
from cse_testing.extension import TOKEN
from cse_testing.fake_services import raising
from cse_testing.gateway import Bench


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidArgumentError("name: no", field="name"), 400),
        (errors.PermissionDeniedError("not yours"), 403),
        (errors.NotFoundError("cluster 'demo' is not there", reason="CLUSTER_NOT_FOUND", cluster="demo"), 404),
        (errors.AlreadyExistsError("taken"), 409),
        (errors.ConflictError("busy"), 409),
        (errors.FailedPreconditionError("guest is down", reason="CONTROL_PLANE_UNREACHABLE"), 422),
        (errors.ExhaustedError("too much"), 429),
        (errors.NotSupportedError("not yet"), 501),
        (errors.UnavailableError("vCD does not answer"), 503),
    ],
)
def test_an_error_of_a_service_is_told_in_json(bench: Bench, error: errors.CseError, status: int) -> None:
    bench.services.answers["GetCluster"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse/demo/info")
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/json"
    assert set(reply.message) == {"reason", "description", "stacktrace"}
    assert reply.message["reason"] == error.message or error.message in reply.message["reason"]
    assert error.code in reply.message["description"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.UnauthenticatedError('the token "<x>" & so on is over; log in again'), 401, "NOT_AUTHENTICATED"),
        (errors.DeadlineError("vCD took too long"), 504, "GATEWAY_TIMEOUT"),
    ],
)
def test_old_clients_get_401_and_504_as_xml(bench: Bench, error: errors.CseError, status: int, code: str) -> None:
    bench.services.answers["ListTemplates"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse/template")
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/vnd.vmware.vcloud.error+xml;version=31.0"
    root = etree.fromstring(reply.content)
    assert root.tag == "{http://www.vmware.com/vcloud/v1.5}Error"
    assert (root.get("majorErrorCode"), root.get("minorErrorCode")) == (str(status), code)
    assert error.message in str(root.get("message"))


def test_clients_that_ask_for_json_get_401_as_json(bench: Bench) -> None:
    bench.services.answers["ListTemplates"] = raising(errors.UnauthenticatedError("log in again"))
    headers = {"Accept": "application/json;version=33.0"}
    reply = bench.cell.ask("GET", "/api/cse/template", headers=headers)
    assert (reply.status, reply.message["reason"]) == (401, "Unauthorized: log in again")


def test_what_a_service_does_not_know_yet_is_501(bench: Bench) -> None:
    def not_there(_request: object) -> Any:
        raise errors.NotSupportedError("not in this version")

    bench.services.answers["GetOperation"] = not_there
    assert bench.cell.ask("GET", "/api/cse/_operations/op-1").status == 501


def test_a_crash_of_a_service_shows_nothing_of_its_inside(bench: Bench) -> None:
    def crash(_request: object) -> Any:
        raise RuntimeError("secret inside")

    bench.services.answers["ListClusters"] = crash
    reply = bench.cell.ask("GET", "/api/cse")
    assert reply.status == 500
    assert b"secret" not in reply.content


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"x-vcloud-authorization": TOKEN}, {"x-vcloud-authorization": TOKEN}),
        ({"X-Vcloud-Authorization": TOKEN, "Accept": "*/*;version=27.0"}, {"x-vcloud-authorization": TOKEN}),
        ({"AUTHORIZATION": "bearer a.b.c"}, {"authorization": "Bearer a.b.c"}),
        ({"Authorization": "Bearer a.b.c", "x-vcloud-authorization": TOKEN}, {"authorization": "Bearer a.b.c"}),
        ({"Authorization": "Basic YTpi", "x-vcloud-authorization": TOKEN}, {"x-vcloud-authorization": TOKEN}),
        ({}, {}),
    ],
)
def test_the_callers_token_travels_beside_the_call(bench: Bench, headers: dict[str, str], sent: dict[str, str]) -> None:
    bench.cell.ask("GET", "/api/cse/template", headers=headers)
    (call,) = bench.services.called("ListTemplates")
    tokens = {key: call.metadata[key] for key in ("authorization", "x-vcloud-authorization") if key in call.metadata}
    assert tokens == sent
    assert call.metadata.get("x-vcloud-api-version") == ("27.0" if "Accept" in headers else None)


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer a\nb: c"}, {"authorization": "Basic YTpi"}, {"x-vcloud-authorization": "a b"}]
)
def test_what_cannot_be_a_token_goes_nowhere(bench: Bench, headers: dict[str, str]) -> None:
    reply = bench.cell.ask("GET", "/api/cse/template", headers={**headers, "Accept": "application/json"})
    assert (reply.status, reply.message["reason"]) == (401, "Unauthorized: the vCD token is malformed; log in again")
    assert not bench.services.calls


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("application/*+json;version=32.0, application/json;version=33.0", "32.0"),
        ("application/json; version=33.0", "33.0"),
        ("*;version=31.0", "31.0"),
        ("text/x-yaml;version=1234567.8", None),
        ("application/json", None),
    ],
)
def test_the_first_api_version_in_accept_counts(bench: Bench, accept: str, version: str | None) -> None:
    bench.cell.ask("GET", "/api/cse/template", headers={"accept": accept, "x-vcloud-authorization": TOKEN})
    (call,) = bench.services.called("ListTemplates")
    assert call.metadata.get("x-vcloud-api-version") == version


def test_a_message_id_that_is_no_uuid_always_gives_the_same_request_id(bench: Bench) -> None:
    for _ in range(2):
        bench.cell.ask("DELETE", "/api/cse/demo", message_id="request-1")
    first, again = bench.services.called("DeleteCluster")
    assert str(uuid.UUID(first.metadata["x-request-id"])) == first.request.request_id  # type: ignore[attr-defined]
    assert first.request == again.request
