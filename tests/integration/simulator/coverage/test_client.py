"""pyvcloud.vcd.client: Client, its queries and its task monitor."""

import os

import pytest
from lxml import objectify
from pyvcloud.vcd.client import (
    BasicLoginCredentials,
    Client,
    E,
    EntityType,
    QueryResultFormat,
    RelationType,
    TaskStatus,
)
from pyvcloud.vcd.exceptions import (
    AccessForbiddenException,
    EntityNotFoundException,
    MissingRecordException,
    VcdTaskException,
)
from pyvcloud.vcd.vapp import VApp

from cse_testing.coverage import covers
from cse_testing.ovf import envelope
from cse_testing.pyvcloud_client import Tenant
from cse_testing.waiting import LIMIT_S
from vcd_simulator.simulator import Simulator

METADATA = EntityType.METADATA.value


@covers("Client.get_supported_versions", "Client.get_supported_versions_list", "Client.set_highest_supported_version")
def test_versions(shared_vcd: Simulator, version: str) -> None:
    client = Client(shared_vcd.url, verify_ssl_certs=shared_vcd.ca_file, log_file=os.devnull)
    offered = [str(one) for one in client.get_supported_versions()]
    assert version in offered
    assert version in client.get_supported_versions_list()
    client.set_highest_supported_version()
    assert client.get_api_version() == "36.3"


@covers("Client.set_credentials", "Client.logout", "Client.get_api_version", "Client.get_vcd_api_version")
def test_login_and_logout(shared_vcd: Simulator, version: str) -> None:
    client = Client(shared_vcd.url, api_version=version, verify_ssl_certs=shared_vcd.ca_file, log_file=os.devnull)
    client.set_credentials(BasicLoginCredentials("alice", "acme", "alice-secret"))
    assert client.get_api_version() == version
    assert str(client.get_vcd_api_version()) == version
    session = client.get_vcloud_session()
    client.logout()
    assert session.get("user") == "alice"


@covers("Client.rehydrate_from_token", "Client.get_access_token", "Client.get_xvcloud_authorization_token")
def test_a_token_opens_a_session_again(alice: Tenant, shared_vcd: Simulator, version: str) -> None:
    token = alice.client.get_access_token() or alice.client.get_xvcloud_authorization_token()
    assert alice.client.get_xvcloud_authorization_token() or version >= "33.0"
    again = Client(shared_vcd.url, api_version=version, verify_ssl_certs=shared_vcd.ca_file, log_file=os.devnull)
    again.rehydrate_from_token(token, is_jwt_token=version >= "33.0")
    assert again.get_org().get("name") == "acme"


@covers("Client.is_sysadmin", "Client.get_vcloud_session")
def test_who_is_logged_in(alice: Tenant, administrator: Client) -> None:
    assert administrator.is_sysadmin()
    assert not alice.client.is_sysadmin()
    session = alice.client.get_vcloud_session()
    assert (session.get("org"), session.get("user"), session.get("roles")) == (
        "acme", "alice", "Organization Administrator",
    )  # fmt: skip


@covers("Client.get_api_uri", "Client.get_cloudapi_uri", "Client.should_verify_ssl")
def test_addresses(alice: Tenant, shared_vcd: Simulator) -> None:
    assert alice.client.get_api_uri() == f"{shared_vcd.url}/api"
    assert alice.client.get_cloudapi_uri() == f"{shared_vcd.url}/cloudapi"
    assert alice.client.should_verify_ssl()


@covers("Client.get_admin", "Client.get_extension")
def test_the_provider_s_roots(administrator: Client, alice: Tenant) -> None:
    assert administrator.get_admin().get("href").endswith("/api/admin/")
    assert administrator.get_extension().get("href").endswith("/api/admin/extension")
    with pytest.raises(Exception, match="does not have access"):
        alice.client.get_extension()


@covers("Client.get_extensibility")
def test_the_root_of_extensibility(alice: Tenant) -> None:
    assert alice.client.get_extensibility().tag.endswith("ApiExtensibility")


@covers("Client.get_org", "Client.get_org_list", "Client.get_org_by_name")
def test_organisations(alice: Tenant, administrator: Client) -> None:
    assert alice.client.get_org().get("name") == "acme"
    assert {"System", "acme", "globex"} <= {one.get("name") for one in administrator.get_org_list()}
    assert [one.get("name") for one in alice.client.get_org_list()] == ["acme"]
    assert administrator.get_org_by_name("ACME").get("name") == "acme"
    with pytest.raises(EntityNotFoundException):
        alice.client.get_org_by_name("globex")


@covers("Client.get_user_in_org")
def test_a_user_of_an_organisation(alice: Tenant) -> None:
    assert alice.client.get_user_in_org("bob", alice.org.href).get("name") == "bob"
    with pytest.raises(EntityNotFoundException):
        alice.client.get_user_in_org("carol", alice.org.href)


@covers("Client.get_query_list")
def test_the_list_of_queries(alice: Tenant) -> None:
    names = {link.get("name") for link in alice.client.get_query_list().Link}
    assert {"vApp", "vm", "catalog", "task", "user", "role", "right", "orgVdcNetwork", "organization"} <= names


@covers("Client.get_typed_query", "Query.execute")
def test_queries_with_filter_order_pages_and_fields(alice: Tenant, uid: str) -> None:
    for number in range(3):
        alice.compose(f"q {uid}, {number}")
    found = list(
        alice.client.get_typed_query(
            "vApp",
            query_result_format=QueryResultFormat.RECORDS,
            page_size=2,
            qfilter=f"name==q*{uid}*;status==RESOLVED",
            sort_desc="name",
        ).execute()
    )
    assert [one.get("name") for one in found] == [f"q {uid}, {number}" for number in (2, 1, 0)]
    for number in range(3):
        alice.wait(alice.vdc.delete_vapp(f"q {uid}, {number}"))


