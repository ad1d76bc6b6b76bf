"""Whatever arrives, it is answered or dead-lettered, logged once without secrets, and the next request works."""

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cse_testing.extension import Cell, request_message
from cse_testing.gateway import Bench

MEGABYTE = 1 << 20


def message_without(*keys: str) -> list[Any]:
    message = request_message()
    for key in keys:
        del message[0][key]
    return message


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


DEAD_LETTERED: list[tuple[str, bytes]] = [
    ("not JSON", b"hello"),
    ("empty", b""),
    ("not UTF-8", b'[{"id": "\xff\xfe"}]'),
    ("half a surrogate pair", b'[{"id": "x", "method": "\\ud800"}]'),
    ("NaN", b'[{"id": "x", "statusCode": NaN}]'),
    ("nested too deeply", deep(100_000)),
    ("a number of 100,000 digits", b"[" + b"1" * 100_000 + b"]"),
    ("an object without id", b"{}"),
    ("a number", b"5"),
    ("null", b"null"),
    ("an empty array", b"[]"),
    ("an array of arrays", b"[[]]"),
    ("no id", json.dumps(message_without("id")).encode()),
    ("an id that is no text", json.dumps(request_message(id=5)).encode()),
    ("an id of a megabyte", json.dumps(request_message(id="x" * MEGABYTE)).encode()),
    ("an id with a line break", json.dumps(request_message(id="x\ny")).encode()),
    ("too long, and its id is not at the beginning", json.dumps([{"body": "x" * (3 * MEGABYTE), "id": "x"}]).encode()),
    ("longer than the limit", b" " * (3 * MEGABYTE)),
]

ANSWERED: list[tuple[str, object, int]] = [
    ("an object instead of an array", request_message()[0], 400),
    ("an array of one", request_message()[:1], 200),
    ("an array of three", [*request_message(), {"more": 1}], 200),
    ("a second element that is no object", [request_message()[0], None], 200),
    ("unknown keys", request_message(formData={"a": ["b"]}, formDataEncoding="x"), 200),
    ("no method", message_without("method"), 400),
    ("a method that is none", request_message("GET /x HTTP/1.1"), 400),
    ("no path", message_without("requestUri"), 400),
    ("a path that is a number", request_message(requestUri=7), 400),
    ("a path of another service", request_message(path="/etc/passwd"), 400),
    ("a path that is not UTF-8", request_message(path="/api/cse/%ff/info"), 400),
    ("a path with an encoded slash", request_message(path="/api/cse/..%2F..%2Fetc/info"), 400),
    ("an endless path", request_message(path="/api/cse" + "/x" * 100_000), 400),
    ("an unknown path", request_message(path="/api/cse/a/b/c/d"), 404),
    ("no headers", message_without("headers"), 200),
    ("headers that are null", [{**request_message()[0], "headers": None}], 200),
    ("headers that are a list", [{**request_message()[0], "headers": []}], 400),
    ("headers of all types", request_message(headers={"accept": None, "X": [1], "Content-Length": 5, "Y": {}}), 200),
    ("accept in lower case", request_message(headers={"accept": "application/*+json;version=31.0"}), 200),
    ("a token with a line break", request_message(headers={"x-vcloud-authorization": "a\r\nb"}), 401),
    ("a body that is null", [{**request_message()[0], "body": None}], 200),
    ("no body", message_without("body"), 200),
    ("a body that is a number", [{**request_message()[0], "body": 5}], 400),
    ("a body that is not base64", [{**request_message()[0], "body": "???"}], 400),
    ("a body of 10 MB", request_message("POST", "/api/cse", body=b"x" * (10 * MEGABYTE)), 413),
    ("a body just above the limit", request_message("POST", "/api/cse", body=b" " * (MEGABYTE + 1)), 413),
    ("a body that is not JSON", request_message("POST", "/api/cse", body=b"{"), 400),
    ("a body that is a list", request_message("POST", "/api/cse", body=[1]), 400),
    ("a body nested too deeply", request_message("POST", "/api/cse", body=deep(100_000)), 400),
    ("a body with half a character", request_message("POST", "/api/cse", body=b'{"name": "\\udfff"}'), 400),
    ("a query that is a number", request_message(queryString=5), 400),
    ("a query of 10,000 parameters", request_message(queryString="a&" * 4000), 400),
    ("a query that is not UTF-8", request_message("GET", "/api/cse", queryString="org=%ff"), 400),
    ("a name with a control character", request_message("GET", "/api/cse", queryString="org=%00"), 400),
]


