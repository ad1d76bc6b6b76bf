"""From an HTTPS client through the cell and the broker to an extension, and back."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.amqp_extension import Extension, answer_with
from cse_testing.waiting import LIMIT_S
from vcd_simulator.extensions.amqp_settings import amqp_routes
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.extensions.forward import Forwarder
from vcd_simulator.extensions.gateway import ExtensionGateway
from vcd_simulator.extensions.registry import (
    ExtensionRegistry,
    FilterSpec,
    LinkSpec,
    RightSpec,
    ServiceSpec,
)
from vcd_simulator.extensions.resources import service_routes
from vcd_simulator.hypervisor import NoGuests
from vcd_simulator.inventory import Inventory
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.services import ExtensionService
from vcd_simulator.population import populate
from vcd_simulator.rest.app import RestApp
from vcd_simulator.rest.routing import Router
from vcd_simulator.server import HttpsServer, bind
from vcd_simulator.sessions import Session, Sessions
from vcd_simulator.tls import make_certificate

JSON_31 = "application/*+json;version=31.0"
XML_31 = "application/*+xml;version=31.0"


class Site:
    """A vCloud Director with nothing but extensions on it, and a client for it."""

    def __init__(self, folder: Path, settings: AmqpSettings | None) -> None:
        self.cloud = Cloud(NoGuests())
        populate(self.cloud, Inventory.lab())
        self.sessions = Sessions(self.cloud)
        self.registry = ExtensionRegistry(self.cloud)
        self.forwarder = Forwarder(settings, timeout_s=LIMIT_S)
        router = Router()
        router.include(service_routes(self.registry))
        router.include(amqp_routes(self.forwarder))
        app = RestApp(self.cloud, self.sessions, router, extensions=ExtensionGateway(self.registry, self.forwarder))
        tls = make_certificate(folder, ["127.0.0.1"])
        self.server = HttpsServer(app, bind("127.0.0.1", 0), tls, name="rest")
        self.url = f"https://127.0.0.1:{self.server.address[1]}"
        self.client = requests.Session()
        self.client.trust_env = False  # proxies and authorities of the machine are not meant for us
        self.client.verify = str(tls.ca)

    def start(self) -> None:
        self.forwarder.start()
        self.server.start()

    def stop(self) -> None:
        self.client.close()
        self.server.stop()
        self.forwarder.stop()

    def login(self, user: str = "alice", org: str = "acme", password: str = "alice-secret") -> Session:
        basic = base64.b64encode(f"{user}@{org}:{password}".encode()).decode()
        with self.cloud.lock:
            return self.sessions.login(f"Basic {basic}")

    def administrator(self) -> Session:
        return self.login("administrator", "System", "vcd-secret")

    def register(self, name: str = "cse", **changes: Any) -> ExtensionService:
        values: dict[str, Any] = {"name": name, "namespace": name, "exchange": f"{name}-ext", "routing_key": name}
        filters = (FilterSpec(url_pattern="/api/cse"), FilterSpec(url_pattern="/api/cse/.*"))
        with self.cloud.lock:
            return self.registry.register(ServiceSpec(**(values | {"filters": filters} | changes)))

    def ask(
        self, method: str, path: str, session: Session | None, accept: str = JSON_31, body: bytes | None = None
    ) -> requests.Response:
        headers = {"Accept": accept}
        if session is not None:
            headers["x-vcloud-authorization"] = session.token
        return self.client.request(method, self.url + path, data=body, headers=headers, timeout=LIMIT_S)


@pytest.fixture
def site(broker: PrivateRabbitMQ, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, AmqpSettings.from_url(broker.url))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def extension(broker: PrivateRabbitMQ) -> Iterator[Extension]:
    with Extension(broker.url, "cse-ext", "cse", answer_with(202, '{"task_href": "x"}')) as running:
        yield running


def test_a_request_arrives_as_it_was_sent_and_the_answer_comes_back(site: Site, extension: Extension) -> None:
    site.register()
    alice = site.login()
    response = site.ask("DELETE", "/api/cse/c%201/node?force=a%26b", alice, body=b'{"nodes": ["n"]}')
    request, context = extension.take().elements
    assert (request["method"], request["requestUri"], request["queryString"]) == (
        "DELETE",
        "/api/cse/c%201/node",
        "force=a%26b",
    )
    assert base64.b64decode(request["body"]) == b'{"nodes": ["n"]}'
    assert (request["scheme"], request["remoteAddr"]) == ("https", "127.0.0.1")
    assert request["localPort"] == site.server.address[1]
    assert request["headers"]["Accept"] == JSON_31  # in the client's own casing
    assert request["headers"]["x-vcloud-authorization"] == alice.token
    assert request["headers"]["Content-Length"] == "16"
    assert (context["user"], context["org"]) == (f"urn:vcloud:user:{alice.user.id}", f"urn:vcloud:org:{alice.org.id}")
    assert (response.status_code, response.json()) == (202, {"task_href": "x"})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-VMWARE-VCLOUD-REQUEST-ID"]


def test_a_jwt_travels_with_the_session_id_beside_it(site: Site, extension: Extension) -> None:
    site.register()
    alice = site.login()
    headers = {"Accept": "application/*+json;version=36.0", "Authorization": f"Bearer {alice.jwt}"}
    site.client.get(f"{site.url}/api/cse", headers=headers, timeout=LIMIT_S)
    sent = extension.take().request["headers"]
    assert (sent["Authorization"], sent["x-vcloud-authorization"]) == (f"Bearer {alice.jwt}", alice.token)


def test_the_rights_of_the_caller_are_told(site: Site, extension: Extension) -> None:
    service = site.register()
    alice = site.login()
    with site.cloud.lock:
        right = site.registry.add_right(service, RightSpec(name="DEPLOY"))
        alice.org.rights.add(right.id)
        alice.access.role.rights[right.id] = None
    site.ask("GET", "/api/cse", alice)
    site.ask("GET", "/api/cse", site.login("bob", "acme", "bob-secret"))
    of_alice, of_bob = (extension.take().elements[1]["rights"] for _ in range(2))
    assert f"urn:vcloud:right:{right.id}" in of_alice
    assert f"urn:vcloud:right:{right.id}" not in of_bob


def test_nobody_gets_in_without_a_session(site: Site, extension: Extension) -> None:
    site.register()
    response = site.ask("GET", "/api/cse", None)
    assert (response.status_code, response.content) == (401, b"")
    assert extension.received.empty()


def test_a_path_that_no_enabled_service_wants_is_not_acceptable_to_json_clients(
    site: Site, extension: Extension
) -> None:
    service = site.register()
    alice = site.login()
    assert site.ask("GET", "/api/csex", alice).status_code == 406
    with site.cloud.lock:
        site.registry.update(service, ServiceSpec(enabled=False))
    response = site.ask("GET", "/api/cse", alice)
    assert (response.status_code, response.json()["minorErrorCode"]) == (406, "NOT_ACCEPTABLE")
    assert extension.received.empty()


def test_a_service_with_authorization_and_no_rules_lets_nobody_in(site: Site, extension: Extension) -> None:
    site.register(authorization_enabled=True)
    assert site.ask("GET", "/api/cse", site.administrator()).status_code == 403
    assert extension.received.empty()


def test_an_encoded_backslash_is_refused_without_a_word(site: Site, extension: Extension) -> None:
    site.register()
    response = site.ask("GET", "/api/cse/a%5Cb", site.login())
    assert (response.status_code, response.content) == (500, b"")
    assert extension.received.empty()


def test_the_service_with_the_highest_priority_answers(
    site: Site, extension: Extension, broker: PrivateRabbitMQ
) -> None:
    site.register(priority=10)
    site.register("urgent", priority=90)
    with Extension(broker.url, "urgent-ext", "urgent", answer_with(200, "urgent")):
        assert site.ask("GET", "/api/cse", site.login()).text == "urgent"
    assert extension.received.empty()


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_http_forbids_a_body_has_none(site: Site, extension: Extension, status: int) -> None:
    site.register()
    extension.answer = answer_with(status, "surplus")
    response = site.ask("GET", "/api/cse", site.login())
    assert (response.status_code, response.content) == (status, b"")


MESSAGE_504 = "External service 'cse' failed to respond in the specified timeout (1 SECONDS)"


def test_a_time_out_is_told_in_the_format_that_was_asked_for(site: Site, extension: Extension) -> None:
    site.register()
    site.forwarder.timeout_s = 1
    extension.answer = lambda _received: []
    alice = site.login()
    as_xml = site.ask("GET", "/api/cse", alice, accept=XML_31)
    root = ET.fromstring(as_xml.content)
    assert as_xml.status_code == 504
    assert as_xml.headers["Content-Type"].startswith("application/vnd.vmware.vcloud.error+xml")
    assert root.tag == "{http://www.vmware.com/vcloud/v1.5}Error"
    assert (root.get("message"), root.get("minorErrorCode")) == (MESSAGE_504, "GATEWAY_TIMEOUT")
    as_json = site.ask("GET", "/api/cse", alice)
    error = as_json.json()
    assert (as_json.status_code, error["message"], error["majorErrorCode"]) == (504, MESSAGE_504, 504)


def test_without_a_broker_the_service_is_named_and_the_rest_works(site: Site, tmp_path: Path) -> None:
    service = site.register()
    site.forwarder.configure(AmqpSettings(port=1))
    response = site.ask("GET", "/api/cse", site.login(), accept=XML_31)
    wanted = f"Cannot send message to service with id: {service.id}. Check your service configuration."
    assert response.status_code == 500
    assert wanted in (ET.fromstring(response.content).get("message") or "")
    assert site.ask("GET", "/api/extensibility", site.login(), accept=XML_31).status_code == 200


def test_administration_is_for_system_administrators(site: Site) -> None:
    service = site.register()
    root = "/api/admin/extension"
    for path in ("/service", f"/service/{service.id}", f"/service/{service.id}/rights", "/settings", "/settings/amqp"):
        assert site.ask("GET", root + path, site.login(), accept=XML_31).status_code == 403
        assert site.ask("GET", root + path, site.administrator(), accept=XML_31).status_code == 200


def test_users_see_the_enabled_services(site: Site) -> None:
    service = site.register()
    site.register("hidden", enabled=False)
    links = ET.fromstring(site.ask("GET", "/api/extensibility", site.login(), accept=XML_31).content)
    assert [link.get("name") for link in links] == ["cse"]
    shown = site.client.get(
        links[0].get("href") or "",
        headers={"Accept": XML_31, "x-vcloud-authorization": site.login().token},
        timeout=LIMIT_S,
    )
    assert ET.fromstring(shown.content).get("id") == f"urn:vcloud:externalService:{service.id}"


def test_a_registration_may_order_its_elements_freely(site: Site) -> None:
    body = b"""<Service xmlns="http://www.vmware.com/vcloud/extension/v1.5" name="free">
        <ApiFilters><ApiFilter><UrlPattern>/api/free</UrlPattern></ApiFilter></ApiFilters>
        <Exchange>e</Exchange><Priority>7</Priority><RoutingKey>k</RoutingKey><Enabled>false</Enabled>
        <Namespace>com.example</Namespace><Description xmlns="http://www.vmware.com/vcloud/v1.5">d</Description>
    </Service>"""
    response = site.ask("POST", "/api/admin/extension/service", site.administrator(), accept=XML_31, body=body)
    assert response.status_code == 201
    service = next(iter(site.registry.services))
    assert response.headers["Location"].endswith(service.id)
    assert (service.namespace, service.priority, service.enabled) == ("com.example", 7, False)
    assert [one.url_pattern.text for one in site.registry.filters if one.url_pattern] == ["/api/free"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Service",
        b"<Other/>",
        b"<Service name='x'><Enabled>maybe</Enabled></Service>",
        b"<Service name='x'><Priority>high</Priority></Service>",
        b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Service name='&e;'/>",
    ],
    ids=["empty", "cut off", "another document", "no flag", "no number", "entities"],
)
def test_a_registration_that_cannot_be_read_is_a_bad_request(site: Site, body: bytes) -> None:
    response = site.ask("POST", "/api/admin/extension/service", site.administrator(), accept=XML_31, body=body)
    assert response.status_code == 400
    assert len(site.registry.services) == 0


def test_a_link_of_a_service_appears_in_the_documents_it_is_for(site: Site) -> None:
    service = site.register()
    with site.cloud.lock:
        site.registry.add_link(
            service,
            LinkSpec(
                href="{baseUri}ticket/{resourceId}",
                mime_type="text/plain",
                rel="down:tickets",
                resource_type="application/vnd.vmware.admin.service+xml",
            ),
        )
    path = f"/api/admin/extension/service/{service.id}"
    root = ET.fromstring(site.ask("GET", path, site.administrator(), accept=XML_31).content)
    hrefs = [link.get("href") for link in root if link.get("rel") == "down:tickets"]
    assert hrefs == [f"{site.url}/api/ticket/{service.id}"]


def test_settings_are_shown_without_the_password_and_changed_at_once(
    site: Site, extension: Extension, broker: PrivateRabbitMQ
) -> None:
    site.register()
    administrator = site.administrator()
    path = "/api/admin/extension/settings/amqp"
    shown = site.ask("GET", path, administrator, accept=XML_31)
    assert broker.password not in shown.text
    changed = shown.text.replace("<vmext:AmqpPrefix>vcd<", "<vmext:AmqpPrefix>site-b<")
    response = site.ask("PUT", path, administrator, accept=XML_31, body=changed.encode())
    assert (response.status_code, broker.password in response.text) == (200, False)
    site.ask("GET", "/api/cse", site.login())
    assert extension.take().properties.reply_to.startswith("site-b.replyQueue.")


def test_a_kept_password_does_not_go_to_another_host(site: Site) -> None:
    administrator = site.administrator()
    path = "/api/admin/extension/settings/amqp"
    shown = site.ask("GET", path, administrator, accept=XML_31).text
    elsewhere = shown.replace("<vmext:AmqpHost>127.0.0.1<", "<vmext:AmqpHost>localhost<")
    site.ask("PUT", path, administrator, accept=XML_31, body=elsewhere.encode())
    assert site.forwarder.settings is not None
    assert (site.forwarder.settings.host, site.forwarder.settings.password) == ("localhost", "")


def test_json_clients_get_json(site: Site) -> None:
    service = site.register()
    response = site.ask("GET", f"/api/admin/extension/service/{service.id}", site.administrator())
    assert json.loads(response.content)["routingKey"] == "cse"
