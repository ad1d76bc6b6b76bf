"""The HTTP request that vCD forwards and the reply that it passes on, freed of the message around them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cse_core.secret import Secret

JSON: Final = "application/json"
YAML: Final = "text/x-yaml"

_VERSION: Final = re.compile(r";\s*version\s*=\s*\"?([0-9]{2}\.[0-9])\b")
_SESSION_ID: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_BEARER: Final = re.compile(r"(?i:bearer)[ \t]+([A-Za-z0-9._~+/=-]{1,16384})")


class Headers(Mapping[str, str]):
    """Header values by name, whatever the name's casing. Of a name in several casings the first counts."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values: dict[str, str] = {}
        for name, value in values.items():
            self._values.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"  # names only: among the values are the caller's tokens


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP request for a path below `/api`.

    Attributes:
        id: the message's id, which is the request id of everything that is done for it.
        path: the segments behind `/api/`, each percent-decoded: `("cse", "demo", "info")`.
        query: the first value of each parameter, decoded.
        body: the bytes that the client sent.
    """

    id: str
    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=lambda: Headers({}))
    body: bytes = field(default=b"", repr=False)

    @property
    def bearer_token(self) -> Secret | None:
        """The JWT of newer clients."""
        match = _BEARER.fullmatch(self.headers.get("authorization", "").strip())
        return Secret(match[1]) if match else None

    @property
    def session_id(self) -> Secret | None:
        """What older clients send instead of a JWT, and vCD may add to one."""
        value = self.headers.get("x-vcloud-authorization", "").strip()
        return Secret(value) if _SESSION_ID.fullmatch(value) else None

    @property
    def api_version(self) -> str | None:
        """The version of vCD's API that the client speaks: the first one in `Accept`."""
        match = _VERSION.search(self.headers.get("accept", ""))
        return match[1] if match else None

    def accepts(self, media_type: str) -> bool:
        """Whether `Accept` names exactly this media type; `*/*` and `application/*+json` do not count."""
        ranges = self.headers.get("accept", "").lower().split(",")
        return any(part.partition(";")[0].strip() == media_type for part in ranges)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the client gets. `Content-Length` is added where it is sent."""

    status: int
    content_type: str = JSON
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
