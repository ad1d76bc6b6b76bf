"""pyvcloud.vcd.org and role: users, roles, rights."""

import pytest
from pyvcloud.vcd.client import BasicLoginCredentials, Client
from pyvcloud.vcd.exceptions import EntityNotFoundException, UnauthorizedException
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.role import Role

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant
from vcd_simulator.model.rights import PREDEFINED_ROLES
from vcd_simulator.simulator import Simulator


@pytest.fixture
def role(alice: Tenant, uid: str) -> Role:
    """A role of acme's with one right."""
    alice.org.create_role(f"role-{uid}", "for a test", ["vApp: Copy"])
    return Role(alice.client, resource=alice.org.get_role_resource(f"role-{uid}"))


@covers("Org.create_user", "Org.get_user", "Org.list_users", "Org.delete_user")
def test_users_come_and_go(alice: Tenant, uid: str) -> None:
    role = alice.org.get_role_record("vApp Author")
    alice.org.create_user(uid, f"{uid}-secret", role.get("href"), full_name="U", email="u@example.org", is_enabled=True)
    user = alice.org.get_user(uid)
    assert (str(user.FullName), str(user.EmailAddress), str(user.IsEnabled)) == ("U", "u@example.org", "True")
    assert [one.get("name") for one in alice.org.list_users(("name", uid))] == [uid]
    alice.org.delete_user(uid)
    with pytest.raises(EntityNotFoundException):
        alice.org.get_user(uid)


@covers("Org.update_user")
def test_a_user_changes(alice: Tenant, shared_vcd: Simulator, uid: str, version: str) -> None:
    role = alice.org.get_role_record("vApp Author")
    alice.org.create_user(uid, "first-secret", role.get("href"), is_enabled=True)
    alice.org.update_user(uid, role_name="vApp User", password="other-secret")
    client = Client(shared_vcd.url, api_version=version, verify_ssl_certs=shared_vcd.ca_file, log_file="/dev/null")
    with pytest.raises(Exception):  # noqa: B017, PT011  # what it is depends on the version
        client.set_credentials(BasicLoginCredentials(uid, "acme", "first-secret"))
    client.set_credentials(BasicLoginCredentials(uid, "acme", "other-secret"))
    assert client.get_vcloud_session().get("roles") == "vApp User"
    alice.org.update_user(uid, role_name="vApp User", is_enabled=False)
    with pytest.raises(UnauthorizedException):
        client.get_resource(alice.org.href)


@covers("Org.list_roles", "Org.get_role_record", "Org.get_role_resource")
def test_the_predefined_roles_are_there(alice: Tenant) -> None:
    assert set(PREDEFINED_ROLES) <= {one["name"] for one in alice.org.list_roles()}
    record = alice.org.get_role_record("Console Access Only")
    resource = alice.org.get_role_resource("Console Access Only")
    assert record.get("href") == resource.get("href")
    rights = {one.get("name") for one in resource.RightReferences.RightReference}
    assert rights == {"vApp: Manage VM Password Settings", "vApp: Use Console"}


@covers("Org.create_role", "Org.delete_role")
def test_roles_come_and_go(alice: Tenant, uid: str) -> None:
    alice.org.create_role(uid, "does little", ["vApp: Copy", "vApp: Delete"])
    assert str(alice.org.get_role_resource(uid).Description) == "does little"
    alice.org.delete_role(uid)
    with pytest.raises(EntityNotFoundException):
        alice.org.get_role_resource(uid)


@covers("Role.list_rights", "Role.add_rights", "Role.remove_rights")
def test_a_role_gets_and_loses_rights(alice: Tenant, role: Role) -> None:
    role.add_rights(["vApp: Delete"], alice.org)
    assert rights(alice.client, role) == ["vApp: Copy", "vApp: Delete"]
    Role(alice.client, href=role.href).remove_rights(["vApp: Copy"])
    assert rights(alice.client, role) == ["vApp: Delete"]


def rights(client: Client, role: Role) -> list[str]:
    """What the role allows now."""
    return [one["name"] for one in Role(client, href=role.href).list_rights()]


@covers("Role.link", "Role.unlink")
def test_a_role_leaves_its_template_and_returns(administrator: Client, acme: Org) -> None:
    href = acme.get_role_resource("vApp User").get("href")
    before = rights(administrator, Role(administrator, href=href))
    Role(administrator, href=href).unlink()
    Role(administrator, href=href).remove_rights(["vApp: Copy"])
    assert "vApp: Copy" not in rights(administrator, Role(administrator, href=href))
    Role(administrator, href=href).link()
    assert rights(administrator, Role(administrator, href=href)) == before


@covers("Org.get_right_record", "Org.get_right_resource", "Org.list_rights_available_in_system")
def test_rights_of_the_system(administrator: Client, acme: Org) -> None:
    assert acme.get_right_record("vApp: Copy").get("category")
    assert acme.get_right_resource("vApp: Copy").get("name") == "vApp: Copy"
    assert "Provider vDC: View" in [one["name"] for one in acme.list_rights_available_in_system()]
    assert [one["name"] for one in acme.list_rights_available_in_system(("name", "vApp: Copy"))] == ["vApp: Copy"]


@covers("Org.list_rights_of_org", "Org.add_rights", "Org.remove_rights")
def test_an_organisation_gets_and_loses_rights(acme: Org) -> None:
    right = "Organization vDC: Create"
    acme.add_rights([right])
    assert right in [one.get("name") for one in acme.list_rights_of_org()]
    acme.remove_rights([right])
    assert right not in [one.get("name") for one in acme.list_rights_of_org()]
