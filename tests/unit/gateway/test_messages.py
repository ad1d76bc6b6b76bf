import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_gateway.domain.http import Reply
from cse_gateway.entrypoints.amqp.messages import (
    MAX_BODY_BYTES,
    Envelope,
    MalformedMessageError,
    encode_reply,
    envelope_of,
    parse_request,
)

ENVELOPE = Envelope(exchange="x", routing_key="r", correlation_id="c", reply_by=None, message_type="ProcessHttpRequest")
MESSAGE: dict[str, Any] = {"id": "1", "method": "get", "requestUri": "/api/cse", "headers": {}, "body": ""}


def parse(**changes: object) -> Any:
    return parse_request(ENVELOPE, json.dumps([{**MESSAGE, **changes}, {}]).encode())


def properties(**values: object) -> Any:
    return SimpleNamespace(**{"headers": None, "reply_to": None, "correlation_id": None, **values})


def test_a_request_is_read() -> None:
    request = parse(
        method="post",
        requestUri="/api/cse/d%65mo/info/",
        queryString="org=a%20b&org=c&x",
        headers={"ACCEPT": "application/json"},
        body=base64.b64encode(b"\x00\xff").decode(),
    )
    assert (request.method, request.path) == ("POST", ("cse", "demo", "info"))
    assert request.query == {"org": "a b", "x": ""}
    assert request.headers["Accept"] == "application/json"
    assert request.body == b"\x00\xff"


def test_base64_with_line_breaks_is_read() -> None:
    assert parse(body="YWJj\r\nZGVm\n").body == b"abcdef"


def test_an_encoded_slash_stays_in_its_segment() -> None:
    assert parse(requestUri="/api/cse/a%2Fb/info").path == ("cse", "a/b", "info")


def test_a_query_in_the_path_is_taken_for_one() -> None:
    assert parse(requestUri="/api/cse?org=acme").query == {"org": "acme"}


def test_the_largest_body_is_taken_and_the_next_one_is_not() -> None:
    assert len(parse(body=base64.b64encode(b"x" * MAX_BODY_BYTES).decode()).body) == MAX_BODY_BYTES
    with pytest.raises(MalformedMessageError) as caught:
        parse(body=base64.b64encode(b"x" * (MAX_BODY_BYTES + 1)).decode())
    assert (caught.value.request_id, caught.value.error is not None) == ("1", True)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(content: bytes) -> None:
    try:
        parse_request(ENVELOPE, content)
    except MalformedMessageError as error:
        assert error.why  # noqa: PT017  # either outcome is right


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4
) | st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3)


@given(st.dictionaries(st.sampled_from([*MESSAGE, "queryString"]), _VALUES))
def test_any_values_are_a_request_or_malformed(changes: dict[str, object]) -> None:
    content = json.dumps([{**MESSAGE, **changes}]).encode()
    try:
        request = parse_request(ENVELOPE, content)
    except MalformedMessageError as error:
        assert error.why  # noqa: PT017
    else:
        assert request.id
        assert all(isinstance(part, str) for part in request.path)


@given(st.binary(max_size=200), st.integers(100, 599))
def test_a_reply_carries_its_bytes_and_their_number(body: bytes, status: int) -> None:
    reply = json.loads(encode_reply("id-1", Reply(status=status, body=body, headers={"Allow": "GET"})))
    assert base64.b64decode(reply["body"]) == body
    assert reply["headers"] == {"Allow": "GET", "Content-Type": "application/json", "Content-Length": len(body)}
    assert (reply["id"], reply["statusCode"], reply["request"]) == ("id-1", status, False)


def test_properties_are_read() -> None:
    headers = {"replyToExchange": "vcd.replyExchange", "replyByTimestamp": 1570007740250, "messageType": "X"}
    envelope = envelope_of(properties(headers=headers, reply_to="q", correlation_id="c"))
    assert envelope == Envelope(
        exchange="vcd.replyExchange", routing_key="q", correlation_id="c", reply_by=1570007740.25, message_type="X"
    )


def test_absent_properties_have_defaults() -> None:
    assert envelope_of(properties()) == Envelope(
        exchange="", routing_key="", correlation_id=None, reply_by=None, message_type="ProcessHttpRequest"
    )


@given(st.dictionaries(st.sampled_from(["replyToExchange", "replyByTimestamp", "messageType"]), _VALUES))
def test_any_headers_are_read_leniently(headers: dict[str, object]) -> None:
    envelope = envelope_of(properties(headers=headers, reply_to=b"\xff"))
    assert isinstance(envelope.exchange, str)
    assert envelope.routing_key == ""
    assert envelope.reply_by is None or isinstance(envelope.reply_by, float)
