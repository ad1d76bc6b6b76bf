"""The ASGI application: negotiation, sessions, routing."""

import inspect
import logging
import re
import time
import uuid
from typing import Protocol, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vcd_simulator import errors
from vcd_simulator.errors import VcdError
from vcd_simulator.extensions.casing import headers_as_sent
from vcd_simulator.faults import Faults
from vcd_simulator.faults.connections import breaks_at_once, spoiled
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.disturbance import EXTENSION, Exchange, disturb
from vcd_simulator.rest.fragments import Fragments
from vcd_simulator.rest.rendering import render, render_error
from vcd_simulator.rest.routing import Match, Router
from vcd_simulator.rest.versions import LATEST, Accepted, invalid_accept, parse_accept
from vcd_simulator.sessions import Sessions
from vcd_simulator.stats import Stats

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_STRANGERS_BODY_BYTES = 1024 * 1024
"""Of a request that no session opens: anybody can send as many of them as he likes."""
REQUEST_ID_HEADER = "x-vmware-vcloud-request-id"
CLIENT_REQUEST_ID_HEADER = "x-vmware-vcloud-client-request-id"
EXECUTION_TIME_HEADER = "x-vmware-vcloud-request-execution-time"
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9-]+")
_LONGEST_CLIENT_REQUEST_ID = 128


class Extensions(Protocol):
    """Services that administrators have registered, which answer paths of their own."""

    def matches(self, path: str) -> bool:
        """Whether an enabled service wants this raw path; called under the cloud's lock."""
        ...

    def add_links(self, context: Context, root: xml.Element) -> None:
        """Add to a document what services have to say about it; called under the cloud's lock."""
        ...

    async def handle(self, context: Context) -> Reply | None:
        """Pass the request on and wait for the answer; None when it is for vCD itself after all."""
        ...

    def wants(self, content_type: str) -> bool:
        """Whether responses of a type are to be reviewed; called under the cloud's lock."""
        ...

    async def review(self, context: Context, response: Reply) -> Reply:
        """Let services have a look at vCD's own response; they may change it."""
        ...


