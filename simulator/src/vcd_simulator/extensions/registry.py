"""The registered extension services: their filters, rights and links, and the rules that keep them consistent."""

from dataclasses import dataclass, field
from typing import TypeVar

from vcd_simulator import errors
from vcd_simulator.extensions.authorization import Authorization, ClassSpec
from vcd_simulator.extensions.patterns import UrlPattern
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.services import ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.model.table import Table
from vcd_simulator.model.tenancy import Right

RESERVED_NAMESPACE = "com.vmware.vcloud"
_LONGEST_NAME = 255
_PRIORITIES = range(101)


@dataclass(frozen=True, kw_only=True)
class FilterSpec:
    """An API filter to be made; exactly one of the two is set."""

    url_pattern: str | None = None
    response_content_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class LinkSpec:
    """A service link to be made."""

    href: str
    mime_type: str
    rel: str
    resource_type: str | None = None
    resource_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A service to be registered or changed. `None` keeps what is there, or means the default."""

    name: str | None = None
    namespace: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    enabled: bool | None = None
    authorization_enabled: bool | None = None
    priority: int | None = None
    vendor: str | None = None
    description: str | None = None
    filters: tuple[FilterSpec, ...] = field(default=())
    links: tuple[LinkSpec, ...] = field(default=())
    resource_classes: tuple[ClassSpec, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class RightSpec:
    """A right of a service to be made; its full name begins with the service's namespace in braces."""

    name: str
    description: str = ""
    category: str = ""
    bundle_key: str = ""


_Part = TypeVar("_Part", ApiFilter, ServiceLink)


