"""Where HTTP meets AMQP: requests that an extension service has asked for leave the cell here."""

from typing import Protocol

from vcd_simulator import errors
from vcd_simulator.extensions.cell import Destination
from vcd_simulator.extensions.messages import Address, Caller, ForwardedReply, ForwardedRequest
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

    async def handle(self, context: Context) -> Reply:
        """Let the service with the highest priority answer.

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
        reply = await self._forwarder.forward_async(services[0], request)
        body = b"" if reply.status in _WITHOUT_BODY else reply.body
        return Reply(status=reply.status, content=body, headers=dict(reply.headers))

    def _authorize(self, services: list[ExtensionService], context: Context) -> None:
        """Every matching service that takes part in the authorization must have a rule that lets the caller in."""
        for service in services:
            if service.authorization_enabled and not self._registry.authorization.allows(
                service, context.access, context.method, context.raw_path
            ):
                raise errors.forbidden(f'Access to the service "{service.name}" is forbidden: no rule allows it.')


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
