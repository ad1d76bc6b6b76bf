"""pyvcloud.vcd.system, platform, api_extension, amqp and task: what a provider does."""

from typing import Any

import pytest
from pyvcloud.vcd.amqp import AmqpService
from pyvcloud.vcd.api_extension import APIExtension
from pyvcloud.vcd.client import Client, ResourceType, TaskStatus
from pyvcloud.vcd.exceptions import BadRequestException, EntityNotFoundException, MissingRecordException
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.platform import Platform
from pyvcloud.vcd.pvdc import PVDC
from pyvcloud.vcd.system import System
from pyvcloud.vcd.task import Task
from pyvcloud.vcd.utils import pvdc_to_dict

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant, Wait
from vcd_simulator.simulator import Simulator


@pytest.fixture
def system(administrator: Client) -> System:
    return System(administrator, admin_resource=administrator.get_admin())


@pytest.fixture
def platform(administrator: Client) -> Platform:
    return Platform(administrator)


@pytest.fixture
def extensions(administrator: Client) -> APIExtension:
    return APIExtension(administrator)


@pytest.fixture
def service(extensions: APIExtension, uid: str) -> str:
    """A registered service; its namespace is the same as its name."""
    extensions.add_extension(uid, uid, f"{uid}-key", f"{uid}-exchange", [f"/api/{uid}", f"/api/{uid}/.*"])
    return uid


@covers("System.create_org", "System.delete_org", "Org.update_org")
def test_organisations_come_and_go(administrator: Client, system: System, uid: str, wait: Wait) -> None:
    made = system.create_org(uid, "A new one", is_enabled=True)
    assert (made.get("name"), str(made.FullName), str(made.IsEnabled)) == (uid, "A new one", "True")
    with pytest.raises(BadRequestException, match="already exists"):
        system.create_org(uid, "again")
    org = Org(administrator, resource=administrator.get_org_by_name(uid))
    org.update_org(is_enabled=False)
    wait(system.delete_org(uid, force=False, recursive=False))
    with pytest.raises(EntityNotFoundException):
        administrator.get_org_by_name(uid)


@covers("System.list_provider_vdcs", "System.get_provider_vdc")
def test_provider_vdcs(system: System) -> None:
    assert [one.get("name") for one in system.list_provider_vdcs()] == ["pvdc1"]
    assert system.get_provider_vdc("pvdc1").get("name") == "pvdc1"
    with pytest.raises(EntityNotFoundException):
        system.get_provider_vdc("pvdc2")


@covers(
    "PVDC.get_resource", "PVDC.reload", "PVDC.get_vdc_references", "PVDC.get_metadata", "PVDC.set_metadata",
    "PVDC.get_storage_profiles", "PVDC.get_storage_profile",
)  # fmt: skip
def test_a_provider_vdc_in_detail(administrator: Client, system: System, uid: str, wait: Wait) -> None:
    pvdc = PVDC(administrator, href=system.get_provider_vdc("pvdc1").get("href"))
    assert pvdc.get_resource().get("name") == "pvdc1"
    assert {one.get("name") for one in pvdc.get_storage_profiles()} == {"*", "gold"}
    assert pvdc.get_storage_profile("gold").get("name") == "gold"
    assert "acme-vdc" in {one.get("name") for one in pvdc.get_vdc_references().VdcReference}
    wait(pvdc.set_metadata("GENERAL", "READWRITE", uid, "north"))
    pvdc.reload()
    metadata = pvdc.get_metadata()
    assert {str(one.Key): str(one.TypedValue.Value) for one in metadata.MetadataEntry}[uid] == "north"
    told = pvdc_to_dict(pvdc.get_resource(), pvdc.get_vdc_references(), metadata)
    assert "acme-vdc" in told["vdc_refs"]
    assert (told["cpu_capacity"]["units"], told["mem_capacity"]["units"]) == ("MHz", "MB")


@covers("System.list_provider_vdc_storage_profiles", "System.get_provider_vdc_storage_profile")
def test_storage_profiles_of_provider_vdcs(system: System) -> None:
    assert {one.get("name") for one in system.list_provider_vdc_storage_profiles()} == {"*", "gold"}
    assert system.get_provider_vdc_storage_profile("gold").get("name") == "gold"


@covers("System.list_network_pools", "System.get_network_pool_reference")
def test_network_pools(system: System) -> None:
    assert [one.get("name") for one in system.list_network_pools()] == ["pool1"]
    assert system.get_network_pool_reference("pool1").get("name") == "pool1"


@covers("Platform.list_vcenters", "Platform.get_vcenter")
def test_vcenters(platform: Platform, shared_vcd: Simulator) -> None:
    assert [one.get("name") for one in platform.list_vcenters()] == ["vc1"]
    url = platform.get_vcenter("vc1").xpath("*[local-name() = 'Url']")[0].text
    assert url == f"https://{shared_vcd.vcenters['vc1'].address}"
    with pytest.raises(EntityNotFoundException):
        platform.get_vcenter("vc2")


@covers("Platform.list_external_networks", "Platform.get_external_network")
def test_external_networks(platform: Platform) -> None:
    assert [one.get("name") for one in platform.list_external_networks()] == ["ext-net"]
    assert platform.get_external_network("ext-net").get("name") == "ext-net"


@covers("Platform.get_ref_by_name")
def test_references(platform: Platform) -> None:
    assert platform.get_ref_by_name(ResourceType.PROVIDER_VDC, "pvdc1").get("name") == "pvdc1"
    with pytest.raises(MissingRecordException):
        platform.get_ref_by_name(ResourceType.PROVIDER_VDC, "none")


