"""A vCD that answers what a test tells it to, in place of the network below `cse_vcd`."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict
from urllib3.response import HTTPResponse

from cse_core.secret import Secret
from cse_vcd.credentials import Credentials
from cse_vcd.session import Vcd, VcdEndpoint, VcdSession
from cse_vcd.transport import PooledAdapter

URL = "https://vcd.test"
NS = 'xmlns="http://www.vmware.com/vcloud/v1.5"'


@dataclass(frozen=True)
class Answer:
    """What comes back: a status, a body, headers; or an exception that the transport raises."""

    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None


Handler = Callable[[PreparedRequest], Answer]


class ManualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class ScriptedVcd(PooledAdapter):
    """Routes requests to handlers; the last one added for a method and path wins."""

    def __init__(self) -> None:
        super().__init__(connect_timeout_s=1, read_timeout_s=1, pool_size=1)
        self.requests: list[PreparedRequest] = []
        self._lock = threading.Lock()
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.answer("GET", "/api/versions", versions("29.0", "31.0", "33.0", "36.0", "36.3"))
        self.answer("GET", "/api/session", session())
        self.answer("DELETE", "/api/session", Answer(status=204))

    def on(self, method: str, path: str, handler: Handler) -> None:
        """`path` is a regular expression of the whole path without the query."""
        self._routes.append((method, re.compile(path), handler))

    def answer(self, method: str, path: str, *answers: Answer | str) -> None:
        """Answers in turn; the last one for ever."""
        rest = [found if isinstance(found, Answer) else Answer(found) for found in answers]

        def handler(_request: PreparedRequest) -> Answer:
            with self._lock:
                return rest.pop(0) if len(rest) > 1 else rest[0]

        self.on(method, path, handler)

    def paths(self, method: str = "GET") -> list[str]:
        """Paths asked for so far, with their queries."""
        found = []
        for request in self.requests:
            if request.method == method:
                parts = urlsplit(str(request.url))
                found.append(parts.path + (f"?{parts.query}" if parts.query else ""))
        return found

    def bodies(self, method: str) -> list[str]:
        return [text(request) for request in self.requests if request.method == method]

    def send(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        with self._lock:
            self.requests.append(request)
        path = urlsplit(str(request.url)).path
        for method, pattern, handler in reversed(self._routes):
            if method == request.method and pattern.fullmatch(path):
                answer = handler(request)
                break
        else:
            answer = error(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", f"nothing scripted for {request.method} {path}")
        if answer.error is not None:
            raise answer.error
        return _response(request, answer)


def _response(request: PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    response.raw = HTTPResponse(BytesIO(body), preload_content=False, status=answer.status)
    response.url = str(request.url)
    response.request = request
    return response


def text(request: PreparedRequest) -> str:
    """The body of a request."""
    body = request.body or b""
    return body.decode() if isinstance(body, bytes) else str(body)


def versions(*numbers: str) -> str:
    infos = "".join(f'<VersionInfo deprecated="true"><Version>{number}</Version></VersionInfo>' for number in numbers)
    return f'<SupportedVersions xmlns="http://www.vmware.com/vcloud/versions">{infos}</SupportedVersions>'


def session(org: str = "acme", user: str = "alice", role: str = "Organization Administrator") -> Answer:
    kinds = {
        "vcloud.org": f"{URL}/api/org/o1",
        "vcloud.orgList": f"{URL}/api/org/",
        "vcloud.query.queryList": f"{URL}/api/query",
        "admin.vmwExtension": f"{URL}/api/admin/extension",
    }
    links = "".join(
        f'<Link rel="down" type="application/vnd.vmware.{kind}+xml" href="{href}"/>' for kind, href in kinds.items()
    )
    body = f'<Session {NS} org="{org}" user="{user}" userId="urn:vcloud:user:u1" roles="{role}">{links}</Session>'
    return Answer(body, headers={"x-vcloud-authorization": "a-token"})


def error(status: int, minor: str, message: str) -> Answer:
    attributes = f'majorErrorCode="{status}" minorErrorCode="{minor}" message="{message}"'
    return Answer(f"<Error {NS} {attributes}/>", status)


def task(id_: str, status: str, inner: str = "", operation: str = "Composing") -> str:
    attributes = f'status="{status}" operation="{operation}" operationName="vdcComposeVapp"'
    return f'<Task {NS} id="urn:vcloud:task:{id_}" href="{URL}/api/task/{id_}" {attributes}>{inner}</Task>'


def records(*lines: str, total: int | None = None) -> str:
    total = len(lines) if total is None else total
    return f'<QueryResultRecords {NS} total="{total}">{"".join(lines)}</QueryResultRecords>'


def a_vcd(server: ScriptedVcd, clock: ManualClock | None = None, **endpoint: Any) -> Vcd:
    return Vcd(VcdEndpoint(host="vcd.test", **endpoint), clock=clock or ManualClock(), adapter=server)


def credentials(token: str = "tenant-token", **changes: Any) -> Credentials:
    return Credentials(**{"token": Secret(token), "scheme": "session", "api_version": "31.0", **changes})


def a_session(server: ScriptedVcd, clock: ManualClock | None = None, **changes: Any) -> VcdSession:
    return a_vcd(server, clock).rehydrate(credentials(**changes))
