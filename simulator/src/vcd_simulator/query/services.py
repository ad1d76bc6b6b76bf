"""Records of who may use extension services, and of the services as every user sees them."""

from vcd_simulator.access import Access
from vcd_simulator.model.authorization import (
    RESOURCE_CLASS,
    RESOURCE_CLASS_ACTION,
    AclRule,
    ResourceClass,
    ResourceClassAction,
    ServiceResource,
)
from vcd_simulator.model.kinds import ORG
from vcd_simulator.model.services import SERVICE, ExtensionService
from vcd_simulator.query.types import RecordType
from vcd_simulator.query.values import Pointer


def _administrators(access: Access, _entity: object) -> bool:
    return access.is_sysadmin


_CLASSES = RecordType[ResourceClass](
    name="resourceClass",
    tag="ResourceClassRecord",
    table=lambda cloud: cloud.resource_classes,
    visible=_administrators,
    attributes={
        "name": lambda cloud, one: one.name,
        "service": lambda cloud, one: Pointer(SERVICE, one.service_id),
        "mimeType": lambda cloud, one: one.mime_type,
        "urlTemplate": lambda cloud, one: one.url_template,
        "nid": lambda cloud, one: one.nid or None,
        "urnPattern": lambda cloud, one: one.urn_pattern or None,
    },
    admin=True,
    indexes={"service": "service"},
    references={"service": SERVICE},
)
_ACTIONS = RecordType[ResourceClassAction](
    name="resourceClassAction",
    tag="ResourceClassActionRecord",
    table=lambda cloud: cloud.resource_class_actions,
    visible=_administrators,
    attributes={
        "name": lambda cloud, one: one.name,
        "resourceClass": lambda cloud, one: Pointer(RESOURCE_CLASS, one.class_id),
        "httpMethod": lambda cloud, one: one.method,
        "urlPattern": lambda cloud, one: one.url_pattern.text,
    },
    admin=True,
    indexes={"resourceClass": "resource_class"},
    references={"resourceClass": RESOURCE_CLASS},
)
_RULES = RecordType[AclRule](
    name="aclRule",
    tag="AclRuleRecord",
    table=lambda cloud: cloud.acl_rules,
    visible=_administrators,
    attributes={
        "name": lambda cloud, rule: rule.name,
        "resourceClassAction": lambda cloud, rule: Pointer(RESOURCE_CLASS_ACTION, rule.action_id),
        "serviceResourceAccess": lambda cloud, rule: rule.resource.access,
        "orgAccess": lambda cloud, rule: rule.organization.access,
        "principalAccess": lambda cloud, rule: rule.principal.access,
    },
    admin=True,
    indexes={"resourceClassAction": "action"},
    references={"resourceClassAction": RESOURCE_CLASS_ACTION},
)
_RESOURCES = RecordType[ServiceResource](
    name="serviceResource",
    tag="ServiceResourceRecord",
    table=lambda cloud: cloud.service_resources,
    visible=_administrators,
    attributes={
        "name": lambda cloud, one: one.name,
        "resourceClass": lambda cloud, one: Pointer(RESOURCE_CLASS, one.class_id),
        "org": lambda cloud, one: Pointer(ORG, one.org_id),
        "externalObjectId": lambda cloud, one: one.external_id,
    },
    admin=True,
    indexes={"resourceClass": "resource_class"},
    references={"resourceClass": RESOURCE_CLASS, "org": ORG},
)
_USER_SERVICES = RecordType[ExtensionService](
    name="service",
    tag="ServiceRecord",
    table=lambda cloud: cloud.services,
    visible=lambda access, service: service.enabled,
    attributes={
        "name": lambda cloud, service: service.name,
        "namespace": lambda cloud, service: service.namespace,
        "vendor": lambda cloud, service: service.vendor or None,
    },
    indexes={"name": "name", "namespace": "namespace"},
)

OPEN_TYPES = (_USER_SERVICES,)
"""For every user."""
TYPES = (_CLASSES, _ACTIONS, _RULES, _RESOURCES)
"""For system administrators."""
