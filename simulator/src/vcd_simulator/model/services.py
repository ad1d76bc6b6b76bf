"""Extension services and what belongs to them."""

from dataclasses import dataclass, replace
from typing import ClassVar

from vcd_simulator.extensions.patterns import UrlPattern
from vcd_simulator.model.kinds import ADMIN, Kind

SERVICE_ROOT = "/api/admin/extension/service/"


def service_kind(name: str, path: str, media: str) -> Kind:
    media_type = f"{ADMIN}{media}+xml"
    return Kind(
        name=name,
        urn=f"urn:vcloud:{name}:",
        path=path,
        media_type=media_type,
        admin_path=path,
        admin_media_type=media_type,
    )


SERVICE = service_kind("externalService", SERVICE_ROOT, "service")
USER_SERVICE = replace(SERVICE, path="/api/service/", admin_path="/api/service/")
"""The same as all users see it."""
API_FILTER = service_kind("apiFilter", f"{SERVICE_ROOT}apifilter/", "apiFilter")
SERVICE_LINK = service_kind("serviceLink", f"{SERVICE_ROOT}link/", "serviceLink")


@dataclass(slots=True, kw_only=True)
class ExtensionService:
    """A service that answers paths of its own, reached through an exchange and a routing key."""

    kind: ClassVar[Kind] = SERVICE
    id: str
    name: str
    namespace: str
    exchange: str
    routing_key: str
    enabled: bool = True
    authorization_enabled: bool = False
    priority: int = 0
    vendor: str = ""
    description: str = ""


@dataclass(slots=True, kw_only=True)
class ApiFilter:
    """What a service wants to see: requests for certain paths, or responses of a certain type."""

    kind: ClassVar[Kind] = API_FILTER
    id: str
    service_id: str
    url_pattern: UrlPattern | None = None
    response_content_type: str | None = None


@dataclass(slots=True, kw_only=True)
class ServiceLink:
    """A link that appears in other documents: in all of a type, or in one resource's."""

    kind: ClassVar[Kind] = SERVICE_LINK
    id: str
    service_id: str
    href: str
    mime_type: str
    rel: str
    resource_type: str | None = None
    resource_id: str | None = None
