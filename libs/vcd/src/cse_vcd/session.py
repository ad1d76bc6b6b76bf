"""One vCD and the sessions with it.

    vcd = Vcd(VcdEndpoint.from_config(config.vcd))
    session = vcd.rehydrate(credentials)                                # raises UnauthenticatedError
    session.get(href)

A session may be used by many threads. Nothing connects before it is used.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

import structlog
from pyvcloud.vcd.client import BasicLoginCredentials
from pyvcloud.vcd.exceptions import VcdException

from cse_core.config import VcdConfig
from cse_core.errors import (
    CseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from cse_core.secret import Secret
from cse_vcd.client import VcdClient
from cse_vcd.credentials import Credentials
from cse_vcd.documents import Element, link
from cse_vcd.errors import BusyError, VcdUnavailableError, tidy
from cse_vcd.identity import Identity
from cse_vcd.timing import SYSTEM_CLOCK, Backoff, Clock, Deadline, no_check, pause
from cse_vcd.transport import PooledAdapter
from cse_vcd.versions import ApiVersions

log = structlog.get_logger()

T = TypeVar("T")

_BUSY_FOR_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class VcdEndpoint:
    """Where vCD is and how it is spoken to. Times are in seconds and hold for each request."""

    host: str
    port: int = 443
    verify: bool | str = True
    """Whether its certificate is checked, or the path of the file with the authorities to trust."""
    api_version: str = "31.0"
    """What our own account speaks, lowered to what vCD knows."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    pool_size: int = 32
    busy_timeout_s: float = _BUSY_FOR_S
    """How long a change is tried again while vCD says that the entity is busy."""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}" if self.port == 443 else f"https://{host}:{self.port}"

    @classmethod
    def from_config(cls, config: VcdConfig) -> "VcdEndpoint":
        """From the section `vcd` of the configuration file."""
        return cls(host=config.host, port=config.port, verify=config.verify, api_version=config.api_version)


class Vcd:
    """One vCD: its address, its API versions, the connections that all sessions share."""

    def __init__(
        self, endpoint: VcdEndpoint, *, clock: Clock = SYSTEM_CLOCK, adapter: PooledAdapter | None = None
    ) -> None:
        self.endpoint = endpoint
        self.clock = clock
        self._adapter = adapter or PooledAdapter(
            connect_timeout_s=endpoint.connect_timeout_s,
            read_timeout_s=endpoint.read_timeout_s,
            pool_size=endpoint.pool_size,
        )
        self._versions = ApiVersions(self._offered_versions, clock)

    def versions(self) -> tuple[str, ...]:
        """The API versions that both sides speak, oldest first."""
        return self._versions.common()

    def rehydrate(self, credentials: Credentials) -> "VcdSession":
        """The session that a caller's token belongs to; costs one request.

        Raises:
            UnauthenticatedError: vCD does not accept the token (any more).
            VcdUnavailableError: vCD does not answer.
        """
        if not credentials.is_plausible:
            raise UnauthenticatedError("this is no token of vCD")
        client = self._client(self._versions.closest(credentials.api_version))
        with _pyvcloud_errors():
            client.rehydrate_from_token(credentials.token.reveal(), is_jwt_token=credentials.scheme == "bearer")
        return VcdSession(self, client)

    def login(self, *, org: str, user: str, password: Secret, api_version: str = "") -> "VcdSession":
        """A new session; end it with `logout`.

        Raises:
            UnauthenticatedError: wrong user, org or password.
            VcdUnavailableError: vCD does not answer.
        """
        return VcdSession(self, self.logged_in(org=org, user=user, password=password, api_version=api_version))

    def logged_in(self, *, org: str, user: str, password: Secret, api_version: str) -> VcdClient:
        """The client of a new session."""
        client = self._client(self._versions.closest(api_version))
        with _pyvcloud_errors():
            client.set_credentials(BasicLoginCredentials(user, org, password.reveal()))
        return client

    def close(self) -> None:
        """Closes all connections. Sessions that are still used open new ones."""
        self._adapter.shut_down()

    def _offered_versions(self) -> list[str]:
        with _pyvcloud_errors():
            return list(self._client("").get_supported_versions_list())

    def _client(self, api_version: str) -> VcdClient:
        endpoint = self.endpoint
        return VcdClient(endpoint.url, api_version=api_version, verify=endpoint.verify, adapter=self._adapter)


