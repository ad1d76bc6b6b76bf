"""Where HTTP meets AMQP: requests that an extension service has asked for leave the cell here."""

from dataclasses import replace
from typing import Protocol
from urllib.parse import unquote

from vcd_simulator import errors
from vcd_simulator.extensions.cell import Destination
from vcd_simulator.extensions.messages import (
    Address,
    Caller,
    ForwardedReply,
    ForwardedRequest,
    ForwardedResponse,
    PassedOn,
)
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.model.kinds import ORG, RIGHT, USER
from vcd_simulator.model.services import ExtensionService, ServiceLink
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.xml import Element

_WITHOUT_BODY = (204, 304)
_LINK = f"{{{xml.VCLOUD_NS}}}Link"


class Forwards(Protocol):
    """Whoever passes requests on to services."""

    async def forward_async(self, service: Destination, request: ForwardedRequest) -> ForwardedReply:
        """Send a request and wait for the reply; raises `ForwardingError` when there is none."""
        ...


class ExtensionGateway:
    """What the REST application asks about requests that may belong to extension services."""

    def __init__(self, registry: ExtensionRegistry, forwarder: Forwards) -> None:
        self._registry = registry
        self._forwarder = forwarder

    def matches(self, path: str) -> bool:
        """Whether an enabled service wants this raw path; called under the cloud's lock."""
        return bool(self._registry.match(path))

    def add_links(self, context: Context, root: Element) -> None:
        """Add to a document what services have to say about it; called under the cloud's lock."""
        media_type, urn = root.get("type"), root.get("id")
        if not media_type or not urn:
            return
        links = [
            xml.vcloud("Link", rel=link.rel, type=link.mime_type, href=_href(link, context, urn))
            for link in self._registry.links_for(media_type, urn)
        ]
        place = sum(1 for _ in root.iterchildren(_LINK))
        root[place:place] = links

    async def handle(self, context: Context) -> Reply | None:
        """Let the services that want a request have it, the one with the highest priority first.

        A service answers, or it lets the request go on, maybe changed. None when nobody answered: the request, which
        the context holds as they left it, is vCD's own.

        Raises:
            VcdError: 403, a service wants authorization that no rule grants; 500 and 504, there is no answer.
        """
        if "%5c" in context.raw_path.lower():
            return Reply(status=500)  # vCD's own filter refuses an encoded backslash, without a word
        with context.cloud.lock:
            services = self._registry.match(context.raw_path)
            request = _request(context)
            self._authorize(services, context)
        if not services:
            raise errors.not_found(context.path)
        for service in services:
            reply = await self._forwarder.forward_async(service, request)
            if reply.passed_on is None:
                return _reply(reply)
            request = _changed(request, reply, reply.passed_on)
        context.method, context.raw_path, context.body = request.method, request.path, request.body
        context.path, context.query_string = unquote(request.path), request.query or ""
        return None

    def wants(self, content_type: str) -> bool:
        """Whether a service wants to see responses of this type; called under the cloud's lock."""
        return bool(self._registry.match_response(content_type))

    async def review(self, context: Context, response: Reply) -> Reply:
        """Show vCD's own response to the services that asked for its type, one after the other; each may change it.

        Raises:
            VcdError: 500 and 504, a service did not give it back.
        """
        with context.cloud.lock:
            services = self._registry.match_response(response.headers.get("content-type", ""))
            request = _request(context)
        for service in services:
            body = response.content if isinstance(response.content, bytes) else b""
            shown = ForwardedResponse(status=response.status, headers=tuple(response.headers.items()), body=body)
            response = _reply(await self._forwarder.forward_async(service, replace(request, response=shown)))
        return response

    def _authorize(self, services: list[ExtensionService], context: Context) -> None:
        """Every matching service that takes part in the authorization must have a rule that lets the caller in."""
        for service in services:
            if service.authorization_enabled and not self._registry.authorization.allows(
                service, context.access, context.method, context.raw_path
            ):
                raise errors.forbidden(f'Access to the service "{service.name}" is forbidden: no rule allows it.')


def _reply(reply: ForwardedReply) -> Reply:
    body = b"" if reply.status in _WITHOUT_BODY else reply.body
    return Reply(status=reply.status, content=body, headers=dict(reply.headers))


def _changed(request: ForwardedRequest, reply: ForwardedReply, change: PassedOn) -> ForwardedRequest:
    """The request as a service lets it go on."""
    return replace(
        request,
        method=change.method or request.method,
        path=change.path or request.path,
        query=request.query if change.query is None else change.query,
        headers=reply.headers or request.headers,
        body=reply.body,
    )


def _href(link: ServiceLink, context: Context, urn: str) -> str:
    resource_id = urn.rpartition(":")[2]
    return link.href.replace("{baseUri}", context.url("/api/")).replace("{resourceId}", resource_id)


def _request(context: Context) -> ForwardedRequest:
    session = context.session
    return ForwardedRequest(
        method=context.method,
        path=context.raw_path,
        query=context.query_string or None,
        headers=context.original_headers,
        body=context.body,
        scheme=context.base.partition(":")[0],
        remote=Address(host=context.client[0], port=context.client[1]),
        local=Address(host=context.server[0], port=context.server[1]),
        caller=Caller(
            user_id=USER.urn + session.user.id,
            org_id=ORG.urn + session.org.id,
            right_ids=tuple(RIGHT.urn + right_id for right_id in context.access.right_ids()),
            session_id=session.token,
        ),
    )
