"""Records of extension services: what they answer, what they link to, and who may use them."""

from vcd_simulator.model.authorization import (
    RESOURCE_CLASS,
    RESOURCE_CLASS_ACTION,
    AclRule,
    ResourceClass,
    ResourceClassAction,
    ServiceResource,
)
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import ORG
from vcd_simulator.model.services import SERVICE, USER_SERVICE, ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_USER_SERVICES = RecordType[ExtensionService](
    name="service",
    tag="ServiceRecord",
    table=lambda cloud: cloud.services,
    visible=lambda access, service: service.enabled,
    kind=USER_SERVICE,
    attributes={
        "name": lambda cloud, service: service.name,
        "namespace": lambda cloud, service: service.namespace,
        "vendor": lambda cloud, service: service.vendor or None,
    },
    indexes={"name": Index("name"), "namespace": Index("namespace")},
)
_SERVICES = RecordType[ExtensionService](
    name="adminService",
    tag="AdminServiceRecord",
    table=lambda cloud: cloud.services,
    attributes={
        "name": lambda cloud, service: service.name,
        "namespace": lambda cloud, service: service.namespace,
        "enabled": lambda cloud, service: service.enabled,
        "exchange": lambda cloud, service: service.exchange,
        "routingKey": lambda cloud, service: service.routing_key,
        "priority": lambda cloud, service: service.priority,
        "isAuthorizationEnabled": lambda cloud, service: service.authorization_enabled,
        "vendor": lambda cloud, service: service.vendor or None,
        "description": lambda cloud, service: service.description or None,
    },
    admin=True,
    indexes={"name": Index("name"), "namespace": Index("namespace")},
)


def _pattern(_cloud: Cloud, one: ApiFilter) -> str | None:
    return None if one.url_pattern is None else one.url_pattern.text


_API_FILTERS = RecordType[ApiFilter](
    name="apiFilter",
    tag="ApiFilterRecord",
    table=lambda cloud: cloud.api_filters,
    attributes={
        "service": lambda cloud, one: Pointer(SERVICE, one.service_id),
        "urlPattern": _pattern,
        "responseContentType": lambda cloud, one: one.response_content_type,
    },
    admin=True,
    indexes={"service": Index("service", SERVICE)},
)
_SERVICE_LINKS = RecordType[ServiceLink](
    name="serviceLink",
    tag="ServiceLinkRecord",
    table=lambda cloud: cloud.service_links,
    attributes={
        "service": lambda cloud, link: Pointer(SERVICE, link.service_id),
        "linkHref": lambda cloud, link: link.href,
        "mimeType": lambda cloud, link: link.mime_type,
        "rel": lambda cloud, link: link.rel,
        "resourceType": lambda cloud, link: link.resource_type,
        "resourceId": lambda cloud, link: link.resource_id,
    },
    admin=True,
    indexes={"service": Index("service", SERVICE)},
)
_CLASSES = RecordType[ResourceClass](
    name="resourceClass",
    tag="ResourceClassRecord",
    table=lambda cloud: cloud.resource_classes,
    attributes={
        "name": lambda cloud, one: one.name,
        "service": lambda cloud, one: Pointer(SERVICE, one.service_id),
        "mimeType": lambda cloud, one: one.mime_type,
        "urlTemplate": lambda cloud, one: one.url_template,
        "nid": lambda cloud, one: one.nid or None,
        "urnPattern": lambda cloud, one: one.urn_pattern or None,
    },
    admin=True,
    indexes={"service": Index("service", SERVICE)},
)
_ACTIONS = RecordType[ResourceClassAction](
    name="resourceClassAction",
    tag="ResourceClassActionRecord",
    table=lambda cloud: cloud.resource_class_actions,
    attributes={
        "name": lambda cloud, one: one.name,
        "resourceClass": lambda cloud, one: Pointer(RESOURCE_CLASS, one.class_id),
        "httpMethod": lambda cloud, one: one.method,
        "urlPattern": lambda cloud, one: one.url_pattern.text,
    },
    admin=True,
    indexes={"resourceClass": Index("resource_class", RESOURCE_CLASS)},
)
_RULES = RecordType[AclRule](
    name="aclRule",
    tag="AclRuleRecord",
    table=lambda cloud: cloud.acl_rules,
    attributes={
        "name": lambda cloud, rule: rule.name,
        "resourceClassAction": lambda cloud, rule: Pointer(RESOURCE_CLASS_ACTION, rule.action_id),
        "serviceResourceAccess": lambda cloud, rule: rule.resource.access,
        "orgAccess": lambda cloud, rule: rule.organization.access,
        "principalAccess": lambda cloud, rule: rule.principal.access,
    },
    admin=True,
    indexes={"resourceClassAction": Index("action", RESOURCE_CLASS_ACTION)},
)
_RESOURCES = RecordType[ServiceResource](
    name="serviceResource",
    tag="ServiceResourceRecord",
    table=lambda cloud: cloud.service_resources,
    attributes={
        "name": lambda cloud, one: one.name,
        "resourceClass": lambda cloud, one: Pointer(RESOURCE_CLASS, one.class_id),
        "org": lambda cloud, one: Pointer(ORG, one.org_id),
        "externalObjectId": lambda cloud, one: one.external_id,
    },
    admin=True,
    indexes={"resourceClass": Index("resource_class", RESOURCE_CLASS)},
)

TYPES = (_USER_SERVICES, _SERVICES, _API_FILTERS, _SERVICE_LINKS, _CLASSES, _ACTIONS, _RULES, _RESOURCES)
