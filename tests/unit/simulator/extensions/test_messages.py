import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcd_simulator.extensions.errors import MalformedReplyError
from vcd_simulator.extensions.messages import (
    Address,
    Caller,
    ForwardedRequest,
    ForwardingOptions,
    decode_reply,
    encode_request,
)


def a_request(**changes: Any) -> ForwardedRequest:
    values: dict[str, Any] = {
        "method": "post",
        "path": "/api/cse/a%20b",
        "query": "org=acme&vdc=a%26b",
        "headers": (("Accept", "application/*+json;version=31.0"), ("Content-Type", "application/json")),
        "body": b'{"name": "c1"}',
        "remote": Address(host="198.51.100.23", port=40600),
        "local": Address(host="192.0.2.10", port=443),
        "caller": Caller(
            user_id="urn:vcloud:user:u1",
            org_id="urn:vcloud:org:o1",
            right_ids=("urn:vcloud:right:r1",),
            session_id="9f2c4b7e",
        ),
    }
    return ForwardedRequest(**(values | changes))


def encoded(request: ForwardedRequest | None = None, **options: Any) -> list[Any]:
    elements: list[Any] = json.loads(encode_request(request or a_request(), "id-1", ForwardingOptions(**options)))
    return elements


def test_a_message_is_an_array_of_the_request_and_its_security_context() -> None:
    assert encoded() == [
        {
            "id": "id-1",
            "method": "POST",
            "requestUri": "/api/cse/a%20b",
            "queryString": "org=acme&vdc=a%26b",
            "protocol": "HTTP/1.1",
            "scheme": "https",
            "remoteAddr": "198.51.100.23",
            "remotePort": 40600,
            "localAddr": "192.0.2.10",
            "localPort": 443,
            "headers": {
                "Accept": "application/*+json;version=31.0",
                "Content-Type": "application/json",
                "x-vcloud-authorization": "9f2c4b7e",
            },
            "body": base64.b64encode(b'{"name": "c1"}').decode(),
            "statusCode": 0,
            "request": True,
        },
        {"user": "urn:vcloud:user:u1", "org": "urn:vcloud:org:o1", "rights": ["urn:vcloud:right:r1"]},
    ]


def test_what_is_absent_is_null_or_empty() -> None:
    message = encoded(a_request(query=None, body=b""))[0]
    assert (message["queryString"], message["body"]) == (None, "")


def test_the_body_of_a_request_without_one_can_be_null_or_omitted() -> None:
    assert encoded(a_request(body=b""), empty_body="null")[0]["body"] is None
    assert "body" not in encoded(a_request(body=b""), empty_body="omitted")[0]
    assert encoded(empty_body="omitted")[0]["body"]


def test_rights_can_be_null_and_more_keys_and_elements_can_come() -> None:
    elements = encoded(null_rights=True, third_element=True, unknown_keys={"formData": None})
    assert elements[0]["formData"] is None
    assert elements[1]["rights"] is None
    assert elements[2:] == [{}]


@pytest.mark.parametrize(
    ("casing", "names"),
    [
        ("sent", ["X-VCloud-authorization", "accept", "User-Agent"]),
        ("lower", ["x-vcloud-authorization", "accept", "user-agent"]),
        ("go", ["X-Vcloud-Authorization", "Accept", "User-Agent"]),
    ],
)
def test_header_names_come_in_the_casing_asked_for(casing: str, names: list[str]) -> None:
    headers = (("X-VCloud-authorization", "own"), ("accept", "*/*"), ("User-Agent", "t"))
    assert encoded(a_request(headers=headers), header_casing=casing)[0]["headers"] == dict(
        zip(names, ["own", "*/*", "t"], strict=True)
    )


def test_headers_on_several_lines_are_joined_under_the_first_spelling() -> None:
    headers = (("X-A", "1"), ("Cookie", "a=1"), ("x-a", "2"), ("cookie", "b=2"))
    sent = encoded(a_request(headers=headers))[0]["headers"]
    assert sent == {"X-A": "1, 2", "Cookie": "a=1; b=2", "x-vcloud-authorization": "9f2c4b7e"}


def test_a_jwt_stays_and_the_session_id_joins_it() -> None:
    sent = encoded(a_request(headers=(("Authorization", "Bearer j.w.t"),)))[0]["headers"]
    assert sent == {"Authorization": "Bearer j.w.t", "x-vcloud-authorization": "9f2c4b7e"}


@given(st.binary(), st.text(st.characters(min_codepoint=32, max_codepoint=255)))
def test_any_body_and_any_header_survive(body: bytes, value: str) -> None:
    message = encoded(a_request(body=body, headers=(("X-Any", value),)))[0]
    assert base64.b64decode(message["body"]) == body
    assert message["headers"]["X-Any"] == value


def reply(**changes: Any) -> bytes:
    values = {"id": "id-1", "headers": {}, "statusCode": 200, "body": ""}
    return json.dumps({key: value for key, value in (values | changes).items() if value != "omitted"}).encode()


def test_a_reply_gives_status_headers_and_body() -> None:
    body = base64.b64encode(b"\x00\xff").decode()
    message_id, answer = decode_reply(
        reply(statusCode=202, headers={"Content-Type": "text/plain", "X-Count": 7}, body=body, request=False)
    )
    assert message_id == "id-1"
    assert (answer.status, answer.body) == (202, b"\x00\xff")
    assert answer.headers == (("Content-Type", "text/plain"), ("X-Count", "7"))


def test_a_reply_may_write_its_status_as_text_and_leave_out_headers_and_body() -> None:
    answer = decode_reply(reply(statusCode="403", headers="omitted", body="omitted"))[1]
    assert (answer.status, answer.headers, answer.body) == (403, (), b"")


def test_a_service_cannot_set_sessions_cookies_or_framing() -> None:
    names = ["Set-Cookie", "X-VCLOUD-Authorization", "authorization", "Content-Length", "Transfer-Encoding", "Vary"]
    answer = decode_reply(reply(headers=dict.fromkeys(names, "1") | {"Location": "/api/task/1"}))[1]
    assert answer.headers == (("Location", "/api/task/1"),)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "omitted"},
        {"id": 7},
        {"statusCode": "omitted"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": 200.5},
        {"statusCode": "2O0"},
        {"statusCode": "9" * 5000},
        {"headers": []},
        {"headers": {"X": ["a"]}},
        {"headers": {"X": "a\r\nSet-Cookie: b"}},
        {"headers": {"X\r\nY": "a"}},
        {"headers": {"X": "\N{SNOWMAN}"}},
        {"body": 7},
        {"body": "no base64!"},
        {"body": "YWJ"},
    ],
    ids=str,
)
def test_a_reply_that_cannot_become_http_is_malformed(bad: dict[str, Any]) -> None:
    with pytest.raises(MalformedReplyError):
        decode_reply(reply(**bad))


_ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)


@given(st.binary() | _ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_arrives_is_a_reply_or_malformed(body: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        decode_reply(body)
