"""Answers that break the connection they are sent on."""

import asyncio
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from vcd_simulator.extensions.casing import transport_of
from vcd_simulator.faults.effects import ConnectionReset, TruncatedBody
from vcd_simulator.faults.registry import Injection

_AT_ONCE = struct.pack("ii", 1, 0)


class BrokenReply(Response):
    """No answer: the client's connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        transport = transport_of(scope)
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()
        await _until_disconnected(receive)


class TruncatedReply(Response):
    """The first part of another answer, whose headers promise all of it."""

    def __init__(self, whole: Response, share: float) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole = whole
        self._share = share
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[Message] = []

        async def keep(message: Message) -> None:
            parts.append(message)

        await self._whole(scope, receive, keep)
        start, body = parts[0], b"".join(part.get("body", b"") for part in parts[1:])
        length = str(len(body)).encode()
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", length)]})
        await send({"type": "http.response.body", "body": body[: int(len(body) * self._share)], "more_body": True})
        transport_of(scope).close()
        await _until_disconnected(receive)


def spoiled(response: Response, injection: Injection) -> Response:
    """A finished answer, or what a fault makes of it."""
    error = injection.error
    if isinstance(error, ConnectionReset):
        return BrokenReply()
    if isinstance(error, TruncatedBody):
        return TruncatedReply(response, error.share)
    return response


def breaks_at_once(injection: Injection) -> bool:
    """Whether the connection ends before anything is done."""
    return isinstance(injection.error, ConnectionReset) and not injection.error.after


async def held_up(injection: Injection) -> None:
    """Wait as long as a fault wants it."""
    if injection.delay_s > 0:
        await asyncio.sleep(injection.delay_s)


async def _until_disconnected(receive: Receive) -> None:
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await receive())