@covers("Platform.get_resource_pool_morefs")
def test_resource_pools(platform: Platform) -> None:
    (pool,) = platform.get_resource_pool_morefs(platform.get_vcenter("vc1").get("href"), ["pvdc1"])
    assert pool.startswith("resgroup-")


@covers("Platform.enable_disable_vcenter")
def test_a_vcenter_is_disabled_and_enabled(platform: Platform, wait: Wait) -> None:
    wait(platform.enable_disable_vcenter("vc1", False))
    assert _enabled(platform) == "false"
    wait(platform.enable_disable_vcenter("vc1", True))
    assert _enabled(platform) == "true"


def _enabled(platform: Platform) -> Any:
    return platform.get_vcenter("vc1").xpath("*[local-name() = 'IsEnabled']")[0].text


@covers(
    "APIExtension.add_extension",
    "APIExtension.list_extensions",
    "APIExtension.get_extension",
    "APIExtension.delete_extension",
)
def test_services_come_and_go(extensions: APIExtension, uid: str) -> None:
    extensions.add_extension(uid, uid, "key", "exchange", [f"/api/{uid}"], description="d")
    assert uid in [one["name"] for one in extensions.list_extensions()]
    assert extensions.get_extension(uid, uid)["routingKey"] == "key"
    extensions.delete_extension(uid, uid)
    with pytest.raises(MissingRecordException):
        extensions.get_extension(uid, uid)


@covers("APIExtension.get_extension_info", "APIExtension.get_extension_xml", "APIExtension.get_api_filters")
def test_what_a_service_is(extensions: APIExtension, service: str) -> None:
    shown = extensions.get_extension_info(service, service)
    assert shown["exchange"] == f"{service}-exchange"
    service_id = shown["id"].rpartition(":")[2]
    assert extensions.get_extension_xml(service_id).get("name") == service
    patterns = {one.get("urlPattern") for one in extensions.get_api_filters(service_id)}
    assert patterns == {f"/api/{service}", f"/api/{service}/.*"}


@covers("APIExtension.update_extension", "APIExtension.enable_extension")
def test_a_service_changes(extensions: APIExtension, service: str) -> None:
    extensions.update_extension(service, service, routing_key="other", exchange="another", description="new")
    extensions.enable_extension(service, enabled=False, namespace=service)
    shown = extensions.get_extension_info(service, service)
    assert (shown["routingKey"], shown["exchange"], shown["enabled"]) == ("other", "another", "false")
    assert f"/api/{service}" in str(shown), "the filters stay"


@covers("APIExtension.add_api_filters_to_service", "APIExtension.remove_all_api_filters_from_service")
def test_filters_come_and_go(extensions: APIExtension, service: str) -> None:
    extensions.remove_all_api_filters_from_service(service, service)
    service_id = extensions.get_extension(service, service)["id"].rpartition(":")[2]
    assert list(extensions.get_api_filters(service_id)) == []
    extensions.add_api_filters_to_service(service, [f"/api/{service}/new"], service)
    assert [one.get("urlPattern") for one in extensions.get_api_filters(service_id)] == [f"/api/{service}/new"]


@covers("APIExtension.add_service_right", "Org.list_rights_available_in_vcd")
def test_a_right_of_a_service(extensions: APIExtension, service: str, acme: Org) -> None:
    extensions.add_service_right("DEPLOY", service, service, "deploys", "category", "bundleKey")
    names = [one["name"] for one in acme.list_rights_available_in_vcd()]
    assert f"{{{service}}}:DEPLOY" in names
    with pytest.raises(BadRequestException, match="already exists"):
        extensions.add_service_right("DEPLOY", service, service, "deploys", "category", "bundleKey")


@covers("AmqpService.get_settings", "AmqpService.test_config", "AmqpService.set_config")
def test_settings_of_the_broker(administrator: Client) -> None:
    amqp = AmqpService(administrator)
    assert str(amqp.get_settings().AmqpPrefix) == "vcd"
    config = {
        "AmqpHost": "127.0.0.1", "AmqpPort": "1", "AmqpUsername": "nobody", "AmqpExchange": "systemExchange",
        "AmqpVHost": "/", "AmqpUseSSL": "false", "AmqpSslAcceptAll": "false", "AmqpPrefix": "vcd",
    }  # fmt: skip
    assert str(amqp.test_config(config, "wrong").Valid) == "False"
    changed = amqp.set_config(config, "wrong")
    assert str(changed.AmqpPort) == "1"


@covers("Task.update", "Task.list_tasks")
def test_a_service_reports_on_its_work(administrator: Client, alice: Tenant, acme: Org, uid: str) -> None:
    session = alice.client.get_vcloud_session()
    task = Task(administrator)

    def report(status: TaskStatus, **more: Any) -> Any:
        return task.update(
            status=status.value, namespace="vcloud.cse", operation=f"Creating {uid}", operation_name="create_cluster",
            details="", progress=None, owner_href=f"urn:cse:cluster:{uid}", owner_name=uid,
            owner_type="application/vcloud.cse.cluster+xml", user_href=session.get("userId"),
            user_name=session.get("user"), org_href=acme.href, **more,
        )  # fmt: skip

    created = report(TaskStatus.RUNNING)
    listed = [one.get("objectName") for one in Task(alice.client).list_tasks(["running"])]
    assert uid in listed
    report(TaskStatus.SUCCESS, task_href=created.get("href"))
    assert alice.client.get_resource(created.get("href")).get("status") == "success"
