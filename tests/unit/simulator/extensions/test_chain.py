"""Several services for one request, and services that look at vCD's own responses."""

import json
from collections.abc import Callable

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.extensions.cell import Destination
from vcd_simulator.extensions.errors import ExtensionTimeoutError
from vcd_simulator.extensions.gateway import ExtensionGateway
from vcd_simulator.extensions.messages import (
    ForwardedReply,
    ForwardedRequest,
    ForwardingOptions,
    PassedOn,
    decode_reply,
    encode_request,
)
from vcd_simulator.extensions.registry import ExtensionRegistry, FilterSpec, ServiceSpec

VAPP = "application/vnd.vmware.vcloud.vApp+xml"
SESSION = "application/vnd.vmware.vcloud.session+xml"
Answer = Callable[[ForwardedRequest], ForwardedReply]


def answered(body: bytes) -> Answer:
    return lambda _request: ForwardedReply(status=200, headers=(("content-type", "text/plain"),), body=body)


def passed_on(path: str | None = None, body: bytes | None = None) -> Answer:
    def answer(request: ForwardedRequest) -> ForwardedReply:
        change = PassedOn(method=None, path=path, query=None)
        return ForwardedReply(status=0, headers=(), body=request.body if body is None else body, passed_on=change)

    return answer


class Site:
    """Services by name, each with what it does."""

    def __init__(self, lab: LabCloud) -> None:
        self.registry = ExtensionRegistry(lab.cloud)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, ForwardedRequest]] = []
        self.alice = RestCaller(lab).login("alice", "acme")
        self.alice.app.extensions = ExtensionGateway(self.registry, self)

    def add(
        self, name: str, priority: int, answer: Answer, *, url: str | None = None, media: str | None = None
    ) -> None:
        spec = FilterSpec(url_pattern=url, response_content_type=media)
        self.registry.register(
            ServiceSpec(name=name, namespace=name, exchange="x", routing_key=name, priority=priority, filters=(spec,))
        )
        self.answers[name] = answer

    async def forward_async(self, service: Destination, request: ForwardedRequest) -> ForwardedReply:
        self.asked.append((service.name, request))
        return self.answers[service.name](request)


@pytest.fixture
def site(lab: LabCloud) -> Site:
    return Site(lab)


def test_the_highest_priority_answers_and_nobody_else_is_asked(site: Site) -> None:
    site.add("low", 10, answered(b"low"), url="/api/x")
    site.add("high", 90, answered(b"high"), url="/api/x")
    assert site.alice.get("/api/x").body == b"high"
    assert [name for name, _ in site.asked] == ["high"]


def test_a_request_that_is_passed_on_reaches_the_next_one_as_it_was_left(site: Site) -> None:
    site.add("high", 90, passed_on("/api/y", b"changed"), url="/api/x")
    site.add("low", 10, answered(b"low"), url="/api/x")
    assert site.alice.call("POST", "/api/x?a=b", "sent").body == b"low"
    (_, first), (_, second) = site.asked
    assert (first.path, first.body, first.query) == ("/api/x", b"sent", "a=b")
    assert (second.path, second.body, second.query) == ("/api/y", b"changed", "a=b")


def test_a_request_that_everybody_passes_on_is_vclouds_own(site: Site) -> None:
    site.add("audit", 50, passed_on(), url="/api/session")
    site.add("moving", 50, passed_on("/api/org"), url="/api/elsewhere")
    site.add("nowhere", 50, passed_on(), url="/api/nothing")
    assert site.alice.get("/api/session").xml.get("user") == "alice"
    assert site.alice.get("/api/elsewhere").xml.tag.endswith("OrgList")
    assert site.alice.get("/api/nothing").status == 404


def test_a_service_sees_and_changes_responses_of_the_type_that_it_asked_for(site: Site) -> None:
    site.add("second", 10, lambda request: shown(request, b"-2"), media=SESSION)
    site.add("first", 90, lambda request: shown(request, b"-1"), media=f"{SESSION}; version=31.0")
    answer = site.alice.get("/api/session")
    assert answer.body.endswith(b"-1-2")
    assert answer.headers["content-type"] == f"{SESSION};version=31.0"
    (_, request), _ = site.asked
    assert (request.message_type, request.path, request.method) == ("ProcessHttpResponse", "/api/session", "GET")
    site.asked.clear()
    assert site.alice.get("/api/org").status == 200
    assert site.alice.get("/api/session", accept="application/*+json;version=31.0").status == 200
    assert site.asked == [], "other types are nobody's business"


def shown(request: ForwardedRequest, suffix: bytes) -> ForwardedReply:
    assert request.response is not None
    kind = (("content-type", dict(request.response.headers)["content-type"]),)
    return ForwardedReply(status=request.response.status, headers=kind, body=request.response.body + suffix)


def test_a_response_that_does_not_come_back_is_a_time_out(site: Site) -> None:
    def silent(_request: ForwardedRequest) -> ForwardedReply:
        raise ExtensionTimeoutError("audit", 10)

    site.add("audit", 50, silent, media=SESSION)
    assert site.alice.get("/api/session").status == 504
    for service in list(site.registry.services):
        service.enabled = False
    assert site.alice.get("/api/session").status == 200


def test_a_message_about_a_response_carries_it_instead_of_the_request(site: Site) -> None:
    site.add("audit", 50, lambda request: shown(request, b""), media=SESSION)
    site.alice.get("/api/session")
    ((_, request),) = site.asked
    message, context = json.loads(encode_request(request, "m-1", ForwardingOptions()))
    assert (message["statusCode"], message["request"], message["method"]) == (200, False, "GET")
    assert message["headers"]["content-type"] == f"{SESSION};version=31.0"
    assert message["body"]
    assert context["user"].startswith("urn:vcloud:user:")


@pytest.mark.parametrize(
    ("reply", "goes_on"),
    [
        ({"request": True, "statusCode": 0, "requestUri": "/api/y", "method": "PUT"}, True),
        ({"request": True}, True),
        ({"request": True, "statusCode": 200}, False),
        ({"request": False, "statusCode": 200}, False),
        ({"statusCode": 200}, False),
    ],
)
def test_only_a_request_without_a_status_goes_on(reply: dict[str, object], goes_on: bool) -> None:
    _, decoded = decode_reply(json.dumps({"id": "m-1", "headers": {}, "body": ""} | reply).encode())
    assert (decoded.passed_on is not None) is goes_on
