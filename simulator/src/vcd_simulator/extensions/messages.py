"""The messages that vCD and an extension service exchange: an HTTP request and its answer as JSON."""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vcd_simulator.extensions.errors import MalformedReplyError

SESSION_HEADER = "x-vcloud-authorization"

HeaderCasing = Literal["sent", "lower", "go"]

# What a service may not set: vCD's own session, and what the HTTP server works out by itself.
_WITHHELD_REPLY_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "set-cookie",
        "transfer-encoding",
        "upgrade",
        "vary",
        SESSION_HEADER,
    }
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_STATUS_CODES = range(200, 600)


@dataclass(frozen=True, kw_only=True)
class Address:
    """One end of the HTTP connection."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: the security context of a message. Ids are URNs."""

    user_id: str
    org_id: str
    right_ids: tuple[str, ...] = ()
    session_id: str
    """The session's id; services use it to act for the caller, whichever kind of token the caller sent."""


@dataclass(frozen=True, kw_only=True)
class ForwardedResponse:
    """What vCD itself is about to answer, for a service that wants to see it first."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class ForwardedRequest:
    """An HTTP request as the cell received it; path and query are raw, as they stood in the request line.

    With a `response`, it is that which the message is about.
    """

    method: str
    path: str
    query: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    scheme: str = "https"
    protocol: str = "HTTP/1.1"
    remote: Address
    local: Address
    caller: Caller
    response: ForwardedResponse | None = None

    @property
    def message_type(self) -> str:
        return "ProcessHttpRequest" if self.response is None else "ProcessHttpResponse"


@dataclass(frozen=True, kw_only=True)
class PassedOn:
    """A request as a service wants it to go on: to the next service that asked for it, or to vCD itself."""

    method: str | None
    path: str | None
    query: str | None


@dataclass(frozen=True, kw_only=True)
class ForwardedReply:
    """What the service answered, without the headers that it may not set.

    With `passed_on`, it did not answer: headers and body are the request's, which goes on.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    passed_on: PassedOn | None = None


@dataclass(frozen=True, kw_only=True)
class ForwardingOptions:
    """Where releases of vCD differ, or are not known well enough: a service must live with every choice.

    The defaults are what was seen on the wire.
    """

    empty_body: Literal["empty", "null", "omitted"] = "empty"
    null_rights: bool = False
    third_element: bool = False
    """Append a context map to the array, as the MQTT form of the message has it."""
    unknown_keys: Mapping[str, object] = field(default_factory=dict)
    """Further keys of the HTTP message."""
    reply_by_timestamp: bool = True
    header_casing: HeaderCasing = "sent"
    strict_reply_ids: bool = False
    """Fail a request whose reply carries another id in its body, where vCD is only assumed to look the other way."""


def encode_request(request: ForwardedRequest, message_id: str, options: ForwardingOptions) -> bytes:
    """The body of the AMQP message: an array of the HTTP message and the security context."""
    message: dict[str, object] = {
        "id": message_id,
        "method": request.method.upper(),
        "requestUri": request.path,
        "queryString": request.query,
        "protocol": request.protocol,
        "scheme": request.scheme.lower(),
        "remoteAddr": request.remote.host,
        "remotePort": request.remote.port,
        "localAddr": request.local.host,
        "localPort": request.local.port,
        "headers": _request_headers(request, options.header_casing),
        "body": base64.b64encode(request.body).decode(),
        "statusCode": 0,
        "request": True,
    }
    if request.response is not None:
        message |= {
            "headers": dict(request.response.headers),
            "body": base64.b64encode(request.response.body).decode(),
            "statusCode": request.response.status,
            "request": False,
        }
    if not message["body"] and options.empty_body == "null":
        message["body"] = None
    elif not message["body"] and options.empty_body == "omitted":
        del message["body"]
    message.update(options.unknown_keys)
    context = {
        "user": request.caller.user_id,
        "org": request.caller.org_id,
        "rights": None if options.null_rights else list(request.caller.right_ids),
    }
    elements: list[object] = [message, context]
    if options.third_element:
        elements.append({})
    return json.dumps(elements, ensure_ascii=False, separators=(",", ":")).encode()


def decode_reply(body: bytes) -> tuple[str, ForwardedReply]:
    """The id of the answered request and the answer.

    Raises:
        MalformedReplyError: it cannot be passed on to an HTTP client.
    """
    try:
        reply = json.loads(body.decode())
    except (ValueError, RecursionError) as error:  # ValueError: neither UTF-8 nor JSON, or a number of absurd length
        raise MalformedReplyError("the body is not JSON") from error
    if not isinstance(reply, dict):
        raise MalformedReplyError("the body is not a JSON object")
    message_id = reply.get("id")
    if not isinstance(message_id, str):
        raise MalformedReplyError("it has no id")
    goes_on = reply.get("request") is True and reply.get("statusCode") in (0, None)
    return message_id, ForwardedReply(
        status=0 if goes_on else _status(reply.get("statusCode")),
        headers=_reply_headers(reply.get("headers")),
        body=_content(reply.get("body")),
        passed_on=_passed_on(reply) if goes_on else None,
    )


def _passed_on(reply: Mapping[str, Any]) -> PassedOn:
    """What a service says of the request that it lets go on; whatever it leaves out stays."""
    values = [reply.get(name) for name in ("method", "requestUri", "queryString")]
    method, path, query = [value if isinstance(value, str) and value.isprintable() else None for value in values]
    return PassedOn(method=method, path=path if path and path.startswith("/") else None, query=query)


def new_id() -> str:
    """A random UUID in the usual spelling."""
    return str(uuid.uuid4())


def _request_headers(request: ForwardedRequest, casing: HeaderCasing) -> dict[str, str]:
    """One string per name: what was sent on several lines is joined, under the first spelling of the name."""
    joined: dict[str, tuple[str, list[str]]] = {}
    for name, value in request.headers:
        joined.setdefault(name.lower(), (name, []))[1].append(value)
    joined.setdefault(SESSION_HEADER, (SESSION_HEADER, [request.caller.session_id]))
    return {
        _in_casing(name, casing): ("; " if key == "cookie" else ", ").join(values)
        for key, (name, values) in joined.items()
    }


def _in_casing(name: str, casing: HeaderCasing) -> str:
    if casing == "lower":
        return name.lower()
    if casing == "go":
        return "-".join(part.capitalize() for part in name.split("-"))
    return name


def _status(value: Any) -> int:
    """The status code, which some services write as a string."""
    if isinstance(value, str) and re.fullmatch("[1-5][0-9][0-9]", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in _STATUS_CODES:
        raise MalformedReplyError("statusCode is no HTTP status")
    return value


def _reply_headers(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise MalformedReplyError("headers is not an object")
    return tuple(_checked_headers(value.items()))


def _checked_headers(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    for name, value in items:
        if name.lower() in _WITHHELD_REPLY_HEADERS or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise MalformedReplyError("a header's value is neither text nor a number")
        text = str(value).strip()
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
            raise MalformedReplyError("a header cannot be written in HTTP")
        yield name, text


def _content(value: Any) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise MalformedReplyError("body is not a string")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedReplyError("body is not base64") from error
