"""All routes below `/api/cse`. `docs/rest-api.md` tells clients about them."""

from typing import Final

import grpc

from cse_core.errors import NotSupportedError
from cse_gateway.adapters.routes.clusters import ClusterRoutes
from cse_gateway.adapters.routes.nodes import NodeRoutes
from cse_gateway.adapters.routes.operations import OperationRoutes
from cse_gateway.adapters.routes.orphans import OrphanRoutes
from cse_gateway.adapters.routes.system import LearnState, Listeners, SystemRoutes
from cse_gateway.adapters.routes.templates import TemplateRoutes
from cse_gateway.domain.http import Reply
from cse_gateway.domain.routing import Call, Handler, Route, RouteTable

_OVDC: Final = "choosing the container provider of an org VDC is not offered by this version yet"
_SWAGGER: Final = "the description of the API is not offered by this version yet"


def route_table(
    *,
    clusters: grpc.aio.Channel,
    templates: grpc.aio.Channel,
    learn_state: LearnState,
    listeners: Listeners,
    waiting: int,
) -> RouteTable:
    """The routes, over channels to the services that answer them.

    Args:
        clusters: the cluster manager.
        templates: the template service.
        learn_state: is told the service's state whenever an answer contains it.
        listeners: what `GET /api/cse/system` shows of this gateway.
        waiting: how many requests may wait for something to happen at once.
    """
    cluster = ClusterRoutes(clusters)
    node = NodeRoutes(clusters)
    template = TemplateRoutes(templates)
    system = SystemRoutes(clusters, learn_state, listeners)
    operation = OperationRoutes(clusters, waiting=waiting)
    orphan = OrphanRoutes(clusters)
    return RouteTable(
        [
            Route("GET", "/api/cse", cluster.list),
            Route("POST", "/api/cse", cluster.create),
            Route("GET", "/api/cse/{cluster}/info", cluster.info),
            Route("GET", "/api/cse/{cluster}/config", cluster.config),
            Route("DELETE", "/api/cse/{cluster}", cluster.delete),
            Route("POST", "/api/cse/{cluster}/node", node.create),
            Route("DELETE", "/api/cse/{cluster}/node", node.delete),
            Route("GET", "/api/cse/{cluster}/{node}/info", node.info),
            Route("GET", "/api/cse/template", template.list),
            Route("GET", "/api/cse/system", system.show, always_open=True),
            Route("PUT", "/api/cse/system", system.change, always_open=True),
            Route("GET", "/api/cse/ovdc/{ovdc}/info", _later(_OVDC)),
            Route("PUT", "/api/cse/ovdc/{ovdc}/info", _later(_OVDC)),
            Route("GET", "/api/cse/swagger", _later(_SWAGGER)),
            Route("GET", "/api/cse/swagger.json", _later(_SWAGGER)),
            Route("GET", "/api/cse/swagger.yaml", _later(_SWAGGER)),
            Route("POST", "/api/cse/_clusters/{cluster}/resize", node.resize),
            Route("GET", "/api/cse/_operations", operation.list, always_open=True),
            Route("GET", "/api/cse/_operations/{operation}", operation.show, always_open=True),
            Route("GET", "/api/cse/_operations/{operation}/events", operation.events, always_open=True),
            Route("POST", "/api/cse/_operations/{operation}/cancel", operation.cancel, always_open=True),
            Route("GET", "/api/cse/_orphans", orphan.list, always_open=True),
            Route("POST", "/api/cse/_orphans/reclaim", orphan.reclaim, always_open=True),
        ]
    )


def _later(message: str) -> Handler:
    """A route that clients know and that this version does not offer."""

    async def refuse(_call: Call) -> Reply:
        raise NotSupportedError(message)

    return refuse
