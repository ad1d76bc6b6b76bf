"""Templates: `/api/cse/template`."""

from typing import Final

import grpc

from cse.templates.v1 import template_pb2, template_service_pb2, template_service_pb2_grpc
from cse_core.names import TemplateName
from cse_gateway.adapters.backend import invoke
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the template service"


class TemplateRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = template_service_pb2_grpc.TemplateServiceStub(channel)

    async def list(self, call: Call) -> Reply:
        found: list[dict[str, object]] = []
        request = template_service_pb2.ListTemplatesRequest()
        while True:
            response = await invoke(self._stub.ListTemplates, request, call, service=SERVICE)
            found.extend(template_to_json(template) for template in response.templates)
            if not response.next_page_token:
                return json_reply(200, found)
            request.page_token = response.next_page_token


def template_to_json(template: template_pb2.Template) -> dict[str, object]:
    """A template with exactly the keys that old clients know."""
    return {
        "name": TemplateName.parse(template.name).template,
        "description": template.description,
        "catalog": template.catalog,
        "catalog_item": template.catalog_item,
        "is_default": template.is_default,
    }