@covers("Query.find_unique")
def test_the_only_one_there_is(alice: Tenant) -> None:
    query = alice.client.get_typed_query("user", QueryResultFormat.REFERENCES, equality_filter=("name", "bob"))
    assert query.find_unique().get("name") == "bob"
    missing = alice.client.get_typed_query("user", QueryResultFormat.ID_RECORDS, equality_filter=("name", "no one"))
    with pytest.raises(MissingRecordException):
        missing.find_unique()


@covers("Client.get_resource_link_from_query_object")
def test_links_of_an_organisation_that_are_queries(alice: Tenant, version: str) -> None:
    if version < "33.0":
        records = alice.client.get_typed_query("orgVdc", QueryResultFormat.RECORDS).execute()
        assert [one.get("name") for one in records] == ["acme-vdc"]
    link = alice.client.get_resource_link_from_query_object(
        alice.client.get_org(), media_type=EntityType.RECORDS.value, type="vdc"
    )
    assert (link is None) is (version < "33.0")


@covers(
    "Client.get_resource",
    "Client.get_linked_resource",
    "Client.post_resource",
    "Client.post_linked_resource",
    "Client.put_resource",
    "Client.put_linked_resource",
    "Client.delete_resource",
    "Client.delete_linked_resource",
)
def test_documents_are_read_written_and_deleted(alice: Tenant, vapp: VApp) -> None:
    client = alice.client
    resource = client.get_resource(vapp.href)
    leases = client.get_resource(f"{vapp.href}/leaseSettingsSection/")
    leases.StorageLeaseInSeconds = 0
    for send in (
        lambda: client.put_linked_resource(leases, RelationType.EDIT, EntityType.LEASE_SETTINGS.value, leases),
        lambda: client.put_resource(f"{vapp.href}/leaseSettingsSection/", leases, EntityType.LEASE_SETTINGS.value),
        lambda: client.post_linked_resource(resource, RelationType.POWER_ON, None, None),
        lambda: client.post_resource(f"{vapp.href}/power/action/powerOff", None, None),
    ):
        alice.wait(send())  # type: ignore[no-untyped-call]  # lxml has no types for it
    assert str(client.get_linked_resource(resource, RelationType.DOWN, METADATA).get("href")).startswith(vapp.href)
    other = alice.compose(f"{vapp.get_resource().get('name')}-2")
    alice.wait(client.delete_linked_resource(other.get_resource(), RelationType.REMOVE, None))
    third = alice.compose(f"{vapp.get_resource().get('name')}-3")
    alice.wait(client.delete_resource(third.href))
    with pytest.raises(AccessForbiddenException):
        client.get_resource(third.href)


@covers("Client.upload_fragment")
def test_fragments_of_a_file(alice: Tenant, catalog: str) -> None:
    params = E.UploadVAppTemplateParams(name="fragments.ova")
    client = alice.client
    item = client.post_linked_resource(
        alice.org.get_catalog(catalog), RelationType.ADD, EntityType.UPLOAD_VAPP_TEMPLATE_PARAMS.value, params
    )
    entity = client.get_resource(item.Entity.get("href"))
    client.put_resource(entity.Files.File.Link.get("href"), _document(envelope()), EntityType.TEXT_XML.value)
    entity = client.get_resource(entity.get("href"))
    target = entity.Files.File[1].Link.get("href")
    assert client.upload_fragment(target, b"x" * 1000, "bytes 0-999/3000").status_code == 200
    assert client.get_resource(entity.get("href")).Files.File[1].get("bytesTransferred") == "1000"
    assert client.upload_fragment(target, b"x" * 2000, "bytes 1000-2999/3000").status_code == 200
    alice.wait(client.get_resource(entity.get("href")).Tasks.Task[0])


def _document(body: bytes) -> object:
    return objectify.fromstring(body)


@covers("Client.get_task_monitor", "TaskMonitor.wait_for_success", "TaskMonitor.get_status")
def test_waiting_for_success(alice: Tenant, vapp: VApp) -> None:
    monitor = alice.client.get_task_monitor()
    task = vapp.power_on()
    assert monitor.wait_for_success(task, timeout=LIMIT_S, poll_frequency=0.05).get("status") == "success"
    assert monitor.get_status(task) == "success"


@covers("TaskMonitor.wait_for_status")
def test_waiting_for_a_failure(alice: Tenant, catalog: str) -> None:
    client = alice.client
    item = client.post_linked_resource(
        alice.org.get_catalog(catalog), RelationType.ADD, EntityType.UPLOAD_VAPP_TEMPLATE_PARAMS.value,
        E.UploadVAppTemplateParams(name="broken.ova"),
    )  # fmt: skip
    entity = client.get_resource(item.Entity.get("href"))
    client.put_resource(entity.Files.File.Link.get("href"), E.Envelope(), EntityType.TEXT_XML.value)
    task = entity.Tasks.Task[0]
    monitor = client.get_task_monitor()
    with pytest.raises(VcdTaskException, match="Validation failed"):
        monitor.wait_for_status(
            task, timeout=LIMIT_S, poll_frequency=0.05, fail_on_statuses=[TaskStatus.ERROR],
            expected_target_statuses=[TaskStatus.SUCCESS],
        )  # fmt: skip
    failed = monitor.wait_for_status(
        task, timeout=LIMIT_S, poll_frequency=0.05, fail_on_statuses=None, expected_target_statuses=[TaskStatus.ERROR]
    )
    assert failed.get("status") == "error"