@pytest.mark.parametrize(("name", "content"), DEAD_LETTERED, ids=[name for name, _ in DEAD_LETTERED])
def test_what_cannot_be_answered_is_dead_lettered(bench: Bench, name: str, content: bytes) -> None:
    bench.cell.send(content)
    properties, kept = bench.cell.take_dead_letter()
    assert properties.headers["x-cse-reason"]
    assert properties.headers["x-cse-bytes"] == len(content)
    assert content.startswith(kept)
    assert len(kept) <= 64 << 10
    assert_next_request_works(bench.cell)


@pytest.mark.parametrize(("name", "message", "status"), ANSWERED, ids=[name for name, _, _ in ANSWERED])
def test_what_can_be_answered_is(bench: Bench, name: str, message: object, status: int) -> None:
    reply = bench.cell.reply_to(bench.cell.send(message))
    assert reply.status == status
    if status == 401:
        assert b"<Error " in reply.content
    elif status >= 400:
        assert reply.message["reason"]
    assert_next_request_works(bench.cell)


def test_without_headers_the_reply_goes_straight_to_the_queue(bench: Bench) -> None:
    properties = pika.BasicProperties(reply_to=bench.cell.reply_queue)
    assert bench.cell.reply_to(bench.cell.send(request_message(), properties=properties)).status == 200


def test_without_any_properties_there_is_nobody_to_answer(bench: Bench) -> None:
    bench.cell.send(request_message("POST", "/api/cse"), properties=pika.BasicProperties())
    properties, _ = bench.cell.take_dead_letter()
    assert "reply_to" in properties.headers["x-cse-reason"]
    assert not bench.services.calls
    assert_next_request_works(bench.cell)


def test_a_reply_exchange_that_does_not_exist_hurts_no_other_reply(bench: Bench) -> None:
    cell = bench.cell
    good = [cell.send(request_message()) for _ in range(20)]
    cell.send(request_message(), properties=cell.properties(replyToExchange="nowhere"))
    good += [cell.send(request_message()) for _ in range(20)]
    assert [cell.reply_to(one).status for one in good] == [200] * 40
    properties, _ = cell.take_dead_letter()
    assert "nowhere" in properties.headers["x-cse-reason"]


def test_ever_new_reply_exchanges_exhaust_nothing(bench: Bench) -> None:
    cell = bench.cell
    for number in range(100):
        cell.send(request_message(), properties=cell.properties(replyToExchange=f"nowhere-{number}"))
    for _ in range(100):
        cell.take_dead_letter()
    assert_next_request_works(cell)


def test_a_message_of_another_type_is_dead_lettered(bench: Bench) -> None:
    bench.cell.send(request_message(), properties=bench.cell.properties(messageType="ProcessHttpResponse"))
    bench.cell.take_dead_letter()
    assert_next_request_works(bench.cell)


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x01xT\xff\xff\xff\xff\xff\xff\xff\xff",  # a date far away
        b"\x01xT\x00\x00\xff\xff\xff\xff\xff\xff",
    ],
)
def test_properties_that_cannot_be_decoded_do_not_end_the_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, encoded: bytes
) -> None:
    connections = bench.gateway.counters.connections
    send_with_raw_headers(bench.cell, encoded, monkeypatch)
    properties, _ = bench.cell.take_dead_letter()
    assert "properties" in properties.headers["x-cse-reason"]
    assert_next_request_works(bench.cell)
    assert bench.gateway.counters.connections == connections


