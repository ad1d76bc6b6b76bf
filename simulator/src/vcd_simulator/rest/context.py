"""What a handler gets and gives: one request in its context, one reply."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.task import Reference
from vcd_simulator.rest import xml
from vcd_simulator.rest.fragments import Fragments
from vcd_simulator.rest.jsonbody import parse_json
from vcd_simulator.rest.versions import V33, ApiVersion
from vcd_simulator.sessions import Session, Sessions


class Entity(Protocol):
    """Anything with an id and a kind has a URN and an href."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...


@dataclass(slots=True, kw_only=True)
class Reply:
    """Status, content and headers of an answer. An element is rendered in the format that Accept asked for."""

    status: int = 200
    content: xml.Element | bytes | None = None
    media_type: str | None = None
    """Taken from the root's `type` attribute when absent."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Context:
    """One request: who asks, for what, in which version.

    `headers` have lower-case names; `original_headers` are as they came. `path` is decoded, `raw_path` is not.
    """

    cloud: Cloud
    sessions: Sessions
    base: str
    """Scheme and authority that hrefs in the answer begin with."""
    method: str
    path: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    original_headers: tuple[tuple[str, str], ...]
    body: bytes
    version: ApiVersion
    json: bool
    request_id: str
    client: tuple[str, int]
    server: tuple[str, int]
    stream: AsyncIterator[bytes] | None = None
    """The body in pieces, as it comes in; handlers of routes that stream read it, and for all others it is read."""
    current: Session | None = None
    fragments: Fragments = field(default_factory=Fragments)
    """Parts of documents that were rendered before."""
    embedded: list[bytes] = field(default_factory=list)
    """Those of them that are in this answer."""

    def pieces(self) -> AsyncIterator[bytes]:
        """What has not been read of the body."""
        if self.stream is None:
            raise RuntimeError("there is no request to read from")
        return self.stream

    @property
    def session(self) -> Session:
        if self.current is None:
            raise errors.unauthorized()
        return self.current

    @property
    def access(self) -> Access:
        """What the caller may see and do."""
        return self.session.access

    @property
    def since_33(self) -> bool:
        return self.version >= V33

    def parameter(self, name: str) -> str | None:
        """A parameter of the query string, decoded; `+` stays as it is."""
        for part in self.query_string.split("&"):
            key, _, value = part.partition("=")
            if unquote(key) == name:
                return unquote(value)
        return None

    def flag(self, name: str) -> bool:
        """A boolean parameter; clients write `true` as well as `True`."""
        return (self.parameter(name) or "").lower() == "true"

    def xml(self) -> xml.Element:
        """The request's document, parsed; one in JSON has the elements of the same in XML.

        Raises:
            VcdError: 400, there is none or it is not well-formed; 415, its format is neither of the two.
        """
        stated = self.headers.get("content-type", "")
        media_type = stated.partition(";")[0].strip().lower()
        if media_type.endswith("json"):
            return parse_json(self.body)
        if media_type and not media_type.endswith(("xml", "/*", "octet-stream")):
            raise errors.unsupported_media_type(stated)
        return xml.parse(self.body)

    def url(self, path: str) -> str:
        """An absolute href; what is a URI already is left alone."""
        return self.base + path if path.startswith("/") else path

    def href(self, entity: Entity, *, admin: bool = False) -> str:
        return self.base + entity.kind.href_path(entity.id, admin)

    def urn(self, entity: Entity) -> str:
        return entity.kind.urn + entity.id

    def reference_to_user(self) -> Reference:
        """The caller, as tasks name him."""
        user = self.session.user
        return Reference(href=user.kind.href_path(user.id), name=user.name, type=user.kind.media_type)
