"""The messages that vCD and an extension service exchange. What arrives may be anything, and must do no harm."""

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from cse_core.errors import CseError, InvalidArgumentError
from cse_gateway.domain.body import parse_json
from cse_gateway.domain.http import Headers, Reply, Request
from cse_gateway.domain.replies import HttpError

MAX_BODY_BYTES: Final = 1 << 20
"""The longest HTTP body, decoded."""
MAX_MESSAGE_BYTES: Final = 2 << 20
"""Longer messages are not parsed, which could take seconds and a gigabyte."""

_MAX_URI: Final = 8192
_MAX_PARAMETERS: Final = 100
_REQUEST: Final = "ProcessHttpRequest"
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_ID_AT_THE_BEGINNING: Final = re.compile(rb'\s*\[\s*\{\s*"id"\s*:\s*"([A-Za-z0-9._:-]{1,128})"')
_METHOD: Final = re.compile(r"[A-Za-z]{1,16}")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What of a message's AMQP properties matters: where the reply goes, and until when."""

    exchange: str
    """Empty: the broker's default exchange, which delivers to the queue that the routing key names."""
    routing_key: str
    """Empty: nobody waits for a reply."""
    correlation_id: str | bytes | None
    """As it came: it only goes back."""
    reply_by: float | None
    """Seconds since the epoch by vCD's clock; None if it did not say."""
    message_type: str


class MalformedMessageError(Exception):
    """A message that is no request. If its id could be made out, `error` is what to answer."""

    def __init__(self, why: str, *, request_id: str = "", error: CseError | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.request_id = request_id
        self.error = error


def envelope_of(properties: Any) -> Envelope:
    """Reads a message's properties (as pika gives them), leniently: what makes no sense counts as absent."""
    headers = properties.headers if isinstance(properties.headers, dict) else {}
    exchange = headers.get("replyToExchange")
    message_type = headers.get("messageType")
    return Envelope(
        exchange=exchange if isinstance(exchange, str) and len(exchange.encode(errors="replace")) < 256 else "",
        routing_key=properties.reply_to if isinstance(properties.reply_to, str) else "",
        correlation_id=properties.correlation_id,
        reply_by=_epoch_seconds(headers.get("replyByTimestamp")),
        message_type=message_type if isinstance(message_type, str) else _REQUEST,
    )


def parse_request(envelope: Envelope, content: bytes) -> Request:
    """Makes a request of a message.

    Raises:
        MalformedMessageError: it is none.
    """
    message = _message_in(envelope, content)
    request_id = message.get("id")
    if not isinstance(request_id, str) or not _ID.fullmatch(request_id):
        raise MalformedMessageError("it has no id, or one that is no short printable text")
    try:
        return _request(request_id, message)
    except CseError as error:
        raise MalformedMessageError(error.message, request_id=request_id, error=error) from error


def encode_reply(request_id: str, reply: Reply) -> bytes:
    """The body of the reply's message."""
    headers: dict[str, object] = {
        **reply.headers,
        "Content-Type": reply.content_type,
        "Content-Length": len(reply.body),
    }
    message = {
        "id": request_id,
        "headers": headers,
        "statusCode": reply.status,
        "body": base64.b64encode(reply.body).decode("ascii"),
        "request": False,
    }
    return json.dumps(message, separators=(",", ":")).encode("ascii")


def _message_in(envelope: Envelope, content: bytes) -> dict[str, Any]:
    """The first element of the array, an object."""
    if envelope.message_type != _REQUEST:
        raise MalformedMessageError("it is of a type other than ProcessHttpRequest")
    if len(content) > MAX_MESSAGE_BYTES:
        raise _too_long(content)
    try:
        parts = parse_json(content)
    except ValueError as problem_found:
        problem = "not UTF-8 text" if isinstance(problem_found, UnicodeError) else "not JSON"
        raise MalformedMessageError(f"it is {problem}") from None
    if isinstance(parts, list) and parts and isinstance(parts[0], dict):
        return parts[0]
    why = "it is not an array whose first element is an object"
    request_id = parts.get("id") if isinstance(parts, dict) else None
    if isinstance(request_id, str) and _ID.fullmatch(request_id):
        error = InvalidArgumentError(f"message: {why}", field="message")
        raise MalformedMessageError(why, request_id=request_id, error=error)
    raise MalformedMessageError(why)


def _too_long(content: bytes) -> MalformedMessageError:
    """The id comes first in what vCD writes, so that such a message can be answered all the same."""
    why = f"it is longer than {MAX_MESSAGE_BYTES} bytes"
    if match := _ID_AT_THE_BEGINNING.match(content):
        return MalformedMessageError(why, request_id=match[1].decode(), error=_too_large())
    return MalformedMessageError(why)


def _request(request_id: str, message: Mapping[str, Any]) -> Request:
    """Raises CseError for what is to be answered."""
    uri, _, query_in_uri = _text(message, "requestUri", _MAX_URI).partition("?")
    method = _text(message, "method", 16)
    if not _METHOD.fullmatch(method):
        raise InvalidArgumentError("method: is no HTTP method", field="method")
    query = message.get("queryString")
    if query is not None and not isinstance(query, str):
        raise InvalidArgumentError("queryString: expected a text or null", field="queryString")
    return Request(
        id=request_id,
        method=method.upper(),
        path=_path(uri),
        query=_parameters(query or query_in_uri),
        headers=_headers(message.get("headers")),
        body=_body(message.get("body")),
    )


def _text(message: Mapping[str, Any], field: str, limit: int) -> str:
    value = message.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(f"{field}: is missing or no text", field=field)
    if len(value) > limit:
        raise InvalidArgumentError(f"{field}: is longer than {limit} characters", field=field)
    return value


def _path(uri: str) -> tuple[str, ...]:
    """The segments behind `/api/`, decoded one by one, so that an encoded slash stays inside of its segment."""
    if not uri.startswith("/api/"):
        raise InvalidArgumentError("requestUri: does not begin with /api/", field="requestUri")
    try:
        segments = [unquote(part, errors="strict") for part in uri.removeprefix("/api/").removesuffix("/").split("/")]
    except UnicodeDecodeError:
        message = "requestUri: is not UTF-8 behind its percent signs"
        raise InvalidArgumentError(message, field="requestUri") from None
    return tuple(segments)


def _parameters(query: str) -> dict[str, str]:
    if not query:
        return {}
    if len(query) > _MAX_URI:
        raise InvalidArgumentError(f"queryString: is longer than {_MAX_URI} characters", field="queryString")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:  # too many, or not UTF-8
        message = "queryString: is not UTF-8 behind its percent signs, or has too many parameters"
        raise InvalidArgumentError(message, field="queryString") from None
    return dict(reversed(pairs))


def _headers(value: object) -> Headers:
    """A header whose value is neither text nor number counts as not sent."""
    if value is None:
        return Headers({})
    if not isinstance(value, dict):
        raise InvalidArgumentError("headers: expected an object", field="headers")
    return Headers({name: str(text) for name, text in value.items() if isinstance(text, str | int | float)})


def _body(value: object) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise InvalidArgumentError("body: expected base64 in a text", field="body")
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgumentError("body: is not base64", field="body") from None
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    return content


def _too_large() -> HttpError:
    return HttpError(413, f"body: is longer than {MAX_BODY_BYTES} bytes", reason="BODY_TOO_LARGE")


def _epoch_seconds(value: object) -> float | None:
    """From milliseconds, as vCD sends them; some brokers' tools make texts or timestamps of them."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value) / 1000
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value / 1000
