"""The documents of extension services: how they are shown, and how what clients send is read."""

from vcd_simulator.extensions import authorization_documents
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.extensions.registry import FilterSpec, LinkSpec, RightSpec, ServiceSpec
from vcd_simulator.model.kinds import ADMIN, RIGHT, VCLOUD
from vcd_simulator.model.services import SERVICE, ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.model.tenancy import Right
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.xml import Element

EXTENSION = "/api/admin/extension"
SERVICES = f"{EXTENSION}/service"
AMQP = f"{EXTENSION}/settings/amqp"

AMQP_MEDIA = f"{ADMIN}amqpSettings+xml"
_AMQP_TEST_MEDIA = f"{ADMIN}amqpSettingsTest+xml"
_EXTENSION_MEDIA = f"{ADMIN}vmwExtension+xml"
_SERVICES_MEDIA = f"{ADMIN}extensionServices+xml"
_RIGHTS_MEDIA = f"{ADMIN}rights+xml"
_RECORDS_MEDIA = f"{VCLOUD}query.records+xml"
_EXTENSIBILITY_MEDIA = f"{VCLOUD}apiextensibility+xml"
_USER_SERVICE_MEDIA = f"{VCLOUD}service+xml"


def _link(rel: str, href: str, media: str | None = None, name: str | None = None) -> Element:
    return xml.vcloud_in_vmext("Link", rel=rel, type=media, name=name, href=href)


def services(context: Context) -> Element:
    """The place where services are registered."""
    return xml.vmext(
        "ExtensionServices",
        _link("up", context.url(EXTENSION), _EXTENSION_MEDIA),
        _link("add", context.url(SERVICES), SERVICE.media_type),
        _link("down:services", context.url("/api/query?type=adminService"), _RECORDS_MEDIA),
        href=context.url(SERVICES),
        type=_SERVICES_MEDIA,
    )


def service(context: Context, one: ExtensionService) -> Element:
    """A service as administrators see it."""
    here = context.href(one)
    return xml.vmext(
        "Service",
        _link("up", context.url(SERVICES), _SERVICES_MEDIA),
        _link("edit", here, SERVICE.media_type),
        _link("remove", here),
        _link("add", f"{here}/apifilters", f"{ADMIN}apiFilter+xml"),
        _link("down:apiFilters", f"{here}/apifilters", _RECORDS_MEDIA),
        _link("add", f"{here}/links", f"{ADMIN}serviceLink+xml"),
        _link("down:serviceLinks", f"{here}/links", _RECORDS_MEDIA),
        _link("rights", f"{here}/rights", _RIGHTS_MEDIA),
        authorization_documents.service_links(here),
        xml.vcloud_in_vmext("Description", one.description),
        xml.vmext("Namespace", one.namespace),
        xml.vmext("Enabled", one.enabled),
        xml.vmext("AuthorizationEnabled", one.authorization_enabled),
        xml.vmext("RoutingKey", one.routing_key),
        xml.vmext("Priority", one.priority),
        xml.vmext("Exchange", one.exchange),
        xml.vmext("Vendor", one.vendor) if one.vendor else None,
        name=one.name,
        id=context.urn(one),
        href=here,
        type=SERVICE.media_type,
    )


def api_filter(context: Context, one: ApiFilter, of: ExtensionService) -> Element:
    """An API filter of a service."""
    pattern = one.url_pattern
    return xml.vmext(
        "ApiFilter",
        _link("up", context.href(of), SERVICE.media_type, of.name),
        _link("remove", context.href(one)),
        xml.vmext("UrlPattern", pattern.text) if pattern is not None else None,
        xml.vmext("ResponseContentType", one.response_content_type) if pattern is None else None,
        id=context.urn(one),
        href=context.href(one),
        type=one.kind.media_type,
    )


def service_link(context: Context, one: ServiceLink, of: ExtensionService) -> Element:
    """A link that a service adds to other documents."""
    return xml.vmext(
        "ServiceLink",
        _link("up", context.href(of), SERVICE.media_type, of.name),
        _link("remove", context.href(one)),
        xml.vmext("LinkHref", one.href),
        xml.vmext("MimeType", one.mime_type),
        xml.vmext("Rel", one.rel),
        xml.vmext("ResourceId", one.resource_id) if one.resource_id else None,
        xml.vmext("ResourceType", one.resource_type) if one.resource_type else None,
        id=context.urn(one),
        href=context.href(one),
        type=one.kind.media_type,
    )


def rights(context: Context, of: ExtensionService, owned: list[Right]) -> Element:
    """The rights of a service."""
    here = f"{context.href(of)}/rights"
    return xml.vcloud(
        "Rights",
        xml.vcloud("Link", rel="up", type=SERVICE.media_type, href=context.href(of)),
        xml.vcloud("Link", rel="add", type=RIGHT.media_type, href=here),
        [xml.vcloud("RightReference", name=one.name, type=RIGHT.media_type, href=context.href(one)) for one in owned],
        href=here,
        type=_RIGHTS_MEDIA,
    )


def extensibility(context: Context, enabled: list[ExtensionService]) -> Element:
    """The services as every user sees them."""
    links = [
        xml.vcloud(
            "Link", rel="down:service", type=_USER_SERVICE_MEDIA, name=one.name, href=context.url(user_path(one))
        )
        for one in enabled
    ]
    return xml.vcloud("ApiExtensibility", links, href=context.url("/api/extensibility"), type=_EXTENSIBILITY_MEDIA)


