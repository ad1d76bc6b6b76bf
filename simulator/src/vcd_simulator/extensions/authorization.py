"""The authorization framework for extension services: resource classes, their actions, and rules on these.

A service that takes part is asked only for what a rule allows: its action's method and pattern fit the request, and
organisation, principal and resource are those that the rule is for. Nothing allowed means nothing forwarded.
"""

from dataclasses import dataclass, field

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.extensions.patterns import UrlPattern
from vcd_simulator.model.authorization import (
    ENTITY,
    PUBLISHED,
    SHARED,
    AclAccess,
    AclRule,
    ResourceClass,
    ResourceClassAction,
    ServiceResource,
)
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import RIGHT
from vcd_simulator.model.services import ExtensionService

METHODS = ("GET", "PUT", "POST", "DELETE")
_LONGEST = 255


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """A rule to be made."""

    name: str
    organization: AclAccess
    principal: AclAccess
    resource: AclAccess | None = None


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """An action to be made, with its rules."""

    name: str
    method: str
    url_pattern: str
    rules: tuple[RuleSpec, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class ResourceSpec:
    """A resource to be made."""

    name: str
    org_id: str
    external_id: str


@dataclass(frozen=True, kw_only=True)
class ClassSpec:
    """A resource class to be made, with what belongs to it."""

    name: str
    mime_type: str
    url_template: str
    description: str = ""
    nid: str = ""
    urn_pattern: str = ""
    actions: tuple[ActionSpec, ...] = field(default=())
    resources: tuple[ResourceSpec, ...] = field(default=())


class Authorization:
    """The rules of all services. Used under the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.classes = cloud.resource_classes
        self.resources = cloud.service_resources
        self.actions = cloud.resource_class_actions
        self.rules = cloud.acl_rules

    def allows(self, service: ExtensionService, access: Access, method: str, path: str) -> bool:
        """Whether some rule lets a user make a request; patterns may be written with `/api` before them or without."""
        paths = (path, path.removeprefix("/api"))
        return any(
            self._permits(rule, access, self._resource(one, resource_id))
            for one in self.classes.find("service", service.id)
            for action in self.actions.find("resource_class", one.id)
            if action.method == method.upper() and (resource_id := _fit(action.url_pattern, paths)) is not None
            for rule in self.rules.find("action", action.id)
        )

    def add_class(self, service: ExtensionService, spec: ClassSpec) -> ResourceClass:
        """Make a resource class, or return the one of this name that the service has already.

        Raises:
            VcdError: 400, something in it is missing or invalid; nothing has been made then.
        """
        name = _required("name", spec.name)
        for known in self.classes.find("service", service.id):
            if known.name == name:
                return known
        checked = [(self._checked_action(action), action) for action in spec.actions]
        for resource in spec.resources:
            self._check_resource(resource)
        made = ResourceClass(
            id=self._cloud.new_id(),
            service_id=service.id,
            name=name,
            description=spec.description,
            mime_type=_required("MimeType", spec.mime_type),
            url_template=_required("UrlTemplate", spec.url_template),
            nid=spec.nid,
            urn_pattern=spec.urn_pattern,
        )
        self.classes.add(made)
        for _, action in checked:
            self.add_action(made, action)
        for resource in spec.resources:
            self.add_resource(made, resource)
        return made

    def add_action(self, of: ResourceClass, spec: ActionSpec) -> ResourceClassAction:
        """Make an action; raises `VcdError` 400 when it is invalid."""
        pattern = self._checked_action(spec)
        made = ResourceClassAction(
            id=self._cloud.new_id(), class_id=of.id, name=spec.name, method=spec.method.upper(), url_pattern=pattern
        )
        self.actions.add(made)
        for rule in spec.rules:
            self.add_rule(made, rule)
        return made

    def add_rule(self, action: ResourceClassAction, spec: RuleSpec) -> AclRule:
        """Make a rule; raises `VcdError` 400 when it is invalid."""
        _check_rule(spec)
        rule = AclRule(
            id=self._cloud.new_id(),
            action_id=action.id,
            name=_required("name", spec.name),
            organization=spec.organization,
            principal=spec.principal,
            resource=spec.resource or AclAccess(access=SHARED),
        )
        return self.rules.add(rule)

    def add_resource(self, of: ResourceClass, spec: ResourceSpec) -> ServiceResource:
        """Make a resource of an organisation's; raises `VcdError` when it is invalid."""
        self._check_resource(spec)
        made = ServiceResource(
            id=self._cloud.new_id(), class_id=of.id, name=spec.name, org_id=spec.org_id, external_id=spec.external_id
        )
        return self.resources.add(made)

    def forget_service(self, service: ExtensionService) -> None:
        for one in list(self.classes.find("service", service.id)):
            self.forget_class(one)

    def forget_class(self, one: ResourceClass) -> None:
        """Delete a class with its actions, their rules, and its resources."""
        for action in list(self.actions.find("resource_class", one.id)):
            self.forget_action(action)
        for resource in list(self.resources.find("resource_class", one.id)):
            self.resources.remove(resource)
        self.classes.remove(one)

    def forget_action(self, action: ResourceClassAction) -> None:
        for rule in list(self.rules.find("action", action.id)):
            self.rules.remove(rule)
        self.actions.remove(action)

    def _resource(self, one: ResourceClass, resource_id: str) -> ServiceResource | None:
        found = self.resources.find("resource_class", one.id) if resource_id else ()
        return next((resource for resource in found if resource_id in (resource.external_id, resource.id)), None)

    @staticmethod
    def _permits(rule: AclRule, access: Access, resource: ServiceResource | None) -> bool:
        return (
            _for_organization(rule.organization, access, resource)
            and _for_principal(rule.principal, access)
            and (rule.resource.access != ENTITY or (resource is not None and resource.id == rule.resource.entity_id))
        )

    @staticmethod
    def _checked_action(spec: ActionSpec) -> UrlPattern:
        _required("name", spec.name)
        if spec.method.upper() not in METHODS:
            raise errors.bad_request(f"Bad request: validation error, HttpMethod is not one of {', '.join(METHODS)}.")
        for rule in spec.rules:
            _check_rule(rule)
        return UrlPattern(spec.url_pattern)

    def _check_resource(self, spec: ResourceSpec) -> None:
        _required("name", spec.name)
        _required("ExternalObjectId", spec.external_id)
        if spec.org_id not in self._cloud.orgs:
            raise errors.no_access("org", spec.org_id)


def _fit(pattern: UrlPattern, paths: tuple[str, ...]) -> str | None:
    """The resource's id in a path that fits, empty for a pattern that names none; None when no path fits."""
    for path in paths:
        groups = pattern.groups(path)
        if groups is not None:
            return groups.get("id") or ""
    return None


def _for_organization(rule: AclAccess, access: Access, resource: ServiceResource | None) -> bool:
    if rule.access == SHARED:
        return resource is not None and resource.org_id == access.org.id
    return rule.access == PUBLISHED or rule.entity_id == access.org.id


def _for_principal(rule: AclAccess, access: Access) -> bool:
    if rule.access == SHARED:
        return True
    if rule.entity_type.startswith(RIGHT.media_type.partition("+")[0]) or f"{RIGHT.path}" in rule.entity_href:
        return rule.entity_id in access.right_ids()
    return rule.entity_id == access.user.id


def _check_rule(spec: RuleSpec) -> None:
    for what, one, allowed in (
        ("OrganizationAccess", spec.organization, (PUBLISHED, SHARED, ENTITY)),
        ("PrincipalAccess", spec.principal, (SHARED, ENTITY)),
        ("ServiceResourceAccess", spec.resource, (SHARED, ENTITY)),
    ):
        if one is None:
            continue
        if one.access not in allowed:
            raise errors.bad_request(
                f"Bad request: validation error, the Access of {what} is not one of {', '.join(allowed)}."
            )
        if one.access == ENTITY and not one.entity_id:
            raise errors.bad_request(f"Bad request: validation error, {what} is for an Entity and names none.")


def _required(what: str, value: str) -> str:
    if not 0 < len(value) <= _LONGEST:
        raise errors.bad_request(f"Bad request: validation error, {what} has 1 to {_LONGEST} characters.")
    return value