class RestApp:
    """vCloud Director's HTTP side. Handlers run one at a time, under the cloud's lock; only coroutines wait."""

    def __init__(
        self,
        cloud: Cloud,
        sessions: Sessions,
        router: Router,
        *,
        extensions: Extensions | None = None,
        public_address: str | None = None,
        faults: Faults | None = None,
        stats: Stats | None = None,
    ) -> None:
        self.cloud = cloud
        self.sessions = sessions
        self.router = router
        self.extensions = extensions
        self.public_address = public_address
        self.faults = faults or Faults()
        self.stats = stats or Stats()
        self._fragments = Fragments()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        began = time.monotonic()
        request_id = _request_id(request.headers.get(CLIENT_REQUEST_ID_HEADER))
        exchange = Exchange(method=request.method)
        try:
            response = await self._respond(request, request_id, exchange)
        except ClientDisconnect:
            return
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers[EXECUTION_TIME_HEADER] = str(int((time.monotonic() - began) * 1000))
        response.headers["cache-control"] = "no-store, must-revalidate"
        response.headers["vary"] = "Accept-Encoding, User-Agent"
        failed = response.status_code >= 400 or breaks_at_once(exchange.injection)
        self.stats.count("rest", exchange.name, exchange.caller, failed=failed, seconds=exchange.seconds)
        await spoiled(response, exchange.injection)(scope, receive, send)

    async def _respond(self, request: Request, request_id: str, exchange: Exchange) -> Response:
        raw_path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        accept = request.headers.get("accept")
        accepted = Accepted(None, "json" in (accept or ""))
        try:
            accepted = parse_accept(accept)
            match = self._find(request.method, raw_path)
            public = match is not None and match.route.public
            if match is not None:
                exchange.route = match.route.pattern
            if accepted.version is None and not public and raw_path.startswith(("/api", "/cloudapi")):
                raise invalid_accept()
            context = self._context(request, raw_path, request_id, accepted)
            if match is not None and match.route.public:
                reply = await self._answer_anybody(context, match, exchange)
            else:
                reply = await self._answer(context, match, exchange, accepted)
            return await self._reviewed(context, render(reply, accepted, context.embedded), exchange)
        except VcdError as exc:
            response = render_error(exc, raw_path, accepted, request_id)
            response.headers.update(exc.headers)
            return response
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request_failed method=%s path=%r request_id=%s", request.method, raw_path, request_id)
            failure = VcdError(
                500, "INTERNAL_SERVER_ERROR", f"[ {request_id} ] The simulator failed; its log says why."
            )
            return render_error(failure, raw_path, accepted, request_id)

    async def _answer_anybody(self, context: Context, match: Match, exchange: Exchange) -> Reply:
        """The answer of a public route, such as a login."""
        if not match.route.streams:
            context.body = await _body(context, MAX_STRANGERS_BODY_BYTES)
        await disturb(self.faults, exchange, context)
        if breaks_at_once(exchange.injection):
            return Reply()
        reply = await self._call(context, match)
        exchange.note_caller(context.current)
        return reply

    async def _answer(self, context: Context, match: Match | None, exchange: Exchange, accepted: Accepted) -> Reply:
        """The answer to whoever has a session."""
        with self.cloud.lock.reading():
            context.current = self.sessions.find(context.headers)
            extension = self.extensions
            forward = extension is not None and extension.matches(context.raw_path)
        if context.current is None:
            raise errors.unauthorized()
        context.body = await _body(context, MAX_BODY_BYTES)
        exchange.note_caller(context.current)
        if forward:
            exchange.route = EXTENSION
        await disturb(self.faults, exchange, context)
        if breaks_at_once(exchange.injection):
            return Reply()
        if extension is not None and forward:
            answer = await extension.handle(context)
            if answer is not None:
                return answer
            match = self._find(context.method, context.raw_path)
            exchange.route = match.route.pattern if match is not None else exchange.route
        if not accepted.served:
            raise invalid_accept()
        if match is None:
            return self._without_route(context)
        return await self._call(context, match)

    async def _reviewed(self, context: Context, response: Response, exchange: Exchange) -> Response:
        """The response, as services that asked for its type leave it."""
        content_type = response.headers.get("content-type")
        if self.extensions is None or context.current is None or content_type is None or exchange.route == EXTENSION:
            return response
        with self.cloud.lock.reading():
            wanted = self.extensions.wants(content_type)
        if not wanted:
            return response
        shown = Reply(status=response.status_code, content=bytes(response.body), headers=dict(response.headers))
        reply = await self.extensions.review(context, shown)
        return Response(reply.content if isinstance(reply.content, bytes) else b"", reply.status, reply.headers)

    async def _call(self, context: Context, match: Match) -> Reply:
        handler = match.route.handler
        if inspect.iscoroutinefunction(handler):
            answer: Reply = await handler(context, **match.parameters)
            return answer
        reads = context.method in ("GET", "HEAD")
        with self.cloud.lock.reading() if reads else self.cloud.lock:
            reply = cast(Reply, handler(context, **match.parameters))
            if self.extensions is not None and isinstance(reply.content, xml.Element) and context.current is not None:
                self.extensions.add_links(context, reply.content)
            self.cloud.tasks.run_due()
        return reply

    def _find(self, method: str, raw_path: str) -> Match | None:
        """The route for a request; HEAD has that of GET, and the server leaves its body out."""
        return self.router.find("GET" if method == "HEAD" else method, raw_path)

    def _without_route(self, context: Context) -> Reply:
        """The answer where no handler is; raises VcdError, unless it was asked which methods there are."""
        routed = self.router.methods(context.raw_path)
        if routed:
            allowed = sorted({*routed, "OPTIONS", *(["HEAD"] if "GET" in routed else [])})
            if context.method != "OPTIONS":
                raise errors.method_not_allowed(context.method, allowed)
            return Reply(headers={"allow": ", ".join(allowed)})
        if context.json:
            raise invalid_accept()
        raise errors.not_found(context.path)

    def _context(self, request: Request, raw_path: str, request_id: str, accepted: Accepted) -> Context:
        authority = self.public_address or request.headers.get("host") or "localhost"
        client = request.client
        server = request.scope.get("server") or ("127.0.0.1", 443)
        return Context(
            cloud=self.cloud,
            sessions=self.sessions,
            base=f"{request.url.scheme}://{authority}",
            method=request.method,
            path=request.scope["path"],
            raw_path=raw_path,
            query_string=request.scope["query_string"].decode("ascii", "replace"),
            headers=dict(request.headers),
            original_headers=headers_as_sent(request.scope),
            body=b"",
            stream=request.stream(),
            version=accepted.version or LATEST,
            json=accepted.json,
            request_id=request_id,
            client=(client.host, client.port) if client else ("127.0.0.1", 0),
            server=(server[0], server[1] or 443),
            fragments=self._fragments,
        )


def _request_id(stated: str | None) -> str:
    """A new id, which begins with the client's own if that is made of letters, digits and hyphens."""
    if stated is not None and _CLIENT_REQUEST_ID.fullmatch(stated):
        return f"{stated[:_LONGEST_CLIENT_REQUEST_ID]}-{uuid.uuid4()}"
    return str(uuid.uuid4())


async def _body(context: Context, largest: int) -> bytes:
    """What the request still has to say; raises VcdError: 413, that is more than `largest` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in context.pieces():
        size += len(chunk)
        if size > largest:
            raise VcdError(413, "REQUEST_ENTITY_TOO_LARGE", f"The request is larger than {largest} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
