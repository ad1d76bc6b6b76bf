"""HTTP/1.1 with header names as clients spell them, which ASGI servers throw away and vCD passes on.

The connection itself is there too, for who has to break it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SCOPE_KEY = "vcd.headers"
"""The name of what this server adds to the ASGI scope's `extensions`."""
_LARGEST_HEAD = 64 * 1024
_LINGER_S = 2.0
"""How long a refused client may go on sending; one that is cut off amid that may never see why."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class CasedHttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol; given to it as `http`.

    The parser has no limits of its own: a request line with its headers has 64 KiB here, and so has anything that the
    parser has to keep because its end is still to come. Beyond that the client gets 431.
    """

    _head_size = 0
    _kept = 0
    """Bytes that came since a head began, or since the parser last told of a part of the body."""
    _told = False
    _refused = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_size = self._kept = 0
        self._cased: list[tuple[bytes, bytes]] = []
        self.scope["extensions"] = {SCOPE_KEY: {"headers": self._cased, "transport": self.transport}}

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._note_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._cased.append((name, value))
        self._note_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._told = True

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._told = True

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._told = False
        super().data_received(data)
        self._kept = 0 if self._told else self._kept + len(data)
        if self._kept > _LARGEST_HEAD and not self._refused:
            self._refuse()

    def send_400_response(self, msg: str) -> None:
        """Answer to what the parser refuses, which may be no more than its size."""
        if self._head_size > _LARGEST_HEAD:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _note_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _LARGEST_HEAD:
            raise ValueError("the request line and its headers are too large")

    def _refuse(self) -> None:
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.abort()  # amid the answer to the request before
            return
        self.transport.write(_TOO_LARGE)
        self.loop.call_later(_LINGER_S, self.transport.close)

    def shutdown(self) -> None:
        """Drop an idle connection at once; nobody reads there, so a good-bye in TLS would be waited for in vain."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request, whatever its annotation says
        if cycle is None or cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()


def headers_as_sent(scope: Any) -> tuple[tuple[str, str], ...]:
    """The request's headers; in lower case if another server than ours received it."""
    pairs = scope.get("extensions", {}).get(SCOPE_KEY, scope)["headers"]
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def transport_of(scope: Any) -> asyncio.Transport:
    """The connection that a request came on. Raises KeyError: another server than ours received it."""
    transport: asyncio.Transport = scope["extensions"][SCOPE_KEY]["transport"]
    return transport
