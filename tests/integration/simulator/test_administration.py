"""Organisations, VDCs, networks, catalogs, roles and users through pyvcloud."""

import uuid
from typing import Any

import pytest
from pyvcloud.vcd.client import Client, TaskStatus
from pyvcloud.vcd.exceptions import (
    AccessForbiddenException,
    BadRequestException,
    EntityNotFoundException,
    VcdTaskException,
)
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.platform import Platform
from pyvcloud.vcd.role import Role
from pyvcloud.vcd.system import System
from pyvcloud.vcd.task import Task
from pyvcloud.vcd.vdc import VDC

from cse_testing.pyvcloud_client import POLL_S, Tenant
from cse_testing.waiting import LIMIT_S
from vcd_simulator.simulator import Simulator


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex[:8]


def wait(client: Client, task: Any) -> None:
    client.get_task_monitor().wait_for_success(task, timeout=LIMIT_S, poll_frequency=POLL_S)


@pytest.fixture
def acme(administrator: Client) -> Org:
    return Org(administrator, resource=administrator.get_org_by_name("acme"))


def test_an_organisation_comes_and_goes(administrator: Client, unique: str) -> None:
    system = System(administrator, admin_resource=administrator.get_admin())
    org = system.create_org(f"org-{unique}", "A new one", is_enabled=True)
    assert org.get("name") == f"org-{unique}"
    made = Org(administrator, resource=administrator.get_org_by_name(f"org-{unique}"))
    assert "Organization Administrator" in [role["name"] for role in made.list_roles()]
    with pytest.raises(VcdTaskException, match="disable it"):
        wait(administrator, system.delete_org(f"org-{unique}"))
    wait(administrator, system.delete_org(f"org-{unique}", force=True, recursive=True))
    with pytest.raises(EntityNotFoundException):
        administrator.get_org_by_name(f"org-{unique}")


def test_a_vdc_comes_and_goes(administrator: Client, acme: Org, unique: str) -> None:
    profile = {"name": "gold", "enabled": True, "units": "MB", "limit": 0, "default": True}
    made = acme.create_org_vdc(
        f"vdc-{unique}", "pvdc1", network_pool_name="pool1", storage_profiles=[profile], uses_fast_provisioning=True
    )
    wait(administrator, made.Tasks.Task[0])
    acme.reload()
    vdc = VDC(administrator, resource=acme.get_vdc(f"vdc-{unique}", is_admin_operation=True))
    assert [one.get("name") for one in vdc.get_storage_profiles()] == ["gold"]
    with pytest.raises(BadRequestException, match="already exists"):
        acme.create_org_vdc(f"vdc-{unique}", "pvdc1", storage_profiles=[profile])
    vdc.enable_vdc(enable=False)
    vdc.reload()
    wait(administrator, vdc.delete_vdc())
    acme.reload()
    assert acme.get_vdc(f"vdc-{unique}") is None


def test_a_direct_network_is_created_on_an_external_one(administrator: Client, acme: Org, unique: str) -> None:
    vdc = VDC(administrator, resource=acme.get_vdc("acme-vdc"))
    made = vdc.create_directly_connected_vdc_network(f"net-{unique}", "ext-net", description="direct")
    wait(administrator, made.Tasks.Task[0])
    names = [network.get("name") for network in vdc.list_orgvdc_direct_networks()]
    assert {f"net-{unique}", "acme-net"} <= set(names)
    wait(administrator, vdc.delete_direct_orgvdc_network(f"net-{unique}"))


def test_an_isolated_network_is_the_tenants_own(alice: Tenant, unique: str) -> None:
    made = alice.vdc.create_isolated_vdc_network(
        f"iso-{unique}", network_cidr="192.168.7.1/24", primary_dns_ip="8.8.8.8", ip_range_start="192.168.7.10",
        ip_range_end="192.168.7.20",
    )  # fmt: skip
    alice.wait(made.Tasks.Task[0])
    names = [network.get("name") for network in alice.vdc.list_orgvdc_isolated_networks()]
    assert f"iso-{unique}" in names
    alice.wait(alice.vdc.delete_isolated_orgvdc_network(f"iso-{unique}"))


