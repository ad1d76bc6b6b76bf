"""The administration of who may use which service, and the question who may."""

from collections.abc import Callable
from typing import TypeVar

from vcd_simulator.access import Access
from vcd_simulator.extensions import authorization_documents as documents
from vcd_simulator.extensions.documents import SERVICES
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.model.authorization import AclRule, ResourceClass, ResourceClassAction, ServiceResource
from vcd_simulator.model.services import SERVICE, ExtensionService
from vcd_simulator.model.table import Table
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, text_of

T = TypeVar("T", ResourceClass, ResourceClassAction, AclRule, ServiceResource, ExtensionService)


def authorization_routes(registry: ExtensionRegistry) -> Router:
    """The routes of resource classes, their actions, rules and resources."""
    router = Router()
    resources = _Resources(registry)
    router.post(f"{SERVICES}/{{service_id}}/resourceclasses")(resources.add_class)
    router.post(f"{SERVICES}/resourceclass/{{class_id}}/resourceclassactions")(resources.add_action)
    router.post(f"{SERVICES}/resourceclass/{{class_id}}/serviceresources")(resources.add_resource)
    router.post(f"{SERVICES}/resourceclassaction/{{action_id}}/aclrules")(resources.add_rule)
    router.post(f"{SERVICES}/authorizationcheck")(resources.check_all)
    router.post(f"{SERVICES}/{{service_id}}/authorizationcheck")(resources.check)
    rules = registry.authorization
    _serve(router, "resourceclass", rules.classes, resources.show_class, rules.forget_class)
    _serve(router, "resourceclassaction", rules.actions, resources.show_action, rules.forget_action)
    _serve(router, "aclrule", rules.rules, resources.show_rule, rules.rules.remove)
    _serve(router, "serviceresource", rules.resources, resources.show_resource, rules.resources.remove)
    return router


def _serve(
    router: Router,
    segment: str,
    table: Table[T],
    document: Callable[[Context, T], Element],
    forget: Callable[[T], None],
) -> None:
    """Show and delete entities of one kind."""

    def show(context: Context, entity_id: str) -> Reply:
        return Reply(content=document(context, _find(context, table, entity_id)))

    def delete(context: Context, entity_id: str) -> Reply:
        forget(_find(context, table, entity_id))
        return Reply(status=204)

    path = f"{SERVICES}/{segment}/{{entity_id}}"
    router.get(path)(show)
    router.delete(path)(delete)


def _find(context: Context, table: Table[T], entity_id: str) -> T:
    return context.access.provided(SERVICE, table, entity_id, "External Service: Manage")


class _Resources:
    """Handlers, all of them for system administrators."""

    def __init__(self, registry: ExtensionRegistry) -> None:
        self._registry = registry
        self._rules = registry.authorization

    def add_class(self, context: Context, service_id: str) -> Reply:
        service = _find(context, self._registry.services, service_id)
        root = require_root(context.xml(), "ResourceClass")
        made = self._rules.add_class(service, documents.read_class(context, root))
        return _created(context, made, self.show_class(context, made))

    def add_action(self, context: Context, class_id: str) -> Reply:
        of = _find(context, self._rules.classes, class_id)
        root = require_root(context.xml(), "ResourceClassAction")
        made = self._rules.add_action(of, documents.read_action(context, root))
        return _created(context, made, self.show_action(context, made))

    def add_rule(self, context: Context, action_id: str) -> Reply:
        action = _find(context, self._rules.actions, action_id)
        root = require_root(context.xml(), "AclRule")
        made = self._rules.add_rule(action, documents.read_rule(context, root))
        return _created(context, made, self.show_rule(context, made))

    def add_resource(self, context: Context, class_id: str) -> Reply:
        of = _find(context, self._rules.classes, class_id)
        made = self._rules.add_resource(of, documents.read_resource(require_root(context.xml(), "ServiceResource")))
        return _created(context, made, self.show_resource(context, made))

    def show_class(self, context: Context, one: ResourceClass) -> Element:
        return documents.resource_class(context, one, self._registry.services[one.service_id])

    def show_action(self, context: Context, one: ResourceClassAction) -> Element:
        return documents.action(context, one, self._rules.classes[one.class_id])

    def show_rule(self, context: Context, one: AclRule) -> Element:
        return documents.rule(context, one, self._rules.actions[one.action_id])

    def show_resource(self, context: Context, one: ServiceResource) -> Element:
        return documents.resource(context, one, self._rules.classes[one.class_id])

    def check(self, context: Context, service_id: str) -> Reply:
        """Whether a user may make a request, as far as one service is concerned."""
        return self._check(context, [_find(context, self._registry.services, service_id)])

    def check_all(self, context: Context) -> Reply:
        """Whether a user may make a request: every service that wants to be asked for it must agree."""
        context.access.require_provider("External Service: Manage")
        return self._check(context, None)

    def _check(self, context: Context, services: list[ExtensionService] | None) -> Reply:
        root = require_root(context.xml(), "AuthorizationCheckParams")
        user = context.access.user_by_id(referenced_id(child(root, "User"), "User"))
        method, path = text_of(root, "HttpMethod"), text_of(root, "URL") or text_of(root, "Url")
        asked = self._registry.match(path) if services is None else services
        taking_part = [one for one in asked if one.authorization_enabled]
        access = Access(context.cloud, user)
        allowed = bool(taking_part) and all(self._rules.allows(one, access, method, path) for one in taking_part)
        return Reply(content=documents.check_response(allowed))


def _created(context: Context, made: T, content: Element) -> Reply:
    return Reply(status=201, content=content, headers={"location": context.href(made)})
