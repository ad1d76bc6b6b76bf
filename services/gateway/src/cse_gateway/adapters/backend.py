"""Calls to the services: the caller's token and request id go along, deadlines hold, errors are ours."""

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from cse_core.errors import (
    CseError,
    DeadlineError,
    ExhaustedError,
    InternalError,
    NotSupportedError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_core.grpc.metadata import REQUEST_ID, Credentials
from cse_core.grpc.server import CHANNEL_OPTIONS
from cse_core.grpc.status import error_of
from cse_gateway.domain.http import Request
from cse_gateway.domain.routing import Call

log = structlog.get_logger()

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
Method = grpc.aio.UnaryUnaryMultiCallable
"""A method of a generated stub."""
StreamingMethod = grpc.aio.UnaryStreamMultiCallable
"""A method of a generated stub that answers with a stream."""

_REQUEST_IDS: Final = uuid.UUID("6f1f4c1c-5d0e-4d1b-9d5a-2f9f0f4f3c55")
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_NEXT_WITHIN_S: Final = 0.1
"""What a service has already, it sends without such a pause."""
_SPARE_S: Final = 0.3
"""What is left of a call's time for the answer when waiting ends."""
_FIRST_WITHIN_S: Final = 1.0
"""Where nobody waits: how long a service may take to begin with what it has."""


def connect(target: str) -> grpc.aio.Channel:
    """A channel to `host:port` or `unix:/path`. Connects when first used, and again for ever."""
    return grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)


async def invoke(method: "Method[RequestT, ResponseT]", message: RequestT, call: Call, *, service: str) -> ResponseT:
    """Calls `method` in what is left of the time of `call`.

    Args:
        method: a method of a generated stub.
        message: what it takes.
        call: whose time, token and request id to use.
        service: what the other side is called in messages to users.

    Raises:
        CseError: as the service said; UnavailableError if it does not answer.
    """
    try:
        return await method(message, timeout=call.remaining_s(), metadata=metadata_of(call.request))
    except grpc.aio.AioRpcError as error:
        raise _translated(error, service) from error


@dataclass
class Gathered(Generic[ResponseT]):
    """The beginning of a stream."""

    messages: list[ResponseT] = field(default_factory=list)
    is_all: bool = False
    """Whether the stream has ended behind them."""


async def gather(
    method: "StreamingMethod[RequestT, ResponseT]",
    message: RequestT,
    call: Call,
    *,
    service: str,
    wait_s: float,
    limit: int,
) -> Gathered[ResponseT]:
    """What a stream brings: what is there at once, or as soon as there is something.

    Args:
        method: a method of a generated stub.
        message: what it takes.
        call: whose time, token and request id to use.
        service: what the other side is called in messages to users.
        wait_s: how long to wait for something, within the time of `call`.
        limit: the most messages that are wanted.

    Raises:
        CseError: as the service said; UnavailableError if it does not answer.
    """
    found = Gathered[ResponseT]()
    stream = method(message, timeout=call.remaining_s(), metadata=metadata_of(call.request))
    patience_s = min(max(wait_s, _FIRST_WITHIN_S), max(call.remaining_s() - _SPARE_S, 0.0))
    try:
        async with asyncio.timeout(patience_s) as waiting:
            async for each in stream:
                found.messages.append(each)
                if len(found.messages) >= limit:
                    return found
                waiting.reschedule(asyncio.get_running_loop().time() + _NEXT_WITHIN_S)
            found.is_all = True
    except TimeoutError:
        pass  # nothing more for now; who wants to know asks again
    except grpc.aio.AioRpcError as error:
        raise _translated(error, service) from error
    finally:
        stream.cancel()
    return found


def request_id_of(request: Request) -> str:
    """The message's id if it is a UUID, else one that is made of it, always the same."""
    try:
        return str(uuid.UUID(request.id))
    except ValueError:
        return str(uuid.uuid5(_REQUEST_IDS, request.id))


def metadata_of(request: Request) -> list[tuple[str, str]]:
    """The metadata of a call that is made for `request`; a request without a token is the service's to refuse.

    Raises:
        UnauthenticatedError: what is given for a token cannot be one.
    """
    metadata = [(REQUEST_ID, request_id_of(request))]
    token, is_jwt = request.bearer_token, True
    if token is None:
        token, is_jwt = request.session_id, False
    if token is not None:
        metadata += Credentials(token, is_jwt=is_jwt, api_version=request.api_version or "").to_metadata()
    elif request.headers.get("authorization") or request.headers.get("x-vcloud-authorization"):
        raise UnauthenticatedError("the vCD token is malformed; log in again", reason="TOKEN_INVALID")
    return metadata


def _translated(error: grpc.aio.AioRpcError, service: str) -> CseError:
    """The service's own error, or one in our words where gRPC itself failed: its words would help no user."""
    code = error.code()
    if _comes_from_a_service(error):
        with contextlib.suppress(ValueError):  # status and details contradict each other: no service of ours sent that
            return error_of(error)
    log.warning("service_call_failed", service=service, code=code.name, details=error.details())
    match code:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineError(f"{service} did not answer in time; what was begun may still happen, so look first")
        case grpc.StatusCode.UNAVAILABLE:
            return UnavailableError(f"{service} does not answer; try again in a moment")
        case grpc.StatusCode.UNIMPLEMENTED:
            return NotSupportedError(f"{service} does not offer this in its version")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ExhaustedError(f"the request or its answer is too large for {service}")
        case _:
            return InternalError(f"{service} failed for a reason of its own; its log says more")


def _comes_from_a_service(error: grpc.aio.AioRpcError) -> bool:
    """Whether it was raised by our code on the other side, rather than by gRPC."""
    metadata: Any = error.trailing_metadata()
    return any(key == _STATUS_DETAILS for key, _ in metadata or ())