class VcdSession:
    """A session with vCD. All requests raise errors of `cse_vcd.errors`, with vCD's own message.

    `missing` names in words what is asked for by its id: vCD's 403 and 404 then become NotFoundError, for vCD does not
    tell apart what is not there from what may not be seen.
    """

    def __init__(self, vcd: Vcd, client: VcdClient) -> None:
        self.vcd = vcd
        self._session_client = client

    @property
    def identity(self) -> Identity:
        return self._call(lambda client: Identity.of(client.get_vcloud_session()))

    @property
    def is_sysadmin(self) -> bool:
        return self.identity.is_sysadmin

    @property
    def api_version(self) -> str:
        return self._call(lambda client: str(client.get_api_version()))

    @property
    def credentials(self) -> Credentials:
        """The session's token, for requests to vCD that do not go through here."""

        def read(client: VcdClient) -> Credentials:
            jwt, version = client.get_access_token(), str(client.get_api_version())
            token = Secret(jwt or client.get_xvcloud_authorization_token())
            return Credentials(token=token, scheme="bearer" if jwt else "session", api_version=version)

        return self._call(read)

    @property
    def api(self) -> str:
        """The root of the API, without a slash at its end: `https://vcd.example.com/api`."""
        return f"{self.vcd.endpoint.url}/api"

    def link(self, rel: str, kind: str) -> str:
        """The href of a link of the `Session` document.

        Raises:
            PermissionDeniedError: vCD offers no such link to this user.
        """
        href = self._call(lambda client: link(client.get_vcloud_session(), rel, kind))
        if href is None:
            raise PermissionDeniedError(f"{self.identity.user!r} may not use this part of vCD ({kind})")
        return href

    def get(self, href: str, *, missing: str | None = None) -> Element:
        """The document there."""
        return _expected(self._send("GET", href, missing=missing), href)

    def find(self, href: str) -> Element | None:
        """The document there; None if it is not there, or not for this user's eyes."""
        try:
            return self.get(href)
        except (NotFoundError, PermissionDeniedError):
            return None

    def post(
        self,
        href: str,
        body: Element | None = None,
        kind: str | None = None,
        *,
        missing: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Element | None:
        """Creates or begins something; the document answered, None if there is none.

        Raises:
            BusyError: another task works on the entity, and did so for `VcdEndpoint.busy_timeout_s`.
        """
        return self._change("POST", href, body, kind, missing, headers)

    def put(self, href: str, body: Element, kind: str | None = None, *, missing: str | None = None) -> Element | None:
        """Replaces what is there; otherwise as `post`."""
        return self._change("PUT", href, body, kind, missing)

    def delete(
        self, href: str, *, force: bool = False, recursive: bool = False, missing: str | None = None
    ) -> Element | None:
        """Deletes what is there; the task answered, None if it is done."""
        options = f"?force={str(force).lower()}&recursive={str(recursive).lower()}"
        return self._change("DELETE", href + options, None, None, missing)

    def logout(self) -> None:
        """Ends the session in vCD."""
        try:
            self._call(lambda client: client.logout())
        except CseError as exc:
            log.info("vcd_logout_failed", error=str(exc))

    def _change(
        self,
        method: str,
        href: str,
        body: Element | None,
        kind: str | None,
        missing: str | None,
        headers: dict[str, str] | None = None,
    ) -> Element | None:
        """The one place where a busy entity is tried again."""
        clock = self.vcd.clock
        deadline = Deadline(self.vcd.endpoint.busy_timeout_s, clock)
        backoff = Backoff(0.1, 2.0, factor=1.5)
        while True:
            try:
                return self._send(method, href, body=body, kind=kind, missing=missing, headers=headers)
            except BusyError:
                wait_s = backoff.next_s()
                if deadline.left_s < wait_s:
                    raise
            pause(wait_s, no_check, deadline, clock)

    def _send(
        self,
        method: str,
        href: str,
        *,
        body: Element | None = None,
        kind: str | None = None,
        missing: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Element | None:
        return self._call(
            lambda client: client.send(method, href, body=body, kind=kind, headers=headers, missing=missing)
        )

    def _call(self, use: Callable[[VcdClient], T]) -> T:
        return use(self._session_client)


@contextmanager
def _pyvcloud_errors() -> Iterator[None]:
    """Turns what pyvcloud itself raises (our client has translated what vCD answers) into ours."""
    try:
        yield
    except KeyError as exc:
        raise VcdUnavailableError("vCD's answer to a login holds no token") from exc
    except (VcdException, AttributeError, ValueError, SyntaxError) as exc:
        raise VcdUnavailableError(f"vCD's answer is not understood; is it a vCD? ({tidy(str(exc))})") from exc


def _expected(document: Element | None, href: str) -> Element:
    if document is None:
        raise VcdUnavailableError(f"vCD answers with nothing where a document is due ({urlsplit(href).path})")
    return document
