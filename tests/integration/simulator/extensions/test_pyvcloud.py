"""pyvcloud's classes for extensions, unmodified, at the versions where their requests differ."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyvcloud.vcd.amqp import AmqpService
from pyvcloud.vcd.api_extension import APIExtension
from pyvcloud.vcd.client import BasicLoginCredentials, Client
from pyvcloud.vcd.exceptions import (
    AccessForbiddenException,
    BadRequestException,
    MissingRecordException,
    MultipleRecordsException,
    OperationNotSupportedException,
)

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.amqp_extension import Extension, answer_with
from vcd_simulator.simulator import Simulator

PATTERNS = ["/api/cse", "/api/cse/.*", "/api/cse/.*/.*"]


@pytest.fixture(params=["31.0", "33.0", "36.0"])
def client(request: pytest.FixtureRequest, vcd: Simulator) -> Iterator[Client]:
    """The system administrator."""
    yield from _logged_in(vcd, request.param, "administrator", "System", "vcd-secret")


@pytest.fixture(params=["31.0", "36.0"])
def tenant(request: pytest.FixtureRequest, vcd: Simulator) -> Iterator[Client]:
    yield from _logged_in(vcd, request.param, "alice", "acme", "alice-secret")


def _logged_in(vcd: Simulator, version: str, user: str, org: str, password: str) -> Iterator[Client]:
    client = Client(vcd.url, api_version=version, verify_ssl_certs=str(vcd.ca_file))
    client.set_credentials(BasicLoginCredentials(user, org, password))
    yield client
    client.logout()


@pytest.fixture
def extensions(client: Client) -> APIExtension:
    return APIExtension(client)


@pytest.fixture
def registered(extensions: APIExtension) -> APIExtension:
    extensions.add_extension("cse", "cse", "cse", "cse-ext", PATTERNS, description="containers")
    return extensions


def test_a_registered_extension_is_listed_with_what_it_was_given(registered: APIExtension) -> None:
    (listed,) = registered.list_extensions()
    wanted = {
        "name": "cse",
        "namespace": "cse",
        "enabled": "true",
        "exchange": "cse-ext",
        "routingKey": "cse",
        "priority": "0",
        "isAuthorizationEnabled": "false",
    }
    assert wanted.items() <= listed.items()
    assert registered.get_extension("cse", "cse") == listed
    assert registered.get_extension("cse") == listed


def test_the_info_of_an_extension_has_its_filters(registered: APIExtension) -> None:
    info = registered.get_extension_info("cse", "cse")
    assert [info[f"filter_{n}"] for n in (1, 2, 3)] == PATTERNS
    assert "filter_4" not in info


def test_an_extension_is_shown_as_a_document(registered: APIExtension) -> None:
    extension_id = registered.get_extension("cse")["id"].rpartition(":")[2]
    shown = registered.get_extension_xml(extension_id)
    assert shown.get("name") == "cse"
    assert shown.RoutingKey == "cse"


def test_an_unknown_extension_is_missing(registered: APIExtension) -> None:
    for name, namespace in (("nope", None), ("cse", "other"), ("c*e;namespace==cse,name==*", "cse")):
        with pytest.raises(MissingRecordException):
            registered.get_extension(name, namespace)


def test_names_with_special_characters_are_found_again(extensions: APIExtension) -> None:
    name = "My: extension, {v1} (50%); a==b"
    extensions.add_extension(name, "odd", "k", "e", ["/api/odd"])
    assert extensions.get_extension(name, "odd")["name"] == name


def test_two_extensions_of_one_name_are_told_apart_by_namespace(registered: APIExtension) -> None:
    registered.add_extension("cse", "cse-two", "cse-two", "cse-ext", ["/api/cse-two"])
    with pytest.raises(MultipleRecordsException):
        registered.get_extension("cse")
    assert registered.get_extension("cse", "cse-two")["routingKey"] == "cse-two"
    with pytest.raises(BadRequestException, match="already exists"):
        registered.add_extension("third", "cse", "k", "e", ["/api/x"])


def test_an_update_changes_the_route_and_keeps_filters_and_description(registered: APIExtension) -> None:
    registered.update_extension("cse", "cse", routing_key="new-key", exchange="new-ext")
    info = registered.get_extension_info("cse", "cse")
    assert (info["routingKey"], info["exchange"], info["filter_3"]) == ("new-key", "new-ext", PATTERNS[2])
    extension_id = info["id"].rpartition(":")[2]
    assert "containers" in [str(child) for child in registered.get_extension_xml(extension_id).iterchildren()]


def test_an_extension_is_disabled_and_enabled_again(registered: APIExtension) -> None:
    registered.enable_extension("cse", enabled=False, namespace="cse")
    assert registered.get_extension("cse")["enabled"] == "false"
    registered.enable_extension("cse", enabled=True, namespace="cse")
    assert registered.get_extension("cse")["enabled"] == "true"


def test_a_deleted_extension_is_gone_with_its_filters(registered: APIExtension) -> None:
    extension_id = registered.get_extension("cse")["id"]
    registered.delete_extension("cse", "cse")
    assert registered.list_extensions() == []
    assert list(registered.get_api_filters(extension_id)) == []


def test_an_enabled_extension_cannot_be_deleted(registered: APIExtension, client: Client) -> None:
    href = f"{client.get_api_uri()}/admin/extension/service/{registered.get_extension('cse')['id'].rpartition(':')[2]}"
    with pytest.raises(BadRequestException, match="disable it"):
        client.delete_resource(href)
    client.delete_resource(href, force=True)
    assert registered.list_extensions() == []


def test_filters_are_added_and_removed(registered: APIExtension) -> None:
    registered.add_api_filters_to_service("cse", ["/api/more", "/api/most"], "cse")
    info = registered.get_extension_info("cse", "cse")
    assert {info[f"filter_{n}"] for n in range(1, 6)} == {*PATTERNS, "/api/more", "/api/most"}
    registered.remove_all_api_filters_from_service("cse", "cse")
    assert "filter_1" not in registered.get_extension_info("cse", "cse")


def test_a_right_is_registered_once(registered: APIExtension) -> None:
    def register() -> Any:
        return registered.add_service_right(
            "CSE NATIVE DEPLOY RIGHT", "cse", "cse", "Right to deploy", "cseRight", "cseBundleKey"
        )

    assert register().get("name") == "{cse}:CSE NATIVE DEPLOY RIGHT"
    with pytest.raises(BadRequestException) as refusal:
        register()
    assert 'Right with name "{cse}:CSE NATIVE DEPLOY RIGHT" already exists' in str(refusal.value)


def test_tenants_do_not_administer_extensions(tenant: Client) -> None:
    extensions = APIExtension(tenant)
    with pytest.raises((OperationNotSupportedException, AccessForbiddenException)):
        extensions.list_extensions()
    with pytest.raises(AccessForbiddenException):
        tenant.get_resource(f"{tenant.get_api_uri()}/admin/extension/service")
    with pytest.raises(AccessForbiddenException):
        tenant.get_resource(f"{tenant.get_api_uri()}/admin/extension/settings/amqp")


def test_the_broker_settings_are_read_tried_and_set(client: Client, broker: PrivateRabbitMQ) -> None:
    service = AmqpService(client)
    shown = service.get_settings()
    assert (shown.AmqpHost, shown.AmqpPort, shown.AmqpPrefix) == (broker.host, broker.port, "vcd")
    config = {
        "AmqpHost": broker.host,
        "AmqpPort": broker.port,
        "AmqpUsername": broker.user,
        "AmqpExchange": "systemExchange",
        "AmqpVHost": "/",
        "AmqpUseSSL": "false",
        "AmqpSslAcceptAll": "false",
        "AmqpPrefix": "site-b",
    }
    assert service.test_config(config, broker.password).Valid
    refused = service.test_config(config, "wrong")
    assert not refused.Valid
    assert "ACCESS_REFUSED" in refused.error.get("message")
    assert service.set_config(config, broker.password).AmqpPrefix == "site-b"


def test_a_request_of_a_client_reaches_the_extension(
    registered: APIExtension, client: Client, broker: PrivateRabbitMQ
) -> None:
    with Extension(broker.url, "cse-ext", "cse", answer_with(200, "<Answer/>")) as extension:
        answer = client.get_resource(f"{client.get_api_uri()}/cse/system")
        sent = extension.take().request
    assert answer.tag == "Answer"
    assert sent["requestUri"] == "/api/cse/system"
    assert len(sent["headers"]["x-vcloud-authorization"]) == 32
