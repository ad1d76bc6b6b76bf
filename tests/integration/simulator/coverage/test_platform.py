"""pyvcloud.vcd.platform: what the provider makes and takes away."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyvcloud.vcd.client import NSMAP, Client, RelationType
from pyvcloud.vcd.exceptions import BadRequestException, EntityNotFoundException, InvalidStateException
from pyvcloud.vcd.platform import Platform
from pyvcloud.vcd.system import System

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Wait

SPARE = "spare-pool"


@pytest.fixture
def platform(administrator: Client) -> Platform:
    return Platform(administrator)


@pytest.fixture
def delete(administrator: Client, wait: Wait) -> Any:
    """Disable and delete a provider VDC, by its extended document."""

    def gone(resource: Any) -> None:
        administrator.post_linked_resource(resource, RelationType.DISABLE, None, None)
        wait(administrator.delete_resource(resource.get("href")))

    return gone


@pytest.fixture
def pvdc(platform: Platform, wait: Wait, delete: Any, uid: str) -> Iterator[str]:
    """A provider VDC of its own, made of the vCenter's spare pool."""
    name = f"pvdc-{uid}"
    made = platform.create_provider_vdc("vc1", [SPARE], ["silver"], name, is_enabled=True, description="spare")
    wait(made.find("vcloud:Tasks", NSMAP).Task[0])
    yield name
    delete(platform.get_pvdc(name)[2])


@covers("Platform.create_provider_vdc", "Platform.get_pvdc")
def test_a_provider_vdc_is_made_of_a_free_pool(administrator: Client, platform: Platform, pvdc: str) -> None:
    _, href, resource = platform.get_pvdc(pvdc)
    assert "/api/admin/extension/providervdc/" in href
    assert (resource.get("name"), resource.get("status")) == (pvdc, "1")
    system = System(administrator, admin_resource=administrator.get_admin())
    assert pvdc in {one.get("name") for one in system.list_provider_vdcs()}
    with pytest.raises(BadRequestException, match="in use by another provider VDC"):
        platform.create_provider_vdc("vc1", [SPARE], ["silver"], "another")


@covers("Platform.pvdc_add_storage_profile", "Platform.pvdc_del_storage_profile")
def test_storage_profiles_come_and_go(platform: Platform, pvdc: str, wait: Wait) -> None:
    def offered() -> set[str]:
        profiles = platform.get_pvdc(pvdc)[2].find("vcloud:StorageProfiles", NSMAP)
        return {one.get("name") for one in profiles.ProviderVdcStorageProfile}

    wait(platform.pvdc_add_storage_profile(pvdc, ["gold"]))
    assert offered() == {"silver", "gold"}
    wait(platform.pvdc_del_storage_profile(pvdc, ["gold"]))
    assert offered() == {"silver"}
    with pytest.raises(EntityNotFoundException):
        platform.pvdc_add_storage_profile(pvdc, ["bronze"])


@covers("Platform.attach_resource_pools_to_provider_vdc", "Platform.detach_resource_pools_from_provider_vdc")
def test_pools_are_attached_and_detached(platform: Platform, wait: Wait) -> None:
    wait(platform.attach_resource_pools_to_provider_vdc("pvdc1", [SPARE]))
    wait(platform.detach_resource_pools_from_provider_vdc("pvdc1", [SPARE]))
    vcenter = platform.get_vcenter("vc1").get("href")
    assert len(platform.get_resource_pool_morefs(vcenter, [SPARE])) == 1


@covers("Platform.attach_vcenter", "Platform.detach_vcenter")
def test_a_vcenter_is_attached_and_detached(platform: Platform, wait: Wait, uid: str) -> None:
    name = f"vc-{uid}"
    made = platform.attach_vcenter(name, f"{uid}.example.com", "admin", "secret", is_enabled=True)
    wait(made.VimServer.find("vcloud:Tasks", NSMAP).Task[0])
    assert str(platform.get_vcenter(name).IsConnected).lower() == "false", "there is nothing there"
    with pytest.raises(BadRequestException, match="already"):
        platform.attach_vcenter(f"{name}-2", f"{uid}.example.com", "admin", "secret", is_enabled=True)
    with pytest.raises(InvalidStateException):
        platform.detach_vcenter(name)
    wait(platform.enable_disable_vcenter(vc_name=name, enable_flag=False))
    wait(platform.detach_vcenter(name))
    assert name not in {one.get("name") for one in platform.list_vcenters()}