def test_roles_rights_and_users_are_administered(administrator: Client, unique: str) -> None:
    system = System(administrator, admin_resource=administrator.get_admin())
    system.create_org(f"org-{unique}", "Of its own", is_enabled=True)
    acme = Org(administrator, resource=administrator.get_org_by_name(f"org-{unique}"))
    made = acme.create_role(f"role-{unique}", "for tests", ["vApp: Copy", "vApp: Delete"])
    assert made.get("name") == f"role-{unique}"
    role = Role(administrator, resource=acme.get_role_resource(f"role-{unique}"))
    assert {right["name"] for right in role.list_rights()} == {"vApp: Copy", "vApp: Delete"}
    role.add_rights(["Catalog: Create / Delete a Catalog"], acme)
    role = Role(administrator, resource=acme.get_role_resource(f"role-{unique}"))
    assert len(role.list_rights()) == 3
    with pytest.raises(BadRequestException, match="not available to the organization"):
        role.add_rights(["vApp: VM Migrate, Force Undeploy, Relocate, Consolidate"], acme)
    acme.add_rights(["vApp: VM Migrate, Force Undeploy, Relocate, Consolidate"])
    role.add_rights(["vApp: VM Migrate, Force Undeploy, Relocate, Consolidate"], acme)
    role_href = acme.get_role_record(f"role-{unique}").get("href")
    acme.create_user(f"user-{unique}", "a password", role_href, full_name="U. Ser", is_enabled=True)
    assert f"user-{unique}" in [user.get("name") for user in acme.list_users()]
    acme.update_user(f"user-{unique}", is_enabled=False, role_name="vApp User")
    assert not acme.get_user(f"user-{unique}").IsEnabled
    acme.delete_user(f"user-{unique}")
    acme.delete_role(f"role-{unique}")
    with pytest.raises(EntityNotFoundException):
        acme.get_role_resource(f"role-{unique}")


def test_catalogs_are_created_shared_given_away_and_deleted(alice: Tenant, carol: Tenant, unique: str) -> None:
    name = f"catalog-{unique}"
    made = alice.org.create_catalog(name, "for tests")
    alice.wait(made.Tasks.Task[0])
    alice.org.reload()
    with pytest.raises(BadRequestException, match="already exists"):
        alice.org.create_catalog(name, "again")
    assert name not in [one["name"] for one in carol.org.list_catalogs()]
    alice.org.share_catalog(name)
    assert name in [one["name"] for one in carol.org.list_catalogs()]
    carol.org.reload()
    assert carol.org.get_catalog(name).get("name") == name
    alice.org.add_catalog_access_settings(name, [{"name": "bob", "type": "user", "access_level": "ReadOnly"}])
    settings = alice.org.get_catalog_access_settings(name)
    assert settings.AccessSettings.AccessSetting.Subject.get("name") == "bob"
    alice.org.change_catalog_owner(name, "bob")
    alice.org.update_catalog(name, f"{name}-new", "renamed")
    alice.org.reload()
    alice.org.delete_catalog(f"{name}-new")
    alice.org.reload()
    with pytest.raises(EntityNotFoundException):
        alice.org.get_catalog(f"{name}-new")


def test_the_vcenters_are_where_they_say(administrator: Client, shared_vcd: Simulator) -> None:
    platform = Platform(administrator)
    assert [one.get("name") for one in platform.list_vcenters()] == ["vc1"]
    vcenter = platform.get_vcenter("vc1")
    urls = vcenter.xpath("*[local-name() = 'Url']")
    assert urls[0].text == f"https://{shared_vcd.vcenters['vc1'].address}"


def test_a_service_reports_its_progress_in_the_tenants_organisation(
    administrator: Client, alice: Tenant, carol: Tenant, acme: Org
) -> None:
    session = alice.client.get_vcloud_session()
    task = Task(administrator)

    def report(status: TaskStatus, text: str, **more: Any) -> Any:
        return task.update(
            status=status.value,
            namespace="vcloud.cse",
            operation=text,
            operation_name="create_cluster",
            details="",
            progress=None,
            owner_href="urn:cse:cluster:5c6b",
            owner_name="c1",
            owner_type="application/vcloud.cse.cluster+xml",
            user_href=session.get("userId"),
            user_name=session.get("user"),
            org_href=acme.href,
            **more,
        )

    created = report(TaskStatus.RUNNING, "Creating cluster c1")
    href = created.get("href")
    seen = alice.client.get_resource(href)
    assert (seen.get("status"), seen.get("operation")) == ("running", "Creating cluster c1")
    report(TaskStatus.ERROR, "Failed", task_href=href, error_message="no <room>", stack_trace="")
    seen = alice.client.get_resource(href)
    assert (seen.get("status"), seen.Error.get("message")) == ("error", "no <room>")
    with pytest.raises(AccessForbiddenException):
        carol.client.get_resource(href)
