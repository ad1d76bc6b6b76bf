"""`Templates` kept with the templates service, and root's passwords with the configuration."""

from collections.abc import Mapping
from typing import Final

import grpc
import structlog

from cse.templates.v1 import template_service_pb2, template_service_pb2_grpc
from cse_clusters.application.ports import Scripts, Template
from cse_clusters.domain.access import Credentials
from cse_core.grpc import metadata
from cse_core.grpc.status import error_of
from cse_core.names import WILDCARD, TemplateName
from cse_core.secret import Secret


class GrpcTemplates:
    """Asks in the caller's name.

    Args:
        channel: to the templates service.
        admin_passwords: by template, from the configuration.
        timeout_s: of a call.
    """

    def __init__(self, channel: grpc.Channel, admin_passwords: Mapping[str, Secret], *, timeout_s: float) -> None:
        self._stub: Final = template_service_pb2_grpc.TemplateServiceStub(channel)
        self._admin_passwords = admin_passwords
        self._timeout_s = timeout_s

    def get(self, credentials: Credentials, name: str | None) -> Template:
        request = template_service_pb2.GetTemplateRequest(name=str(TemplateName(name or WILDCARD)))
        try:
            found = self._stub.GetTemplate(request, timeout=self._timeout_s, metadata=_metadata(credentials))
        except grpc.RpcError as exc:
            raise error_of(exc) from exc
        return Template(name=TemplateName.parse(found.name).template, catalog=found.catalog, item=found.catalog_item)

    def scripts(self, credentials: Credentials, name: str) -> Scripts:
        request = template_service_pb2.GetTemplateScriptsRequest(name=str(TemplateName(name)))
        try:
            found = self._stub.GetTemplateScripts(request, timeout=self._timeout_s, metadata=_metadata(credentials))
        except grpc.RpcError as exc:
            raise error_of(exc) from exc
        return Scripts(
            digest=found.digest,
            control_plane=found.control_plane,
            worker=found.worker,
            nfs=found.nfs,
            pod_subnet=found.pod_subnet,
        )

    def admin_password(self, name: str) -> Secret | None:
        return self._admin_passwords.get(name)


def _metadata(credentials: Credentials) -> tuple[tuple[str, str], ...]:
    """The caller's token and the id of the request that this call belongs to."""
    caller = metadata.Credentials(
        credentials.token, is_jwt=credentials.scheme == "bearer", api_version=credentials.api_version
    )
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return (*caller.to_metadata(), *(((metadata.REQUEST_ID, str(request_id)),) if request_id else ()))
