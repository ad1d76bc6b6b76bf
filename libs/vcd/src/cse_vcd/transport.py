"""How requests travel: pooled connections, time-outs on each, a second try for what may be tried twice."""

import ssl
import threading
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest
from requests.utils import get_environ_proxies
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from cse_core import patience
from cse_core.tls import client_context
from cse_vcd import load
from cse_vcd.load import Server

_READ_ONLY: Final = frozenset({"GET", "HEAD"})
_PASSING: Final = frozenset({502, 503})
_LEAST_S: Final = 1.0
"""How long an answer is waited for although hardly anybody waits any more: enough for a server that is well."""


class _QuietHTTPSConnectionPool(HTTPSConnectionPool):
    """Does not warn of unverified TLS at each connection: whoever sets `verify: false` knows."""

    def _validate_conn(self, conn: Any) -> None:
        if conn.is_closed:
            conn.connect()


class _Repeating(Retry):
    """Tries again, but not what went unanswered for as long as we wait: a server that hangs is asked once."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        if isinstance(error := kwargs.get("error"), ReadTimeoutError):
            raise error
        return super().increment(*args, **kwargs)


class PooledAdapter(HTTPAdapter):
    """One pool of connections for all sessions with one server; when all are in use, requests wait for one.

    Closing a session leaves it open; `shut_down` ends it. Requests that only read are repeated (connection lost,
    502, 503) a few times within about two seconds, and wait no longer than `cse_core.patience` says; others are
    repeated only if they never left.
    """

    def __init__(
        self, *, connect_timeout_s: float, read_timeout_s: float, pool_size: int, server: Server = Server.VCD
    ) -> None:
        self._server = server
        self._timeout = (connect_timeout_s, read_timeout_s)
        self._proxies: dict[str, dict[str, str]] = {}
        self._contexts: dict[bool | str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        retry = _Repeating(
            total=3,
            connect=2,
            read=2,
            status=3,
            redirect=0,
            other=0,
            allowed_methods=_READ_ONLY,
            status_forcelist=_PASSING,
            backoff_factor=0.2,
            backoff_jitter=0.1,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=retry, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _QuietHTTPSConnectionPool}

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        """As inherited, with one TLS context for all: to read authorities for each connection takes 20 ms and 1 MB."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ca_certs": None, "ca_cert_dir": None, "ssl_context": self._context(verify)}

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:  # noqa: ARG002
        """The context knows whom to trust."""
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"

    def _context(self, verify: bool | str) -> ssl.SSLContext:
        with self._lock:
            if verify not in self._contexts:
                self._contexts[verify] = tls_context(verify)
            return self._contexts[verify]

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeouts_of(request)
        kwargs["proxies"] = self._proxies_for(str(request.url))
        load.count(self._server)
        return super().send(request, *args, **kwargs)

    def _timeouts_of(self, request: PreparedRequest) -> tuple[float, float]:
        """For connecting and for the answer. A change is given its time, for what became of it has to be known."""
        left_s = patience.left_s()
        if left_s is None or request.method not in _READ_ONLY:
            return self._timeout
        connect_s, read_s = self._timeout
        most_s = max(left_s, _LEAST_S)
        return min(connect_s, most_s), min(read_s, most_s)

    def _proxies_for(self, url: str) -> dict[str, str]:
        """What the environment says, read once for each server: requests would read all of it for each request."""
        parts = urlsplit(url)
        server = f"{parts.scheme}://{parts.netloc}"
        if server not in self._proxies:
            self._proxies[server] = dict(get_environ_proxies(server))
        return self._proxies[server]

    def close(self) -> None:
        """Nothing: sessions come and go, the pool stays."""

    def shut_down(self) -> None:
        """Closes all connections."""
        super().close()


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """As `cse_core.tls` says; with a path, one that trusts nobody but the authorities in the file or directory."""
    if isinstance(verify, bool):
        return client_context(verify=verify)
    is_folder = Path(verify).is_dir()
    return ssl.create_default_context(cafile=None if is_folder else verify, capath=verify if is_folder else None)


def equip(session: requests.Session, adapter: PooledAdapter) -> requests.Session:
    """Makes a session travel by `adapter`, follow no redirections (they would carry the token elsewhere).

    It trusts nothing around it: requests would replace our token by what it finds in `~/.netrc`.
    """
    if session.adapters.get("https://") is not adapter:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.trust_env = False
        session.max_redirects = 0
    return session
