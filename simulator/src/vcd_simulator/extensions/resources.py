"""The administration of extension services, and what every user sees of them."""

from vcd_simulator import errors
from vcd_simulator.extensions import documents
from vcd_simulator.extensions.authorization_resources import authorization_routes
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.model.services import API_FILTER, SERVICE, SERVICE_LINK, ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import people
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.routing import Router

_MANAGE = "External Service: Manage"


def service_routes(registry: ExtensionRegistry) -> Router:
    """The routes below `/api/admin/extension/service`, `/api/extensibility` and `/api/service`."""
    router = Router()
    resources = _Resources(registry)
    root = documents.SERVICES
    router.get(root)(resources.list_services)
    router.post(root)(resources.register)
    router.post(f"{root}/action/clearUnusedRights")(resources.clear_unused_rights)
    router.get(f"{root}/{{service_id}}")(resources.show)
    router.put(f"{root}/{{service_id}}")(resources.update)
    router.delete(f"{root}/{{service_id}}")(resources.delete)
    router.post(f"{root}/{{service_id}}/apifilters")(resources.add_filter)
    router.get(f"{root}/apifilter/{{filter_id}}")(resources.show_filter)
    router.delete(f"{root}/apifilter/{{filter_id}}")(resources.delete_filter)
    router.post(f"{root}/{{service_id}}/links")(resources.add_link)
    router.get(f"{root}/link/{{link_id}}")(resources.show_link)
    router.delete(f"{root}/link/{{link_id}}")(resources.delete_link)
    router.get(f"{root}/{{service_id}}/rights")(resources.list_rights)
    router.post(f"{root}/{{service_id}}/rights")(resources.add_right)
    router.get("/api/extensibility")(resources.extensibility)
    router.get("/api/service/{service_id}")(resources.show_to_users)
    router.include(authorization_routes(registry))
    return router


class _Resources:
    """Handlers; those of the administration are for system administrators alone."""

    def __init__(self, registry: ExtensionRegistry) -> None:
        self._registry = registry

    def list_services(self, context: Context) -> Reply:
        context.access.require_provider("External Service: View")
        return Reply(content=documents.services(context))

    def register(self, context: Context) -> Reply:
        context.access.require_provider(_MANAGE)
        service = self._registry.register(documents.read_service(context, require_root(context.xml(), "Service")))
        return _created(context, service, documents.service(context, service))

    def show(self, context: Context, service_id: str) -> Reply:
        return Reply(content=documents.service(context, self._service(context, service_id)))

    def update(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        self._registry.update(service, documents.read_service(context, require_root(context.xml(), "Service")))
        return Reply(content=documents.service(context, service))

    def delete(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        self._registry.delete(service, force=context.flag("force"))
        return Reply(status=204)

    def add_filter(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        made = self._registry.add_filter(service, documents.read_filter(require_root(context.xml(), "ApiFilter")))
        return _created(context, made, documents.api_filter(context, made, service))

    def show_filter(self, context: Context, filter_id: str) -> Reply:
        one = self._filter(context, filter_id)
        return Reply(content=documents.api_filter(context, one, self._registry.services[one.service_id]))

    def delete_filter(self, context: Context, filter_id: str) -> Reply:
        self._registry.filters.remove(self._filter(context, filter_id))
        return Reply(status=204)

    def add_link(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        made = self._registry.add_link(service, documents.read_link(require_root(context.xml(), "ServiceLink")))
        return _created(context, made, documents.service_link(context, made, service))

    def show_link(self, context: Context, link_id: str) -> Reply:
        one = self._link(context, link_id)
        return Reply(content=documents.service_link(context, one, self._registry.services[one.service_id]))

    def delete_link(self, context: Context, link_id: str) -> Reply:
        self._registry.links.remove(self._link(context, link_id))
        return Reply(status=204)

    def list_rights(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        return Reply(content=documents.rights(context, service, self._registry.rights_of(service)))

    def add_right(self, context: Context, service_id: str) -> Reply:
        service = self._service(context, service_id)
        made = self._registry.add_right(service, documents.read_right(require_root(context.xml(), "Right")))
        content = people.right(context, made)
        return Reply(status=201, content=content, headers={"location": context.href(made)})

    def clear_unused_rights(self, context: Context) -> Reply:
        context.access.require_provider(_MANAGE)
        self._registry.clear_unused_rights()
        return Reply(status=204)

    def extensibility(self, context: Context) -> Reply:
        enabled = [service for service in self._registry.services if service.enabled]
        return Reply(content=documents.extensibility(context, enabled))

    def show_to_users(self, context: Context, service_id: str) -> Reply:
        service = self._registry.services.get(service_id)
        if service is None or not service.enabled:
            raise errors.no_access(SERVICE.name, service_id)
        return Reply(content=documents.user_service(context, service))

    def _service(self, context: Context, service_id: str) -> ExtensionService:
        return context.access.provided(SERVICE, self._registry.services, service_id, _MANAGE)

    def _filter(self, context: Context, filter_id: str) -> ApiFilter:
        return context.access.provided(API_FILTER, self._registry.filters, filter_id, _MANAGE)

    def _link(self, context: Context, link_id: str) -> ServiceLink:
        return context.access.provided(SERVICE_LINK, self._registry.links, link_id, _MANAGE)


def _created(context: Context, made: ExtensionService | ApiFilter | ServiceLink, content: xml.Element) -> Reply:
    return Reply(status=201, content=content, headers={"location": context.href(made)})
