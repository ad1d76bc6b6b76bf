"""What a provider does before a tenant can work: organisations, VDCs, networks, roles, users, catalogs."""

from collections.abc import Iterator

import pytest

from cse_testing.vcd_cli import VcdCli


@pytest.fixture
def org(admin: VcdCli, version: str) -> Iterator[str]:
    """A new organisation, in use; it must be empty at the end."""
    name = f"org-{version.partition('.')[0]}"
    admin.ok("org", "create", name, "A new organisation", "-e")
    admin.ok("org", "use", name)
    yield name
    assert "is enabled" in admin.run("org", "delete", "-y", name).out, "the task fails; the command tells of it"
    admin.ok("org", "update", name, "--disable")
    admin.ok("org", "delete", "-y", name)
    assert name not in admin.ok("org", "list")


def test_a_vdc_with_a_network_is_made_used_and_deleted(admin: VcdCli, org: str) -> None:
    admin.ok("vdc", "create", "new-vdc", "-p", "pvdc1", "-n", "pool1", "-s", "*")
    assert "new-vdc" in admin.ok("vdc", "list")
    admin.ok("vdc", "use", "new-vdc")
    admin.ok("network", "direct", "create", "new-net", "-p", "ext-net")
    assert "new-net" in admin.ok("network", "direct", "list")
    assert "new-net" in admin.ok("vdc", "info", "new-vdc")
    assert "networks" in _after_disabling(admin).refused("vdc", "delete", "-y", "new-vdc")
    admin.ok("network", "direct", "delete", "new-net", "-y")
    admin.ok("vdc", "enable", "new-vdc")
    assert "not supported" in admin.refused("vdc", "delete", "-y", "new-vdc"), "nothing says how, while it is enabled"
    _after_disabling(admin).ok("vdc", "delete", "-y", "new-vdc")
    assert "new-vdc" not in admin.ok("vdc", "list")


def _after_disabling(admin: VcdCli) -> VcdCli:
    admin.ok("vdc", "disable", "new-vdc")
    return admin


def test_a_role_gets_and_loses_rights(admin: VcdCli, org: str) -> None:
    admin.ok("role", "create", "deployer", "deploys", "vApp: Copy", "Catalog: View Published Catalogs")
    admin.ok("role", "add-right", "deployer", "vApp: Delete", "vApp: Power Operations")
    assert "vApp: Delete" in admin.ok("role", "list-rights", "deployer")
    admin.ok("role", "remove-right", "-y", "deployer", "vApp: Delete")
    left = admin.ok("role", "list-rights", "deployer")
    assert "vApp: Delete" not in left
    assert "vApp: Power Operations" in left
    admin.ok("role", "clone", "deployer", "second")
    listed = admin.ok("role", "list")
    for name in ("deployer", "second", "Organization Administrator", "vApp Author"):
        assert name in listed
    assert "does not exist" in admin.refused("role", "add-right", "deployer", "No Such Right")
    admin.ok("role", "delete", "-y", "deployer")
    assert "deployer" not in admin.ok("role", "list")


def test_an_organisation_gets_and_loses_rights(admin: VcdCli, org: str) -> None:
    right = "Organization vDC: Create"
    assert right not in admin.ok("right", "list", "-o", org)
    admin.ok("right", "add", "-o", org, right)
    assert right in admin.ok("right", "list", "-o", org)
    admin.ok("right", "remove", "-y", "-o", org, right)
    assert right not in admin.ok("right", "list", "-o", org)
    assert right in admin.ok("right", "info", right)


def test_a_user_has_a_role_which_therefore_stays(admin: VcdCli, org: str) -> None:
    admin.ok("role", "create", "deployer", "deploys", "vApp: Copy")
    admin.ok("user", "create", "dora", "dora-secret", "deployer")
    assert "already exists" in admin.refused("user", "create", "dora", "dora-secret", "deployer")
    assert "dora" in admin.ok("user", "list")
    assert "users have it" in admin.refused("role", "delete", "-y", "deployer")
    admin.ok("user", "delete", "-y", "dora")
    admin.ok("role", "delete", "-y", "deployer")


def test_a_catalog_is_shared_with_whom_its_list_says(admin: VcdCli, org: str) -> None:
    admin.ok("catalog", "create", "tools", "-d", "Useful things")
    assert "already exists" in admin.refused("catalog", "create", "tools")
    assert "Useful things" in admin.ok("catalog", "info", "tools")
    admin.ok("user", "create", "dora", "dora-secret", "Catalog Author", "-E")
    admin.ok("catalog", "acl", "add", "tools", "org:acme:ReadOnly", "user:dora:Change")
    listed = admin.ok("catalog", "acl", "list", "tools")
    for name in ("acme", "dora", "Change"):
        assert name in listed
    admin.ok("catalog", "acl", "remove", "-y", "tools", "org:acme")
    assert "acme" not in admin.ok("catalog", "acl", "list", "tools")
    admin.ok("catalog", "acl", "share", "tools")
    admin.ok("catalog", "acl", "unshare", "tools")
    admin.ok("catalog", "update", "tools", "-n", "toolbox")
    admin.ok("catalog", "delete", "-y", "toolbox")
    assert "toolbox" not in admin.ok("catalog", "list")


def test_a_published_catalog_is_seen_by_tenants(admin: VcdCli, org: str, alice: VcdCli) -> None:
    admin.ok("catalog", "create", "goods")
    assert "goods" not in alice.ok("catalog", "list")
    admin.ok("catalog", "share", "goods")
    assert "goods" in alice.ok("catalog", "list")
    assert "goods" in alice.ok("catalog", "info", "goods")
    admin.ok("catalog", "unshare", "goods")
    assert "goods" not in alice.ok("catalog", "list")
    admin.ok("catalog", "delete", "-y", "goods")


def test_a_provider_vdc_is_shown_with_what_was_cut_from_it(admin: VcdCli) -> None:
    told = admin.ok("pvdc", "info", "pvdc1")
    for word in ("acme-vdc", "pool1", "ext-net", "cpu_capacity", "mem_capacity", "vmx-14"):
        assert word in told
