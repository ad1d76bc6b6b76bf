from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest

from vcd_simulator.errors import VcdError
from vcd_simulator.extensions.registry import (
    ExtensionRegistry,
    FilterSpec,
    LinkSpec,
    RightSpec,
    ServiceSpec,
)
from vcd_simulator.hypervisor import Hypervisor
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.services import ExtensionService
from vcd_simulator.model.tenancy import Org, Role

ORG_MEDIA = "application/vnd.vmware.vcloud.org+xml"
A_LINK = LinkSpec(href="{baseUri}x/{resourceId}", mime_type="text/plain", rel="down:x", resource_type=ORG_MEDIA)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(cast(Hypervisor, None))  # no guest takes part


@pytest.fixture
def registry(cloud: Cloud) -> ExtensionRegistry:
    return ExtensionRegistry(cloud)


def a_spec(*patterns: str, **changes: Any) -> ServiceSpec:
    values: dict[str, Any] = {
        "name": "cse",
        "namespace": "cse",
        "exchange": "cse-ext",
        "routing_key": "cse",
        "filters": tuple(FilterSpec(url_pattern=pattern) for pattern in patterns or ("/api/cse",)),
    }
    return ServiceSpec(**(values | changes))


def refused(action: Callable[[], object]) -> VcdError:
    with pytest.raises(VcdError) as refusal:
        action()
    return refusal.value


def patterns_of(registry: ExtensionRegistry, service: ExtensionService) -> list[str]:
    return [one.url_pattern.text for one in registry.filters.find("service", service.id) if one.url_pattern]


def test_a_service_is_enabled_has_the_lowest_priority_and_lets_everybody_in_unless_told_otherwise(
    registry: ExtensionRegistry,
) -> None:
    service = registry.register(a_spec())
    assert (service.enabled, service.priority, service.authorization_enabled) == (True, 0, False)
    assert registry.match("/api/cse") == [service]
    assert registry.match("/api/cse/x") == []


@pytest.mark.parametrize("missing", ["name", "namespace", "exchange", "routing_key"])
def test_what_is_required_is_asked_for(registry: ExtensionRegistry, missing: str) -> None:
    for nothing in (None, ""):
        error = refused(partial(registry.register, a_spec(**{missing: nothing})))
        assert (error.status, error.minor) == (400, "BAD_REQUEST")
    assert len(registry.services) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": -1},
        {"priority": 101},
        {"name": "n" * 256},
        {"namespace": "com.vmware.vcloud"},
        {"filters": (FilterSpec(),)},
        {"filters": (FilterSpec(url_pattern="/x", response_content_type="text/plain"),)},
        {"filters": (FilterSpec(url_pattern="/good"), FilterSpec(url_pattern="("))},
        {"links": (LinkSpec(href="", mime_type="text/plain", rel="down", resource_id="x"),)},
        {"links": (LinkSpec(href="{baseUri}x", mime_type="text/plain", rel="down"),)},
    ],
    ids=str,
)
def test_a_registration_with_a_fault_leaves_nothing_behind(
    registry: ExtensionRegistry, changes: dict[str, Any]
) -> None:
    assert refused(lambda: registry.register(a_spec(**changes))).status == 400
    assert (len(registry.services), len(registry.filters), len(registry.links)) == (0, 0, 0)


def test_a_namespace_belongs_to_one_service_and_a_name_to_any_number(registry: ExtensionRegistry) -> None:
    registry.register(a_spec())
    error = refused(lambda: registry.register(a_spec(name="another")))
    assert (error.status, error.minor) == (400, "DUPLICATE_NAME")
    registry.register(a_spec(namespace="cse-2"))
    assert len(registry.services.find("name", "cse")) == 2


def test_services_that_want_the_same_path_come_by_priority(registry: ExtensionRegistry) -> None:
    for namespace, priority in (("low", 0), ("high", 100), ("middle", 50)):
        registry.register(a_spec("/api/cse", "/api/c.*", namespace=namespace, priority=priority))
    assert [service.namespace for service in registry.match("/api/cse")] == ["high", "middle", "low"]


