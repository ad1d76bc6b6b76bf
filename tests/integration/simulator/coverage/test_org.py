"""pyvcloud.vcd.org: Org, its catalogs."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pyvcloud.vcd.client import Client, MetadataDomain
from pyvcloud.vcd.exceptions import AccessForbiddenException, EntityNotFoundException
from pyvcloud.vcd.vapp import VApp

from cse_testing.coverage import covers
from cse_testing.ovf import ova
from cse_testing.pyvcloud_client import Tenant

PHOTON = "photon-custom-hw11-2.0-304b817-k8s"


@pytest.fixture
def item(alice: Tenant, catalog: str, vapp: VApp) -> str:
    """A catalog item of alice's, captured from `vapp`."""
    alice.wait(alice.org.capture_vapp(alice.org.get_catalog(catalog), vapp.href, "item", "captured"))
    alice.org.reload()
    return "item"


@covers("Org.get_name", "Org.reload")
def test_name(alice: Tenant) -> None:
    alice.org.reload()
    assert alice.org.get_name() == "acme"


@covers("Org.create_catalog", "Org.get_catalog", "Org.list_catalogs", "Org.delete_catalog")
def test_catalogs_come_and_go(alice: Tenant, uid: str) -> None:
    made = alice.org.create_catalog(uid, "things")
    alice.wait(made.Tasks.Task[0])
    alice.org.reload()
    assert str(alice.org.get_catalog(uid).Description) == "things"
    assert uid in [one["name"] for one in alice.org.list_catalogs()]
    alice.org.delete_catalog(uid)
    alice.org.reload()
    with pytest.raises(EntityNotFoundException):
        alice.org.get_catalog(uid)


@covers("Org.update_catalog")
def test_a_catalog_is_renamed(alice: Tenant, catalog: str) -> None:
    updated = alice.org.update_catalog(catalog, f"{catalog}-new", "described")
    assert (updated.get("name"), str(updated.Description)) == (f"{catalog}-new", "described")


@covers("Org.share_catalog")
def test_a_catalog_is_published(alice: Tenant, carol: Tenant, catalog: str) -> None:
    alice.org.share_catalog(catalog)
    carol.org.reload()
    assert carol.org.get_catalog(catalog).get("name") == catalog
    alice.org.reload()
    alice.org.share_catalog(catalog, share=False)
    carol.org.reload()
    with pytest.raises(EntityNotFoundException):
        carol.org.get_catalog(catalog)


@covers("Org.change_catalog_owner")
def test_a_catalog_is_given_away(alice: Tenant, catalog: str) -> None:
    alice.org.change_catalog_owner(catalog, "bob")
    assert alice.org.get_catalog(catalog).Owner.User.get("name") == "bob"


@covers("Org.get_catalog_access_settings", "Org.add_catalog_access_settings", "Org.remove_catalog_access_settings")
def test_a_catalog_is_shared_with_some(alice: Tenant, catalog: str) -> None:
    bob = {"name": "bob", "type": "user", "access_level": "Change"}
    alice.org.add_catalog_access_settings(catalog, [bob])
    settings = alice.org.get_catalog_access_settings(catalog)
    assert settings.AccessSettings.AccessSetting.Subject.get("name") == "bob"
    left = alice.org.remove_catalog_access_settings(catalog, [{"name": "bob", "type": "user"}])
    assert not hasattr(left, "AccessSettings")


@covers("Org.share_catalog_with_org_members", "Org.unshare_catalog_with_org_members")
def test_a_catalog_is_shared_with_all_members(alice: Tenant, catalog: str) -> None:
    shared = alice.org.share_catalog_with_org_members(catalog, "ReadOnly")
    assert (str(shared.IsSharedToEveryone), str(shared.EveryoneAccessLevel)) == ("True", "ReadOnly")
    assert str(alice.org.unshare_catalog_with_org_members(catalog).IsSharedToEveryone) == "False"


@covers("Org.list_catalog_items", "Org.get_catalog_item", "Org.get_vapp_template_href")
def test_items_are_found(alice: Tenant) -> None:
    assert PHOTON in [one["name"] for one in alice.org.list_catalog_items("cse")]
    item = alice.org.get_catalog_item("cse", PHOTON)
    assert alice.org.get_vapp_template_href("cse", PHOTON) == item.Entity.get("href")
    with pytest.raises(EntityNotFoundException):
        alice.org.get_catalog_item("cse", "no such item")


@covers("Org.capture_vapp")
def test_a_vapp_is_captured_and_captured_again(alice: Tenant, catalog: str, vapp: VApp) -> None:
    for version in ("1", "2"):
        resource = alice.org.get_catalog(catalog)
        task = alice.org.capture_vapp(resource, vapp.href, "t", "", overwrite=version == "2")
        alice.wait(task)
        alice.org.reload()
        assert str(alice.org.get_catalog_item(catalog, "t").VersionNumber) == version


@covers("Org.delete_catalog_item")
def test_an_item_is_deleted(alice: Tenant, catalog: str, item: str) -> None:
    alice.org.delete_catalog_item(catalog, item)
    alice.org.reload()
    assert alice.org.list_catalog_items(catalog) == []


@covers("Org.upload_ovf")
def test_an_ova_is_uploaded(alice: Tenant, catalog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvcloud.vcd.org.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.chdir(tmp_path)
    package = ova(tmp_path / "small.ova")
    assert alice.org.upload_ovf(catalog, str(package), item_name="renamed", chunk_size=1000) > 3000
    alice.org.reload()
    template = alice.client.get_resource(alice.org.get_vapp_template_href(catalog, "renamed"))
    alice.wait(template.Tasks.Task[0])


@covers(
    "Org.set_metadata_on_catalog_item",
    "Org.get_all_metadata_from_catalog_item",
    "Org.get_metadata_value_from_catalog_item",
    "Org.set_multiple_metadata_on_catalog_item",
    "Org.remove_metadata_from_catalog_item",
)
def test_items_have_metadata(alice: Tenant, catalog: str, item: str) -> None:
    org = alice.org
    alice.wait(org.set_metadata_on_catalog_item(catalog, item, "one", "1"))
    alice.wait(org.set_multiple_metadata_on_catalog_item(catalog, item, {"two": "2", "three": "ü <&>"}))
    read = {
        str(one.Key): str(one.TypedValue.Value)
        for one in _entries(org.get_all_metadata_from_catalog_item(catalog, item))
    }
    assert read == {"one": "1", "two": "2", "three": "ü <&>"}
    assert str(org.get_metadata_value_from_catalog_item(catalog, item, "three").TypedValue.Value) == "ü <&>"
    alice.wait(org.remove_metadata_from_catalog_item(catalog, item, "one", MetadataDomain.GENERAL))
    with pytest.raises(AccessForbiddenException):
        org.get_metadata_value_from_catalog_item(catalog, item, "one")


def _entries(metadata: object) -> list:  # type: ignore[type-arg]  # lxml's objects
    return list(metadata.MetadataEntry)  # type: ignore[attr-defined]


@covers("Org.get_vdc", "Org.list_vdcs", "Org.convert_href_based_on_flag")
def test_vdcs_are_found(alice: Tenant, administrator: Client) -> None:
    assert alice.org.get_vdc("acme-vdc").get("name") == "acme-vdc"
    assert alice.org.get_vdc("missing") is None
    (listed,) = alice.org.list_vdcs()
    assert "/api/admin/vdc/" in alice.org.convert_href_based_on_flag(listed["href"], True)
    assert "/api/vdc/" in alice.org.convert_href_based_on_flag(listed["href"], False)
