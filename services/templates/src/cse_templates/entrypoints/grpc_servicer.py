"""`cse.templates.v1.TemplateService`: translates a call, asks the catalogue, translates back."""

from typing import Protocol

import grpc

from cse.templates.v1 import template_pb2, template_service_pb2, template_service_pb2_grpc
from cse_core.grpc.metadata import Credentials, credentials_from
from cse_core.names import TemplateName
from cse_templates.application.queries import CatalogueQueries
from cse_templates.domain.template import Template

SERVICE = "cse.templates.v1.TemplateService"


class Verifier(Protocol):
    """Says whether vCD accepts a caller's token."""

    def verify(self, credentials: Credentials) -> object:
        """Returns the caller; raises UnauthenticatedError, or UnavailableError while vCD does not answer."""


class TemplateServicer(template_service_pb2_grpc.TemplateServiceServicer):
    """The catalogue, for callers whose token vCD accepts."""

    def __init__(self, queries: CatalogueQueries, verifier: Verifier) -> None:
        self._queries = queries
        self._verifier = verifier

    def ListTemplates(
        self, request: template_service_pb2.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> template_service_pb2.ListTemplatesResponse:
        self._check_caller(context)
        page = self._queries.page(page_size=request.page_size, page_token=request.page_token)
        return template_service_pb2.ListTemplatesResponse(
            templates=map(to_proto, page.templates), next_page_token=page.next_token
        )

    def GetTemplate(
        self, request: template_service_pb2.GetTemplateRequest, context: grpc.ServicerContext
    ) -> template_pb2.Template:
        self._check_caller(context)
        return to_proto(self._template(request.name))

    def GetTemplateScripts(
        self, request: template_service_pb2.GetTemplateScriptsRequest, context: grpc.ServicerContext
    ) -> template_pb2.TemplateScripts:
        self._check_caller(context)
        template = self._template(request.name)
        scripts = template.definition.scripts
        return template_pb2.TemplateScripts(
            template=str(TemplateName(template.name)),
            digest=scripts.digest,
            control_plane=scripts.control_plane,
            worker=scripts.worker,
            nfs=scripts.nfs,
            pod_subnet=template.definition.pod_subnet,
        )

    def _check_caller(self, context: grpc.ServicerContext) -> None:
        self._verifier.verify(credentials_from(context.invocation_metadata()))

    def _template(self, name: str) -> Template:
        return self._queries.get(TemplateName.parse(name).template)


def to_proto(template: Template) -> template_pb2.Template:
    """The contract's form of a template."""
    offer, definition = template.offer, template.definition
    return template_pb2.Template(
        name=str(TemplateName(template.name)),
        description=offer.description,
        catalog=offer.catalog,
        catalog_item=offer.catalog_item,
        is_default=template.is_default,
        cpu_count=offer.cpu_count,
        memory_mb=offer.memory_mb,
        os=definition.os,
        kubernetes_version=definition.kubernetes_version,
        container_runtime=str(definition.container_runtime),
        container_network=str(definition.container_network),
        revision=definition.revision,
        scripts_digest=definition.scripts.digest,
    )
