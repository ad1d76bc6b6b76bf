"""What operations have left behind: `/api/cse/_orphans…`, for system administrators."""

from typing import Final

import grpc

from cse.system.v1 import system_service_pb2, system_service_pb2_grpc
from cse_core.errors import CseError
from cse_gateway.adapters.backend import invoke, request_id_of
from cse_gateway.adapters.routes.clusters import in_rest_words
from cse_gateway.adapters.routes.operations import operation_to_json, orphan_to_json
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the cluster manager"


class OrphanRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = system_service_pb2_grpc.SystemServiceStub(channel)

    async def list(self, call: Call) -> Reply:
        found: list[dict[str, object]] = []
        request = system_service_pb2.ListOrphansRequest()
        while True:
            response = await invoke(self._stub.ListOrphans, request, call, service=SERVICE)
            found.extend(map(orphan_to_json, response.orphans))
            if not response.next_page_token:
                return json_reply(200, {"orphans": found})
            request.page_token = response.next_page_token

    async def reclaim(self, call: Call) -> Reply:
        body = Body.parse(call.request.body)
        request = system_service_pb2.ReclaimRequest(
            names=[f"orphans/{id_}" for id_ in body.texts("orphans")],
            execute=body.flag("execute", default=False),
            request_id=request_id_of(call.request),
        )
        try:
            operation = await invoke(self._stub.Reclaim, request, call, service=SERVICE)
        except CseError as error:
            raise in_rest_words(error, {"names": "orphans"}) from error
        return json_reply(202, operation_to_json(operation))
