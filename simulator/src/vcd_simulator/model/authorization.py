"""What decides who may use an extension service that takes part in vCloud Director's authorization."""

from dataclasses import dataclass, field
from typing import ClassVar

from vcd_simulator.extensions.patterns import UrlPattern
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.services import SERVICE_ROOT, service_kind

RESOURCE_CLASS = service_kind("resourceClass", f"{SERVICE_ROOT}resourceclass/", "resourceClass")
RESOURCE_CLASS_ACTION = service_kind(
    "resourceClassAction", f"{SERVICE_ROOT}resourceclassaction/", "resourceClassAction"
)
ACL_RULE = service_kind("aclRule", f"{SERVICE_ROOT}aclrule/", "aclRule")
SERVICE_RESOURCE = service_kind("serviceResource", f"{SERVICE_ROOT}serviceresource/", "serviceResource")

SHARED = "Shared"
PUBLISHED = "Published"
ENTITY = "Entity"


@dataclass(slots=True, kw_only=True)
class ResourceClass:
    """A kind of resource that a service has."""

    kind: ClassVar[Kind] = RESOURCE_CLASS
    id: str
    service_id: str
    name: str
    description: str = ""
    mime_type: str
    url_template: str
    nid: str = ""
    urn_pattern: str = ""


@dataclass(slots=True, kw_only=True)
class ServiceResource:
    """One resource of a class, which an organisation owns; `external_id` is what paths call it."""

    kind: ClassVar[Kind] = SERVICE_RESOURCE
    id: str
    class_id: str
    name: str
    org_id: str
    external_id: str


@dataclass(slots=True, kw_only=True)
class ResourceClassAction:
    """Something that can be done with resources of a class: a method on paths that fit a pattern."""

    kind: ClassVar[Kind] = RESOURCE_CLASS_ACTION
    id: str
    class_id: str
    name: str
    method: str
    url_pattern: UrlPattern


@dataclass(slots=True, kw_only=True)
class AclAccess:
    """To what a rule applies: everything shared or published, or one entity, given as its path and id."""

    access: str
    entity_id: str = ""
    entity_href: str = ""
    entity_type: str = ""
    entity_name: str = ""


@dataclass(slots=True, kw_only=True)
class AclRule:
    """Who may do what an action is. Whoever fits one rule of the action may."""

    kind: ClassVar[Kind] = ACL_RULE
    id: str
    action_id: str
    name: str
    organization: AclAccess
    principal: AclAccess
    resource: AclAccess = field(default_factory=lambda: AclAccess(access=SHARED))
