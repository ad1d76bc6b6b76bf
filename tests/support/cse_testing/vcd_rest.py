"""A vCD user without a client library: plain requests, to see exactly what travels."""

import base64
import http.client
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from cse_testing.waiting import LIMIT_S

XML = "application/*+xml;version=31.0"
JSON = "application/*+json;version=31.0"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What an error of CSE shows to the user, in whichever of its two forms."""
        message = self.json()["message"]
        return str(message["reason"] if isinstance(message, dict) else message)


class VcdRest:
    """One session at vCD."""

    observers: ClassVar[list[Callable[[str, Reply], None]]] = []
    """Are told the path and the reply of every request of every session."""

    def __init__(self, host: str, token: str | None = None) -> None:
        self._host = host
        self.token = token

    @classmethod
    def login(cls, host: str, *, org: str, user: str, password: str) -> Self:
        """Open a session at API version 31.0."""
        session = cls(host)
        credentials = base64.b64encode(f"{user}@{org}:{password}".encode()).decode()
        reply = session.send("POST", "/api/sessions", accept=XML, headers={"Authorization": f"Basic {credentials}"})
        assert reply.status == 200, reply
        session.token = reply.headers["x-vcloud-authorization"]
        return session

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        accept: str = JSON,
        headers: dict[str, str] | None = None,
        timeout_s: float = LIMIT_S + 10,
    ) -> Reply:
        """Send one request on a connection of its own; a body that is not bytes is sent as JSON."""
        sent = {"Accept": accept, **({"x-vcloud-authorization": self.token} if self.token else {}), **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(self._host, context=context, timeout=timeout_s)
        try:
            connection.request(method, path, body=content, headers=sent)
            reply = connection.getresponse()
            names = {name.lower(): value for name, value in reply.getheaders()}
            received = Reply(reply.status, names, reply.read())
        finally:
            connection.close()
        for observer in self.observers:
            observer(path, received)
        return received
