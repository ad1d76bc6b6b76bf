"""Speaking to vCD with the session that `vcd login` left in the profile."""

import json
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import requests
import urllib3
from lxml import etree
from requests.adapters import HTTPAdapter

from cse_cli.vcd_plugin.errors import ServerError, SessionError, UnreachableError

_TIMEOUT_S: Final = (10.0, 60.0)
"""To connect, and between two bytes; vCD itself gives CSE about 10 s."""
_MAX_MESSAGE: Final = 4000
_NOT_CSE: Final = "the answer is not what CSE sends; is it CSE that serves /api/cse?"
_LOGIN_AGAIN: Final = "the session has expired or is not valid; run `vcd login` again"


class Profile(Protocol):
    """vcd-cli's stored profile."""

    def get(self, prop: str) -> Any: ...


@dataclass(kw_only=True)
class Session:
    """A logged-in user. Requests raise PluginError, with a message fit to be shown."""

    base: str
    """`https://host[:port]`"""
    token: str = field(repr=False)
    is_jwt: bool
    api_version: str
    verify: bool | str
    """Whether the certificate is checked, or the file with the authorities to trust."""
    vdc: str | None
    """Name of the org VDC in use."""
    org: str | None = None
    """Name of the org in use, where that is not the one that the user is of."""
    warn_unverified: bool = False
    transport: HTTPAdapter | None = field(default=None, repr=False)
    """How requests travel, if not as vcd-cli's own do."""
    _http: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = requests.Session()
        self._http.verify = self.verify
        self._http.auth = _keep_own_token
        if self.transport is not None:
            self._http.trust_env = False
            self._http.mount("https://", self.transport)
        if not self.verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @classmethod
    def from_profile(cls, profile: Profile) -> Self:
        """Takes up the session of the profile.

        Raises:
            SessionError: nobody is logged in.
        """
        host, token = profile.get("host"), profile.get("token")
        if not host or not token:
            raise SessionError("not logged in; run `vcd login HOST ORG USER` first")
        verify = bool(profile.get("verify"))
        return cls(
            base=(host if "://" in host else f"https://{host}").rstrip("/"),
            token=str(token),
            is_jwt=bool(profile.get("is_jwt_token")),
            api_version=str(profile.get("api_version")),
            verify=verify,
            vdc=_named(profile.get("vdc_in_use")),
            org=_named(in_use) if (in_use := profile.get("org_in_use")) != profile.get("org") else None,
            warn_unverified=not verify and not profile.get("disable_warnings"),
        )

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Reads a list of objects; `path` is below `/api`, for example `/cse`."""
        found = self._json("GET", path)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise UnreachableError(_NOT_CSE)
        return found

    def fields(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request that is answered with an object; `body` is sent as JSON."""
        found = self._json(method, path, body)
        if not isinstance(found, dict):
            raise UnreachableError(_NOT_CSE)
        return found

    def _json(self, method: str, path: str, body: object = None) -> Any:
        response = self._send(method, f"{self.base}/api{path}", accept="application/*+json", body=body)
        try:
            return json.loads(response.content)
        except ValueError:
            raise UnreachableError(_NOT_CSE) from None

    def text(self, path: str) -> str:
        """A text that CSE sends as a JSON string, or plain."""
        content = self._send("GET", f"{self.base}/api{path}", accept="text/x-yaml").content.decode(errors="replace")
        if content.startswith('"'):
            try:
                return str(json.loads(content))
            except ValueError:
                pass
        return content

    def xml(self, href: str) -> etree._Element:
        """A document of vCD's own.

        Only the path of `href` is used: vCD writes its public address into links, and the token goes to no other
        machine than the one logged in to.
        """
        parts = urlsplit(href)
        url = self.base + parts.path + (f"?{parts.query}" if parts.query else "")
        response = self._send("GET", url, accept="application/*+xml")
        if (root := _xml(response.content)) is None:
            raise UnreachableError("vCD's answer is not XML; is there a proxy in between?")
        return root

    def _send(self, method: str, url: str, *, accept: str, body: object = None) -> requests.Response:
        headers = {"Accept": f"{accept};version={self.api_version}"}
        if self.is_jwt:
            headers["Authorization"] = f"Bearer {self.token}"
        else:
            headers["x-vcloud-authorization"] = self.token
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            response = self._http.request(
                method, url, headers=headers, data=data, timeout=_TIMEOUT_S, allow_redirects=False, verify=self.verify
            )
        except requests.exceptions.SSLError as exc:
            raise UnreachableError(
                f"the certificate of {self.base} is not trusted; name a file with its authority in the environment "
                "variable REQUESTS_CA_BUNDLE, or log in with `vcd login --no-verify-ssl-certs`"
            ) from exc
        except requests.exceptions.Timeout as exc:
            raise UnreachableError(f"{self.base} did not answer in time; try again") from exc
        except requests.RequestException as exc:
            raise UnreachableError(f"{self.base} cannot be reached; is the address right, and the network up?") from exc
        except OSError as exc:  # requests lets this one through as it is
            raise UnreachableError(
                f"the file with authorities to trust cannot be used; correct the variable REQUESTS_CA_BUNDLE ({exc})"
            ) from exc
        if not 200 <= response.status_code < 300:
            raise _refusal(response)
        return response


def _keep_own_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that adds nothing; without one, requests would put a ~/.netrc entry in place of our token."""
    return request


def _named(value: object) -> str | None:
    return None if value in (None, "", "None") else str(value)


def _refusal(response: requests.Response) -> ServerError | SessionError:
    """The error that an answer stands for. CSE sends JSON, but for 401 and 504, which are vCD's XML."""
    status = response.status_code
    message = _message(response)
    if status == 401:
        return SessionError(_LOGIN_AGAIN + (f" (the server says: {message})" if message else ""))
    if status == 403 and message == "Unauthorized":  # which is all that CSE says
        message = "Unauthorized: only system administrators may do that; log in as one"
    if status == 406:  # CSE itself never says so
        own = f" (vCD says: {message})" if message else ""
        message = f"vCD does not know /api/cse: CSE is not installed there, or its extension is disabled{own}"
    if status == 504:
        message = f"{message or 'no answer in time'}; ask your provider whether the CSE server is running"
    return ServerError(message or f"the server answered with HTTP status {status} and no reason", status=status)


def _message(response: requests.Response) -> str:
    content = response.content.strip()
    if content.startswith(b"<"):
        root = _xml(content)
        return "" if root is None else _tidy(root.get("message") or "")
    try:
        data = json.loads(content)
    except ValueError:
        return ""
    message = data.get("message") if isinstance(data, dict) else None
    if isinstance(message, dict):
        message = message.get("reason") or message.get("description")
    return _tidy(str(message or ""))


def _xml(content: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None


def _tidy(message: str) -> str:
    """Without what would move the cursor or colour the terminal."""
    return "".join(char for char in message[:_MAX_MESSAGE] if char.isprintable() or char == "\n").strip()
