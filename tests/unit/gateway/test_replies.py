import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cse_core import errors
from cse_gateway.domain.http import Headers, Request
from cse_gateway.domain.replies import HttpError, error_reply, json_reply


def a_request(accept: str = "application/*+json;version=31.0") -> Request:
    return Request(id="r-1", method="GET", path=("cse",), headers=Headers({"Accept": accept}))


@given(st.text())
def test_any_message_makes_well_formed_xml(message: str) -> None:
    reply = error_reply(errors.DeadlineError(message), a_request())
    assert etree.fromstring(reply.body).get("majorErrorCode") == "504"


@given(st.text())
def test_any_message_makes_valid_json(message: str) -> None:
    reply = error_reply(errors.NotFoundError(message), a_request())
    shown = json.loads(reply.body)["message"]
    assert isinstance(shown if isinstance(shown, str) else shown["reason"], str)


def test_an_error_names_its_reason_and_the_request() -> None:
    reply = error_reply(errors.NotFoundError("no such cluster", reason="CLUSTER_NOT_FOUND"), a_request())
    assert reply.status == 404
    assert json.loads(reply.body) == {
        "message": {
            "reason": "no such cluster",
            "description": "CLUSTER_NOT_FOUND (request r-1)",
            "stacktrace": [],
        }
    }


def test_what_is_no_error_of_ours_is_500() -> None:
    assert error_reply(errors.InternalError("oops"), a_request()).status == 500


def test_a_status_of_http_alone_keeps_its_headers() -> None:
    reply = error_reply(HttpError(405, "no", reason="METHOD_NOT_ALLOWED", headers={"Allow": "GET"}), a_request())
    assert (reply.status, dict(reply.headers)) == (405, {"Allow": "GET"})


@pytest.mark.parametrize(
    ("accept", "is_xml"),
    [
        ("application/*+json;version=31.0", True),
        ("*/*;version=31.0", True),
        ("text/x-yaml;version=31.0", True),
        ("application/json", False),
        ("application/*+json;version=32.0, Application/JSON;version=32.0", False),
    ],
)
def test_only_who_asks_for_json_gets_401_as_json(accept: str, is_xml: bool) -> None:
    reply = error_reply(errors.UnauthenticatedError("log in"), a_request(accept))
    assert reply.body.startswith(b"<?xml") is is_xml


def test_json_stays_readable_beyond_ascii() -> None:
    assert json_reply(200, "Größe").body == '"Größe"'.encode()