def test_a_disabled_service_wants_nothing(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec())
    registry.update(service, ServiceSpec(enabled=False))
    assert registry.match("/api/cse") == []
    registry.update(service, ServiceSpec(enabled=True))
    assert registry.match("/api/cse") == [service]


def test_an_update_keeps_what_it_does_not_name(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec(description="d", vendor="v", priority=7))
    registry.update(service, ServiceSpec(name="cse", namespace="cse", routing_key="new", exchange="new-ext"))
    assert (service.routing_key, service.exchange) == ("new", "new-ext")
    assert (service.description, service.vendor, service.priority, service.enabled) == ("d", "v", 7, True)
    assert patterns_of(registry, service) == ["/api/cse"]


def test_an_update_that_brings_filters_replaces_them(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec("/a", "/b"))
    registry.update(service, a_spec("/c"))
    assert patterns_of(registry, service) == ["/c"]


def test_an_update_with_a_fault_changes_nothing(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec())
    assert refused(lambda: registry.update(service, a_spec("(", name="renamed"))).status == 400
    assert refused(lambda: registry.update(service, a_spec(namespace="other", name="renamed"))).status == 400
    assert (service.name, patterns_of(registry, service)) == ("cse", ["/api/cse"])


def test_filters_are_added_one_by_one(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec("/a"))
    registry.add_filter(service, FilterSpec(url_pattern="/b"))
    assert patterns_of(registry, service) == ["/a", "/b"]


def test_an_enabled_service_is_deleted_only_by_force(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec(links=(A_LINK,)))
    assert refused(lambda: registry.delete(service, force=False)).status == 400
    assert registry.match("/api/cse") == [service]
    registry.delete(service, force=True)
    assert (len(registry.services), len(registry.filters), len(registry.links)) == (0, 0, 0)


def test_a_right_carries_its_services_namespace_and_is_made_once(registry: ExtensionRegistry, cloud: Cloud) -> None:
    service = registry.register(a_spec())
    right = registry.add_right(service, RightSpec(name="CSE NATIVE DEPLOY RIGHT", category="cseRight"))
    assert cloud.rights.first("name", "{cse}:CSE NATIVE DEPLOY RIGHT") is right
    assert registry.rights_of(service) == [right]
    error = refused(lambda: registry.add_right(service, RightSpec(name="CSE NATIVE DEPLOY RIGHT")))
    assert error.status == 400
    assert error.message == 'Right with name "{cse}:CSE NATIVE DEPLOY RIGHT" already exists'


def test_rights_outlive_their_service_until_nobody_carries_them(registry: ExtensionRegistry, cloud: Cloud) -> None:
    service = registry.register(a_spec())
    used = registry.add_right(service, RightSpec(name="used"))
    unused = registry.add_right(service, RightSpec(name="unused"))
    org = cloud.orgs.add(Org(id="o", name="acme", rights={used.id, unused.id}))
    cloud.roles.add(Role(id="r", org_id="o", name="deployer", rights={used.id: None}))

    registry.clear_unused_rights()
    assert len(cloud.rights) == 2  # the service is there

    registry.delete(service, force=True)
    assert len(cloud.rights) == 2
    registry.clear_unused_rights()
    assert list(cloud.rights) == [used]
    assert org.rights == {used.id}


def test_links_belong_to_a_type_or_to_one_resource_of_enabled_services(registry: ExtensionRegistry) -> None:
    service = registry.register(a_spec(links=(A_LINK,)))
    own = registry.add_link(
        service, LinkSpec(href="x", mime_type="text/plain", rel="own", resource_id="urn:vcloud:org:1")
    )
    found = registry.links_for("application/vnd.vmware.vcloud.org+json", "urn:vcloud:org:1")
    assert [link.rel for link in found] == ["down:x", "own"]
    assert registry.links_for("application/vnd.vmware.vcloud.vdc+xml", "urn:vcloud:org:1") == [own]
    assert registry.links_for("application/vnd.vmware.vcloud.vdc+xml", "urn:vcloud:vdc:1") == []
    registry.update(service, ServiceSpec(enabled=False))
    assert registry.links_for(ORG_MEDIA, "urn:vcloud:org:1") == []
