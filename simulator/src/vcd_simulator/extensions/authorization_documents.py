"""The documents of the authorization framework: shown, and read."""

from vcd_simulator.extensions.authorization import ActionSpec, ClassSpec, ResourceSpec, RuleSpec
from vcd_simulator.model.authorization import (
    ACL_RULE,
    RESOURCE_CLASS_ACTION,
    SERVICE_RESOURCE,
    AclAccess,
    AclRule,
    ResourceClass,
    ResourceClassAction,
    ServiceResource,
)
from vcd_simulator.model.kinds import ADMIN, VCLOUD
from vcd_simulator.model.services import ExtensionService
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context, Entity
from vcd_simulator.rest.parsing import id_in, referenced_id
from vcd_simulator.rest.xml import Element

_RECORDS = f"{VCLOUD}query.records+xml"
_CHECK_RESPONSE = f"{ADMIN}authorizationCheckResponse+xml"


def _link(rel: str, href: str, media: str | None = None) -> Element:
    return xml.vcloud_in_vmext("Link", rel=rel, type=media, href=href)


def _document(
    tag: str, context: Context, entity: Entity, up: Entity, links: list[Element], *content: xml.Content, name: str
) -> Element:
    return xml.vmext(
        tag,
        _link("up", context.href(up), up.kind.media_type),
        _link("remove", context.href(entity)),
        links,
        *content,
        name=name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def resource_class(context: Context, one: ResourceClass, service: ExtensionService) -> Element:
    """A resource class of a service."""
    here = context.href(one)
    links = [
        _link("add", f"{here}/resourceclassactions", RESOURCE_CLASS_ACTION.media_type),
        _link("down:resourceClassActions", f"{here}/resourceclassactions", _RECORDS),
        _link("add", f"{here}/serviceresources", SERVICE_RESOURCE.media_type),
        _link("down:serviceResources", f"{here}/serviceresources", _RECORDS),
    ]
    return _document(
        "ResourceClass",
        context,
        one,
        service,
        links,
        xml.vcloud_in_vmext("Description", one.description),
        xml.vmext("MimeType", one.mime_type),
        xml.vmext("UrlTemplate", one.url_template),
        xml.vmext("Nid", one.nid) if one.nid else None,
        xml.vmext("UrnPattern", one.urn_pattern) if one.urn_pattern else None,
        name=one.name,
    )


def action(context: Context, one: ResourceClassAction, of: ResourceClass) -> Element:
    """An action of a resource class."""
    here = context.href(one)
    links = [
        _link("add", f"{here}/aclrules", ACL_RULE.media_type),
        _link("down:aclRules", f"{here}/aclrules", _RECORDS),
    ]
    return _document(
        "ResourceClassAction",
        context,
        one,
        of,
        links,
        xml.vmext("HttpMethod", one.method),
        xml.vmext("UrlPattern", one.url_pattern.text),
        name=one.name,
    )


def rule(context: Context, one: AclRule, of: ResourceClassAction) -> Element:
    """A rule of an action."""
    return _document(
        "AclRule",
        context,
        one,
        of,
        [],
        _access(context, "ServiceResourceAccess", one.resource),
        _access(context, "OrganizationAccess", one.organization),
        _access(context, "PrincipalAccess", one.principal),
        name=one.name,
    )


def _access(context: Context, tag: str, one: AclAccess) -> Element:
    entity = xml.vmext(
        "Entity",
        name=one.entity_name or None,
        type=one.entity_type or None,
        href=context.url(one.entity_href),
    )
    return xml.vmext(tag, xml.vmext("Access", one.access), entity if one.entity_id else None)


def resource(context: Context, one: ServiceResource, of: ResourceClass) -> Element:
    """A resource of a service."""
    org = context.cloud.orgs[one.org_id]
    return _document(
        "ServiceResource",
        context,
        one,
        of,
        [],
        xml.vmext("Org", name=org.name, type=org.kind.admin_media_type, href=context.href(org, admin=True)),
        xml.vmext("ExternalObjectId", one.external_id),
        name=one.name,
    )


def check_response(allowed: bool) -> Element:
    """The answer to the question whether a user may make a request."""
    response = xml.vmext("AuthorizationCheckResponse", xml.vmext("IsAuthorized", allowed))
    response.set("type", _CHECK_RESPONSE)
    return response


def service_links(here: str) -> list[Element]:
    """What a service's document says about its resource classes."""
    return [
        _link("add", f"{here}/resourceclasses", f"{ADMIN}resourceClass+xml"),
        _link("down:resourceClasses", f"{here}/resourceclasses", _RECORDS),
        _link("authorization:check", f"{here}/authorizationcheck", f"{ADMIN}authorizationCheckParams+xml"),
    ]


def read_classes(context: Context, root: Element) -> tuple[ClassSpec, ...]:
    """The resource classes in a document of a service."""
    return tuple(read_class(context, one) for one in xml.children(xml.child(root, "ResourceClasses"), "ResourceClass"))


def read_class(context: Context, root: Element) -> ClassSpec:
    """What a client wants a resource class to be."""
    actions = xml.children(xml.child(root, "ResourceClassActions"), "ResourceClassAction")
    resources = xml.children(xml.child(root, "ServiceResources"), "ServiceResource")
    return ClassSpec(
        name=root.get("name") or "",
        description=xml.text_of(root, "Description"),
        mime_type=xml.text_of(root, "MimeType"),
        url_template=xml.text_of(root, "UrlTemplate"),
        nid=xml.text_of(root, "Nid"),
        urn_pattern=xml.text_of(root, "UrnPattern"),
        actions=tuple(read_action(context, one) for one in actions),
        resources=tuple(read_resource(one) for one in resources),
    )


def read_action(context: Context, root: Element) -> ActionSpec:
    """What a client wants an action to be."""
    rules = xml.children(xml.child(root, "AclRules"), "AclRule")
    return ActionSpec(
        name=root.get("name") or "",
        method=xml.text_of(root, "HttpMethod"),
        url_pattern=xml.text_of(root, "UrlPattern"),
        rules=tuple(read_rule(context, one) for one in rules),
    )


def read_rule(context: Context, root: Element) -> RuleSpec:
    """What a client wants a rule to be."""
    stated = xml.child(root, "ServiceResourceAccess")
    return RuleSpec(
        name=root.get("name") or "",
        organization=_read_access(context, xml.child(root, "OrganizationAccess")),
        principal=_read_access(context, xml.child(root, "PrincipalAccess")),
        resource=None if stated is None else _read_access(context, stated),
    )


def _read_access(context: Context, element: Element | None) -> AclAccess:
    entity = xml.child(element, "Entity")
    href = (entity.get("href") or "") if entity is not None else ""
    return AclAccess(
        access=xml.text_of(element, "Access"),
        entity_id=id_in(href),
        entity_href=href.removeprefix(context.base),
        entity_type=(entity.get("type") or "") if entity is not None else "",
        entity_name=(entity.get("name") or "") if entity is not None else "",
    )


def read_resource(root: Element) -> ResourceSpec:
    """What a client wants a resource to be."""
    return ResourceSpec(
        name=root.get("name") or "",
        org_id=referenced_id(xml.child(root, "Org"), "Org"),
        external_id=xml.text_of(root, "ExternalObjectId"),
    )
