"""HTTPS servers in threads of their own."""

import socket
import threading
from typing import Any

import uvicorn

from vcd_simulator.extensions.casing import CasedHttpProtocol
from vcd_simulator.tls import TlsFiles

_KEEP_ALIVE_S = 75
"""Longer than the 5 s between the polls of usual clients, so that their connections last."""
_START_TIMEOUT_S = 10.0


class ServerError(Exception):
    """A server could not start."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ServerError: the address is taken or not ours; the message names it.
    """
    try:
        listener = socket.create_server(
            (host, port), backlog=256, family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        # Inherited by what it accepts: asyncio leaves it out for such sockets, and each answer would come 40 ms late.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE)" if isinstance(exc, PermissionError) else ""
        raise ServerError(f"cannot listen on {host}:{port}: {exc.strerror}{hint}") from exc


class HttpsServer:
    """Serves an ASGI application on a socket until it is stopped."""

    def __init__(self, app: Any, listener: socket.socket, tls: TlsFiles, *, name: str) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            http=CasedHttpProtocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
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

    def stop(self) -> None:
        """Finish what is in flight, for two seconds at most, and close the socket."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()