def test_headers_nested_without_end_do_not_end_the_connection(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = bench.gateway.counters.connections
    encoded = b""
    for _ in range(5000):
        encoded = b"\x01xF" + len(encoded).to_bytes(4, "big") + encoded
    send_with_raw_headers(bench.cell, encoded, monkeypatch)
    bench.cell.take_dead_letter()
    assert_next_request_works(bench.cell)
    assert bench.gateway.counters.connections == connections


@pytest.mark.parametrize("value", [None, "soon", b"\xff", True, [1], {"x": 1}, datetime(2999, 1, 1, tzinfo=UTC), 2**62])
def test_a_timestamp_that_makes_no_sense_counts_as_absent(bench: Bench, value: object) -> None:
    properties = bench.cell.properties(replyByTimestamp=value)
    assert bench.cell.reply_to(bench.cell.send(request_message(), properties=properties)).status == 200


def test_a_message_is_logged_once_and_without_its_secrets(bench: Bench) -> None:
    canary = "canary5f3a"
    messages: list[object] = [
        f'[{{"id": 5, "headers": {{"x-vcloud-authorization": "{canary}"}}'.encode(),
        request_message(headers={"x-vcloud-authorization": canary, "Authorization": f"Bearer {canary}"}),
        request_message("POST", "/api/cse", headers={"Cookie": f"vcloud_jwt={canary}"}, body={"ssh_key": [canary]}),
        [{**request_message()[0], "body": "?", "headers": {"x-vcloud-authorization": canary}}],
    ]
    for message in messages:
        with structlog.testing.capture_logs() as lines:
            correlation_id = bench.cell.send(message)
            if isinstance(message, bytes):
                bench.cell.take_dead_letter()
            else:
                bench.cell.reply_to(correlation_id)
        ours = [line for line in lines if line["event"] in _OUTCOMES]
        assert len(ours) == 1
        assert canary not in repr(lines)


_OUTCOMES = {"request_answered", "malformed_request", "message_dead_lettered"}

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
_KEYS = ["id", "method", "requestUri", "queryString", "headers", "body"]
_DAMAGED = st.builds(
    lambda changes, dropped, rest: [
        {key: value for key, value in {**request_message()[0], **changes}.items() if key not in dropped},
        *rest,
    ],
    st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=3),
    st.sets(st.sampled_from(_KEYS), max_size=2),
    st.lists(_JSON, max_size=3),
).map(lambda message: json.dumps(message).encode())
_ODD_PATHS = st.text(max_size=40).map(lambda text: json.dumps(request_message(path="/api/cse/" + text)).encode())
_ODD_BODIES = st.binary(max_size=60).map(
    lambda body: json.dumps(request_message("POST", "/api/cse", body=body)).encode()
)
_ODD_FIELDS = st.dictionaries(
    st.sampled_from(["name", "vdc", "network", "node_count", "cpu", "enable_nfs", "ssh_key"]), _JSON, max_size=4
).map(lambda body: json.dumps(request_message("POST", "/api/cse", body=json.dumps(body).encode())).encode())
_HEADERS = st.dictionaries(
    st.sampled_from(["messageType", "replyToExchange", "replyByTimestamp", "x"]),
    st.none()
    | st.text(max_size=20)
    | st.binary(max_size=8)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants it so
    | st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=2),
    max_size=3,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=st.binary(max_size=200) | _DAMAGED | _ODD_PATHS | _ODD_BODIES | _ODD_FIELDS,
    headers=st.none() | _HEADERS,
    answerable=st.booleans(),
)
def test_no_message_whatever_silences_the_gateway(
    bench: Bench, content: bytes, headers: dict[str, Any] | None, answerable: bool
) -> None:
    counters = bench.gateway.counters
    before = (counters.dead_lettered, counters.late, sum(counters.replies.values()))
    properties = pika.BasicProperties(reply_to=bench.cell.reply_queue if answerable else None)
    if headers is not None:
        properties.headers = {"replyToExchange": bench.cell.reply_exchange, **headers}
    connections = counters.connections
    bench.cell.send(content, properties=properties)

    def settled() -> bool:
        return (counters.dead_lettered, counters.late, sum(counters.replies.values())) != before

    bench.cell.wait_until(settled, "an answer, a dead letter, or a word that it was late", seen=lambda: counters)
    assert_next_request_works(bench.cell)
    assert counters.connections == connections


def assert_next_request_works(cell: Cell) -> None:
    assert cell.ask().status == 200
    assert cell.ask("POST", "/api/cse", body={"name": "x"}).status == 400


def send_with_raw_headers(cell: Cell, encoded: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends a message whose header table is these bytes, which pika itself would not write."""

    encode_as_ever, sender = pika.data.encode_table, threading.get_ident()

    def encode_table(pieces: list[bytes], table: Any) -> int:
        if threading.get_ident() != sender:  # the gateway works in this process too
            return int(encode_as_ever(pieces, table))
        pieces.append(len(encoded).to_bytes(4, "big"))
        pieces.append(encoded)
        return 4 + len(encoded)

    with monkeypatch.context() as patch:
        patch.setattr(pika.data, "encode_table", encode_table)
        properties = pika.BasicProperties(reply_to=cell.reply_queue, headers={"x": 1})
        cell.send(request_message(), properties=properties)