def user_service(context: Context, one: ExtensionService) -> Element:
    """A service as every user sees it."""
    return xml.vcloud(
        "Service",
        xml.vcloud("Description", one.description),
        xml.vcloud("Namespace", one.namespace),
        xml.vcloud("Vendor", one.vendor),
        name=one.name,
        id=context.urn(one),
        href=context.url(user_path(one)),
        type=_USER_SERVICE_MEDIA,
    )


def user_path(one: ExtensionService) -> str:
    """Where users find a service."""
    return f"/api/service/{one.id}"


def system_settings(context: Context) -> Element:
    """The settings of the installation, as far as there are any."""
    here = context.url(f"{EXTENSION}/settings")
    return xml.vmext(
        "SystemSettings",
        _link("up", context.url(EXTENSION), _EXTENSION_MEDIA),
        _link("down", context.url(AMQP), AMQP_MEDIA),
        href=here,
        type=f"{ADMIN}systemSettings+xml",
    )


def amqp_settings(context: Context, settings: AmqpSettings) -> Element:
    """The broker that the cells use; the password stays home."""
    here = context.url(AMQP)
    return xml.vmext(
        "AmqpSettings",
        _link("up", context.url(f"{EXTENSION}/settings"), f"{ADMIN}systemSettings+xml"),
        _link("edit", here, AMQP_MEDIA),
        _link("test", f"{here}/action/test", AMQP_MEDIA),
        xml.vmext("AmqpHost", settings.host),
        xml.vmext("AmqpPort", settings.port),
        xml.vmext("AmqpUsername", settings.username),
        xml.vmext("AmqpExchange", settings.exchange),
        xml.vmext("AmqpVHost", settings.vhost),
        xml.vmext("AmqpUseSSL", settings.use_ssl),
        xml.vmext("AmqpSslAcceptAll", settings.ssl_accept_all),
        xml.vmext("AmqpPrefix", settings.prefix),
        href=here,
        type=AMQP_MEDIA,
    )


def amqp_test(context: Context, problem: str | None) -> Element:
    """The outcome of trying settings out."""
    failure = xml.vmext(
        "error", majorErrorCode=500, minorErrorCode="INTERNAL_SERVER_ERROR", message=problem, stackTrace=""
    )
    return xml.vmext(
        "AmqpSettingsTest",
        _link("up", context.url(AMQP), AMQP_MEDIA),
        xml.vmext("Valid", problem is None),
        failure if problem is not None else None,
        href=context.url(f"{AMQP}/action/test"),
        type=_AMQP_TEST_MEDIA,
    )


def read_service(context: Context, root: Element) -> ServiceSpec:
    """What a client wants a service to be; the order of the elements does not matter."""
    return ServiceSpec(
        name=root.get("name"),
        namespace=_optional(root, "Namespace"),
        exchange=_optional(root, "Exchange"),
        routing_key=_optional(root, "RoutingKey"),
        enabled=_optional_flag(root, "Enabled"),
        authorization_enabled=_optional_flag(root, "AuthorizationEnabled"),
        priority=xml.int_of(root, "Priority") if xml.text_of(root, "Priority") else None,
        vendor=_optional(root, "Vendor"),
        description=_optional(root, "Description"),
        filters=tuple(read_filter(one) for one in xml.children(xml.child(root, "ApiFilters"), "ApiFilter")),
        links=tuple(read_link(one) for one in xml.children(xml.child(root, "ServiceLinks"), "ServiceLink")),
        resource_classes=authorization_documents.read_classes(context, root),
    )


def read_filter(root: Element) -> FilterSpec:
    """What a client wants an API filter to be."""
    return FilterSpec(
        url_pattern=_optional(root, "UrlPattern"), response_content_type=_optional(root, "ResponseContentType")
    )


def read_link(root: Element) -> LinkSpec:
    """What a client wants a service link to be."""
    return LinkSpec(
        href=xml.text_of(root, "LinkHref"),
        mime_type=xml.text_of(root, "MimeType"),
        rel=xml.text_of(root, "Rel"),
        resource_type=_optional(root, "ResourceType"),
        resource_id=_optional(root, "ResourceId"),
    )


def read_right(root: Element) -> RightSpec:
    """What a client wants a service's right to be."""
    return RightSpec(
        name=root.get("name") or "",
        description=xml.text_of(root, "Description"),
        category=xml.text_of(root, "Category"),
        bundle_key=xml.text_of(root, "BundleKey"),
    )


def read_amqp_settings(root: Element, current: AmqpSettings) -> AmqpSettings:
    """The settings that a client sends; a password left out is the one in use."""
    return AmqpSettings(
        host=xml.text_of(root, "AmqpHost"),
        port=xml.int_of(root, "AmqpPort"),
        username=xml.text_of(root, "AmqpUsername"),
        password=xml.text_of(root, "AmqpPassword", current.password),
        exchange=xml.text_of(root, "AmqpExchange"),
        vhost=xml.text_of(root, "AmqpVHost", "/"),
        use_ssl=xml.flag_of(root, "AmqpUseSSL"),
        ssl_accept_all=xml.flag_of(root, "AmqpSslAcceptAll"),
        prefix=xml.text_of(root, "AmqpPrefix", "vcd"),
    )


def _optional(root: Element, name: str) -> str | None:
    found = xml.child(root, name)
    return None if found is None else (found.text or "").strip()


def _optional_flag(root: Element, name: str) -> bool | None:
    return None if xml.child(root, name) is None else xml.flag_of(root, name)
