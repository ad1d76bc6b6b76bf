"""HTTPS servers in threads of their own."""

import asyncio
import socket
import threading
from typing import Any

import uvicorn

from vcd_simulator.extensions.casing import CasedHttpProtocol
from vcd_simulator.tls import TlsFiles

_KEEP_ALIVE_S = 75
"""Longer than the 5 s between the polls of usual clients, so that their connections last."""
_START_TIMEOUT_S = 10.0
_BACKLOG = 256


class ServerError(Exception):
    """A server could not start."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ServerError: the address is taken or not ours; the message names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as finder:
            finder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            finder.bind((host, port))
            # A port that the system chose would be lost while the socket does not listen; one that we name is not.
            listener = socket.create_server((host, finder.getsockname()[1]), backlog=_BACKLOG, family=family)
        # Inherited by what it accepts: asyncio leaves it out for such sockets, and each answer would come 40 ms late.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE)" if isinstance(exc, PermissionError) else ""
        raise ServerError(f"cannot listen on {host}:{port}: {exc.strerror}{hint}") from exc


class HttpsServer:
    """Serves an ASGI application on a socket until it is stopped."""

    def __init__(
        self, app: Any, listener: socket.socket, tls: TlsFiles, *, name: str, keep_alive_s: int = _KEEP_ALIVE_S
    ) -> None:
        self._listener = listener
        self._refuses = False
        self._loop: asyncio.AbstractEventLoop | None = None
        config = uvicorn.Config(
            app,
            http=CasedHttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=2,
            ssl_certfile=tls.certificate,
            ssl_keyfile=tls.key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name=f"vcd-{name}", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Start to serve; returns when it does."""
        self._thread.start()
        waited = threading.Event()
        elapsed = 0.0
        while not self._server.started:
            if not self._thread.is_alive() or elapsed > _START_TIMEOUT_S:
                raise ServerError(f"the server on {self.address} did not start; its log says why")
            waited.wait(0.01)
            elapsed += 0.01

    def refuse(self) -> None:
        """Drop every connection and refuse new ones, as a machine does on which nothing listens; the port stays ours.

        Refusing twice is no error.
        """
        if self._refuses or not self._server.started:
            return
        self._refuses = True
        loop = self._server.servers[0].get_loop()
        kept = self._listener.dup()
        asyncio.run_coroutine_threadsafe(self._hang_up(), loop).result(_START_TIMEOUT_S)
        kept.shutdown(socket.SHUT_RD)  # on Linux a listening socket stops to listen, and keeps its address
        self._listener, self._loop = kept, loop

    def accept(self) -> None:
        """Accept connections again; harmless if they are accepted."""
        if not self._refuses or self._loop is None:
            return
        self._listener.listen(_BACKLOG)
        asyncio.run_coroutine_threadsafe(self._server.startup(sockets=[self._listener]), self._loop).result(
            _START_TIMEOUT_S
        )
        self._refuses = False

    async def _hang_up(self) -> None:
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    def stop(self) -> None:
        """Finish what is in flight, for two seconds at most, and close the socket."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()
