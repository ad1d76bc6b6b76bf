"""HTTP/1.1 with header names as clients spell them, which ASGI servers throw away and vCD passes on.

The connection itself is there too, for who has to break it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SCOPE_KEY = "vcd.headers"
"""The name of what this server adds to the ASGI scope's `extensions`."""


class CasedHttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol; given to it as `http`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._cased: list[tuple[bytes, bytes]] = []
        self.scope["extensions"] = {SCOPE_KEY: {"headers": self._cased, "transport": self.transport}}

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._cased.append((name, value))

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