class ExtensionRegistry:
    """Used under the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.services = cloud.services
        self.filters = cloud.api_filters
        self.links = cloud.service_links
        self.authorization = Authorization(cloud)

    def match(self, path: str) -> list[ExtensionService]:
        """The enabled services that want a raw path, the one with the highest priority first."""
        wanting = {
            one.service_id for one in self.filters if one.url_pattern is not None and one.url_pattern.matches(path)
        }
        found = [service for service in self.services if service.id in wanting and service.enabled]
        return sorted(found, key=lambda service: -service.priority)

    def match_response(self, content_type: str) -> list[ExtensionService]:
        """The enabled services that want to see responses of a type, the one with the highest priority first."""
        shown = _bare(content_type)
        wanting = {
            one.service_id
            for one in self.filters
            if one.response_content_type is not None and _bare(one.response_content_type) == shown
        }
        found = [service for service in self.services if service.id in wanting and service.enabled]
        return sorted(found, key=lambda service: -service.priority)

    def register(self, spec: ServiceSpec) -> ExtensionService:
        """Register a service with its filters and links: all of it, or nothing.

        Raises:
            VcdError: 400, something is missing, invalid or taken.
        """
        namespace = _required("Namespace", spec.namespace)
        if namespace == RESERVED_NAMESPACE:
            raise errors.bad_request(f"The namespace {RESERVED_NAMESPACE} is reserved.")
        if self.services.first("namespace", namespace) is not None:
            raise errors.duplicate_name("service", namespace)
        service = ExtensionService(
            id=self._cloud.new_id(),
            name=_required("name", spec.name),
            namespace=namespace,
            exchange=_required("Exchange", spec.exchange),
            routing_key=_required("RoutingKey", spec.routing_key),
            enabled=spec.enabled is not False,
            authorization_enabled=bool(spec.authorization_enabled),
            priority=_priority(spec.priority, default=0),
            vendor=spec.vendor or "",
            description=spec.description or "",
        )
        filters = [self._filter(service, one) for one in spec.filters]
        links = [self._link(service, one) for one in spec.links]
        self.services.add(service)
        for one in filters:
            self.filters.add(one)
        for link in links:
            self.links.add(link)
        try:
            for one_class in spec.resource_classes:
                self.authorization.add_class(service, one_class)
        except errors.VcdError:
            self.delete(service, force=True)
            raise
        return service

    def update(self, service: ExtensionService, spec: ServiceSpec) -> None:
        """Change what the specification names; filters and links stay when it names none, and are replaced otherwise.

        Raises:
            VcdError: 400, something is invalid, or the namespace would change.
        """
        if spec.namespace is not None and spec.namespace != service.namespace:
            raise errors.bad_request("The namespace of a service cannot be changed.")
        name = service.name if spec.name is None else _required("name", spec.name)
        exchange = service.exchange if spec.exchange is None else _required("Exchange", spec.exchange)
        key = service.routing_key if spec.routing_key is None else _required("RoutingKey", spec.routing_key)
        priority = _priority(spec.priority, default=service.priority)
        filters = [self._filter(service, one) for one in spec.filters]
        links = [self._link(service, one) for one in spec.links]

        service.name, service.exchange, service.routing_key, service.priority = name, exchange, key, priority
        service.enabled = service.enabled if spec.enabled is None else spec.enabled
        if spec.authorization_enabled is not None:
            service.authorization_enabled = spec.authorization_enabled
        service.vendor = service.vendor if spec.vendor is None else spec.vendor
        service.description = service.description if spec.description is None else spec.description
        self.services.reindex(service)
        _replace(self.filters, service, filters)
        _replace(self.links, service, links)
        for one in spec.resource_classes:
            self.authorization.add_class(service, one)

    def delete(self, service: ExtensionService, *, force: bool) -> None:
        """Forget a service, its filters and its links; its rights outlive it, see `clear_unused_rights`.

        Raises:
            VcdError: 400, it is enabled and the deletion is not forced.
        """
        if service.enabled and not force:
            raise errors.not_allowed(
                f'The extension service "{service.name}" is enabled; disable it before deleting it.'
            )
        for one in self.filters.find("service", service.id):
            self.filters.remove(one)
        for link in self.links.find("service", service.id):
            self.links.remove(link)
        self.authorization.forget_service(service)
        self.services.remove(service)

    def add_filter(self, service: ExtensionService, spec: FilterSpec) -> ApiFilter:
        """Add a filter to those that the service has; raises `VcdError` 400 when it is invalid."""
        return self.filters.add(self._filter(service, spec))

    def add_link(self, service: ExtensionService, spec: LinkSpec) -> ServiceLink:
        """Add a link to those that the service has; raises `VcdError` 400 when it is invalid."""
        return self.links.add(self._link(service, spec))

    def links_for(self, media_type: str, resource_id: str) -> list[ServiceLink]:
        """The links that enabled services add to a resource, given as its media type and its URN."""
        kind = _without_format(media_type)
        return [
            link
            for link in self.links
            if (link.resource_type is None or _without_format(link.resource_type) == kind)
            and (link.resource_id is None or link.resource_id == resource_id)
            and self.services[link.service_id].enabled
        ]

    def rights_of(self, service: ExtensionService) -> list[Right]:
        """The rights that belong to the service's namespace."""
        return [right for right in self._cloud.rights if right.service_namespace == service.namespace]

    def add_right(self, service: ExtensionService, spec: RightSpec) -> Right:
        """Make a right of a service.

        Raises:
            VcdError: 400, there is one of that name, or the name is missing.
        """
        name = f"{{{service.namespace}}}:{_required('name', spec.name)}"
        if self._cloud.rights.first("name", name) is not None:
            raise errors.bad_request(f'Right with name "{name}" already exists')
        right = Right(
            id=self._cloud.new_id(),
            name=name,
            description=spec.description,
            category=spec.category,
            bundle_key=spec.bundle_key,
            service_namespace=service.namespace,
            service_id=service.id,
        )
        return self._cloud.rights.add(right)

    def clear_unused_rights(self) -> None:
        """Delete the rights of services that are gone, except those that a role still carries."""
        for right in list(self._cloud.rights):
            orphaned = right.service_namespace is not None and not self.services.find(
                "namespace", right.service_namespace
            )
            if orphaned and not any(right.id in role.rights for role in self._cloud.roles):
                self._cloud.rights.remove(right)
                for org in self._cloud.orgs:
                    org.rights.discard(right.id)

    def _filter(self, service: ExtensionService, spec: FilterSpec) -> ApiFilter:
        if (spec.url_pattern is None) == (spec.response_content_type is None):
            raise errors.bad_request("An ApiFilter has either a UrlPattern or a ResponseContentType.")
        return ApiFilter(
            id=self._cloud.new_id(),
            service_id=service.id,
            url_pattern=None if spec.url_pattern is None else UrlPattern(spec.url_pattern),
            response_content_type=spec.response_content_type,
        )

    def _link(self, service: ExtensionService, spec: LinkSpec) -> ServiceLink:
        if spec.resource_type is None and spec.resource_id is None:
            raise errors.bad_request("A ServiceLink has a ResourceType, a ResourceId or both.")
        return ServiceLink(
            id=self._cloud.new_id(),
            service_id=service.id,
            href=_required("LinkHref", spec.href),
            mime_type=_required("MimeType", spec.mime_type),
            rel=_required("Rel", spec.rel),
            resource_type=spec.resource_type,
            resource_id=spec.resource_id,
        )


def _bare(content_type: str) -> str:
    """A media type without parameters."""
    return content_type.partition(";")[0].strip().lower()


def _without_format(media_type: str) -> str:
    return media_type.partition("+")[0]


def _replace(table: Table[_Part], service: ExtensionService, new: list[_Part]) -> None:
    """Put new filters or links in the place of the service's old ones, if there are any new ones."""
    if not new:
        return
    for old in table.find("service", service.id):
        table.remove(old)
    for one in new:
        table.add(one)


def _required(what: str, value: str | None) -> str:
    if not value:
        raise errors.bad_request(f"Bad request: validation error, {what} is required.")
    if len(value) > _LONGEST_NAME:
        raise errors.bad_request(f"Bad request: validation error, {what} is longer than {_LONGEST_NAME} characters.")
    return value


def _priority(value: int | None, *, default: int) -> int:
    if value is None:
        return default
    if value not in _PRIORITIES:
        raise errors.bad_request("Bad request: validation error, Priority is not between 0 and 100.")
    return value
