"""What users see of what others did, through pyvcloud."""

import uuid
from collections.abc import Iterator

import pytest
from pyvcloud.vcd.client import Client, QueryResultFormat, ResourceType
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.vapp import VApp

from cse_testing.pyvcloud_client import Tenant, logged_in
from vcd_simulator.simulator import Simulator


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def bob(shared_vcd: Simulator, version: str) -> Iterator[Tenant]:
    """A vApp author of acme."""
    with logged_in(shared_vcd, "bob", version) as client:
        yield Tenant(client)


@pytest.fixture
def vapp(bob: Tenant, unique: str) -> Iterator[VApp]:
    name = f"seen-{unique}"
    yield bob.compose(name)
    bob.wait(bob.vdc.delete_vapp(name, force=True))


def test_the_owner_sees_what_the_provider_does_to_his_vapp(bob: Tenant, administrator: Client, vapp: VApp) -> None:
    theirs = VApp(administrator, href=vapp.href)
    bob.wait(theirs.edit_name_and_description(vapp.name, "by the provider"))
    vapp.reload()
    assert vapp.get_resource().Description == "by the provider"


def test_a_vapp_author_shares_with_a_colleague_whom_he_finds_by_name(vapp: VApp) -> None:
    shared = vapp.add_access_settings([{"name": "alice", "type": "user", "access_level": "Change"}])
    assert [one.Subject.get("name") for one in shared.AccessSettings.AccessSetting] == ["alice"]


def test_a_vapp_user_sees_the_catalogs_that_were_shared_and_no_others(
    alice: Tenant, shared_vcd: Simulator, version: str, unique: str
) -> None:
    org = Org(alice.client, resource=alice.client.get_org())
    for name in (f"shared-{unique}", f"kept-{unique}"):
        org.create_catalog(name, "")
    org.reload()
    org.share_catalog_with_org_members(f"shared-{unique}")
    role = org.get_role_record("vApp User")
    org.create_user(f"user-{unique}", "ca$hc0w-1", role.get("href"), is_enabled=True)
    with logged_in(shared_vcd, f"user-{unique}", version, password="ca$hc0w-1") as client:
        records = client.get_typed_query(
            ResourceType.CATALOG.value, query_result_format=QueryResultFormat.RECORDS, qfilter=f"name==*{unique}"
        ).execute()
        assert [record.get("name") for record in records] == [f"shared-{unique}"]
    for name in (f"shared-{unique}", f"kept-{unique}"):
        org.delete_catalog(name)
    org.delete_user(f"user-{unique}")


NOT_OFFERED = {
    ResourceType.ALLOCATED_EXTERNAL_ADDRESS,
    ResourceType.ADMIN_ALLOCATED_EXTERNAL_ADDRESS,
    ResourceType.ADMIN_ORG_NETWORK,
}
"""Deprecated since 30.0, and gone."""


def test_the_provider_may_ask_for_everything_that_clients_know(administrator: Client) -> None:
    for kind in ResourceType:
        if kind not in NOT_OFFERED:
            list(administrator.get_typed_query(kind.value, query_result_format=QueryResultFormat.ID_RECORDS).execute())
