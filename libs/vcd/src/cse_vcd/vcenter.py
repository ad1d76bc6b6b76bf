"""Sessions with vCenters, one for each, shared by all threads.

    vcenters = Vcenters.from_config(account, config.vcs)
    vcenters.get("vc1").call("reading the tools' state", lambda vc: vc.machine("vm-101").guest)

A session is opened when first used and again when vCenter has forgotten it. No call waits for ever, and no vCenter gets
more than so many calls at once.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import urlsplit

import requests
import structlog

from cse_core.config import VcenterConfig
from cse_core.errors import FailedPreconditionError, NotFoundError
from cse_vcd.errors import UntrustedError, VcdUnavailableError, VcenterUnavailableError, from_transport
from cse_vcd.extension import vcenter_url
from cse_vcd.faults import FAULT, SESSION_OVER, TRANSPORT, from_vim
from cse_vcd.load import Server
from cse_vcd.session import VcdSession
from cse_vcd.timing import Pace
from cse_vcd.tools import ToolsWatch
from cse_vcd.transport import PooledAdapter, equip
from cse_vcd.vcenter_session import Connection, VcenterLogin, connect

log = structlog.get_logger()

T = TypeVar("T")

_QUEUE_S: Final = 120.0
_POLLS_PER_S: Final = 50.0
"""How often all together look whether a program in a guest has ended; beyond that, each looks more seldom."""
_POLLING_PART: Final = 4
"""This part of the calls that are made at once may be such looks."""
_CHUNK: Final = 1 << 16


class Vcenter:
    """One vCenter. Everything raises errors of `cse_vcd.errors` that begin with what was being done.

    `tools` waits for guests that boot, all of them together; `pace` is kept by those who poll single guests.
    """

    def __init__(self, name: str, *, host: str, port: int, login: VcenterLogin) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._login = login
        self._slots = threading.BoundedSemaphore(login.calls)
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        adapter = PooledAdapter(
            connect_timeout_s=login.timeout_s,
            read_timeout_s=login.timeout_s,
            pool_size=login.calls,
            server=Server.VCENTER,
        )
        self._adapter = adapter
        self._http = equip(requests.Session(), adapter)
        self.tools = ToolsWatch(self.call)
        self.pace = Pace(_POLLS_PER_S, at_once=max(1, login.calls // _POLLING_PART))

    @property
    def address(self) -> str:
        return f"{self._host}:{self._port}"

    def call(self, doing: str, use: Callable[[Connection], T], *, repeatable: bool = True) -> T:
        """Uses the session.

        Args:
            doing: what for, in words: messages begin with it.
            use: may be called twice, if the session turns out to be over.
            repeatable: whether it may also be called again when the connection broke and nobody knows how far it got.

        Raises:
            VcenterUnavailableError: vCenter does not answer, or refuses our account.
            CseError: what the fault means, see `cse_vcd.faults`.
        """
        with self._slot(doing), self._translated(doing):
            connection = self._connected(None)
            try:
                return self._used(connection, use)
            except SESSION_OVER:
                log.info("vcenter_session_expired", vcenter=self.name)
                connection = self._connected(connection)
            except TRANSPORT as exc:
                if not repeatable:
                    raise
                log.info("vcenter_call_repeated", vcenter=self.name, error=type(exc).__name__)
            return self._used(connection, use)

    def check(self) -> None:
        """Logs in if need be; returns when vCenter answers.

        Raises:
            VcenterUnavailableError: vCenter does not answer, or refuses our account.
        """
        self.call("checking it", lambda connection: connection.sessions.currentSession)

    def put(self, doing: str, url: str, content: bytes) -> None:
        """Sends a file to where vCenter said. Raises as `call`."""
        with self._slot(doing), self._translated(doing):
            response = self._http.put(self._url(url), data=content, verify=self._login.verify)
            _expect_ok(response, doing)

    def get(self, doing: str, url: str, max_bytes: int, *, keep_end: bool = False) -> tuple[bytes, bool]:
        """Fetches a file from where vCenter said.

        Returns:
            At most `max_bytes` of it (the first, or the last with `keep_end`), and whether that is less than all.

        Raises:
            As `call`.
        """
        with (
            self._slot(doing),
            self._translated(doing),
            self._http.get(self._url(url), verify=self._login.verify, stream=True) as response,
        ):
            _expect_ok(response, doing)
            return _bounded(response.iter_content(_CHUNK), max_bytes, keep_end=keep_end)

    def close(self) -> None:
        """Ends the session."""
        self.tools.close()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.sessions.Logout()
            except (FAULT, *TRANSPORT) as exc:
                log.info("vcenter_logout_failed", vcenter=self.name, error=type(exc).__name__)
            connection.stub.DropConnections()
        self._adapter.shut_down()

    @contextmanager
    def _slot(self, doing: str) -> Iterator[None]:
        if not self._slots.acquire(timeout=_QUEUE_S):
            raise VcenterUnavailableError(f"{doing}: vCenter {self.name!r} has been too busy for {_QUEUE_S:.0f} s")
        try:
            yield
        finally:
            self._slots.release()

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as exc:
            error = from_transport(exc, f"vCenter {self.name!r}")
            kind = UntrustedError if isinstance(error, UntrustedError) else VcenterUnavailableError
            raise kind(f"{doing}: {error.message}", vcenter=self.name) from exc
        except (FAULT, *TRANSPORT) as exc:
            raise from_vim(exc, doing, self.name) from exc

    def _used(self, connection: Connection, use: Callable[[Connection], T]) -> T:
        try:
            return use(connection)
        finally:
            if connection is not self._connection:  # given up meanwhile: what came back to its pool is closed, too
                connection.stub.DropConnections()

    def _url(self, url: str) -> str:
        """The address to use: vSphere may write `*` for its own host."""
        return url.replace("://*:", f"://{self._host}:", 1).replace("://*/", f"://{self.address}/", 1)

    def _connected(self, stale: Connection | None) -> Connection:
        """The present session, or a new one if there is none but `stale`; one thread logs in for all."""
        with self._lock:
            if self._connection is None or self._connection is stale:
                self._connection = None
                if stale is not None:
                    stale.stub.DropConnections()
                self._connection = connect(self._host, self._port, self._login)
            return self._connection


class Vcenters:
    """The vCenters that vCD uses, by their names in vCD. Their addresses are asked of vCD, once."""

    def __init__(self, account: VcdSession, logins: Mapping[str, VcenterLogin]) -> None:
        self._account = account
        self._logins = logins
        self._lock = threading.Lock()
        self._known: dict[str, Vcenter] = {}

    @classmethod
    def from_config(cls, account: VcdSession, config: Iterable[VcenterConfig]) -> "Vcenters":
        """From the section `vcs` of the configuration file."""
        logins = {
            vcenter.name: VcenterLogin(user=vcenter.username, password=vcenter.password, verify=vcenter.verify)
            for vcenter in config
        }
        return cls(account, logins)

    def get(self, name: str) -> Vcenter:
        """The vCenter of this name.

        Raises:
            FailedPreconditionError: the configuration has no account for it.
            NotFoundError: vCD does not know it.
        """
        login = self._logins.get(name)
        if login is None:
            raise FailedPreconditionError(
                f"the section `vcs` of the configuration has no vCenter {name!r}; add it with its account",
                reason="VCENTER_NOT_CONFIGURED",
                vcenter=name,
            )
        with self._lock:
            known = self._known.get(name)
        if known is None:
            host, port = self._address(name)
            with self._lock:
                known = self._known.setdefault(name, Vcenter(name, host=host, port=port, login=login))
        return known

    def close(self) -> None:
        """Ends all sessions."""
        with self._lock:
            known, self._known = list(self._known.values()), {}
        for vcenter in known:
            vcenter.close()

    def _address(self, name: str) -> tuple[str, int]:
        url = vcenter_url(self._account, name)
        if url is None:
            raise NotFoundError(f"vCD has no vCenter {name!r}; is its name in `vcs` that in vCD?", vcenter=name)
        parts = urlsplit(url)
        if not parts.hostname:
            raise VcdUnavailableError(f"vCD has no address for vCenter {name!r}", vcenter=name)
        return parts.hostname, parts.port or 443


def _expect_ok(response: requests.Response, doing: str) -> None:
    if response.status_code != 200:
        raise VcenterUnavailableError(f"{doing}: the transfer was answered with HTTP status {response.status_code}")


def _bounded(chunks: Iterable[bytes], max_bytes: int, *, keep_end: bool) -> tuple[bytes, bool]:
    kept = b""
    rest = iter(chunks)
    for chunk in rest:
        kept += chunk
        if len(kept) > max_bytes:
            if not keep_end:
                return kept[:max_bytes], True
            break
    else:
        return kept, False
    for chunk in rest:
        kept = (kept + chunk)[-max_bytes - _CHUNK :]
    return kept[-max_bytes:], True
