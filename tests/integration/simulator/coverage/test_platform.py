"""pyvcloud.vcd.platform: what the provider makes and takes away."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyvcloud.vcd.client import NSMAP, Client, RelationType
from pyvcloud.vcd.exceptions import BadRequestException, EntityNotFoundException, InvalidStateException
from pyvcloud.vcd.external_network import ExternalNetwork
from pyvcloud.vcd.platform import Platform
from pyvcloud.vcd.system import System

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant, Wait

SPARE = "spare-pool"
SPARE_NET = "spare-net"
SPARE_DISTRIBUTED_NET = "spare-distributed-net"


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


@pytest.fixture
def network(platform: Platform, wait: Wait, uid: str) -> Iterator[ExternalNetwork]:
    """An external network of its own, made of the vCenter's spare port group."""
    made = platform.create_external_network(
        f"ext-{uid}", "vc1", [SPARE_NET], "192.168.77.1", "255.255.255.0", ["192.168.77.10-192.168.77.20"], "spare"
    )
    wait(made.find("vcloud:Tasks", NSMAP).Task[0])
    network = ExternalNetwork(platform.client, resource=made)
    yield network
    network.reload()
    wait(platform.delete_external_network(network.name))
    assert SPARE_NET in platform.list_available_port_group_names("vc1")


@covers(
    "Platform.create_external_network",
    "Platform.update_external_network",
    "Platform.delete_external_network",
    "Platform.get_port_group_morefs",
    "Platform.get_port_group_moref_types",
    "Platform.list_available_port_group_names",
    "ExternalNetwork.get_resource",
    "ExternalNetwork.reload",
    "ExternalNetwork.list_vsphere_network",
)
def test_an_external_network_is_made_of_a_free_port_group(
    platform: Platform, network: ExternalNetwork, wait: Wait, uid: str
) -> None:
    assert platform.get_port_group_morefs([SPARE_NET]) == [tuple(platform.get_port_group_moref_types("vc1", SPARE_NET))]
    assert platform.list_available_port_group_names("vc1") == [SPARE_DISTRIBUTED_NET]
    assert network.list_vsphere_network() == [{"vCenter": "vc1", "Name": SPARE_NET}]
    with pytest.raises(BadRequestException, match="in use by another external network"):
        platform.create_external_network("more", "vc1", [SPARE_NET], "10.9.0.1", "255.255.0.0", ["10.9.0.2-10.9.0.3"])
    renamed = platform.update_external_network(network.name, f"ext2-{uid}", "another")
    wait(renamed.find("vcloud:Tasks", NSMAP).Task[0])
    network.reload()
    assert (network.name, str(network.get_resource().find("vcloud:Description", NSMAP))) == (f"ext2-{uid}", "another")


@covers("ExternalNetwork.add_ip_range", "ExternalNetwork.modify_ip_range", "ExternalNetwork.delete_ip_range")
def test_the_ranges_of_an_external_network_change(network: ExternalNetwork, wait: Wait) -> None:
    gateway = "192.168.77.1"

    def ranges() -> list[str]:
        network.reload()
        scopes = network.get_resource().find("vcloud:Configuration", NSMAP).IpScopes
        found = scopes.IpScope.IpRanges.IpRange
        return [f"{one.StartAddress}-{one.EndAddress}" for one in found]

    def done(resource: Any) -> None:
        wait(resource.find("vcloud:Tasks", NSMAP).Task[0])

    done(network.add_ip_range(gateway, ["192.168.77.30-192.168.77.40"]))
    assert ranges() == ["192.168.77.10-192.168.77.20", "192.168.77.30-192.168.77.40"]
    done(network.modify_ip_range(gateway, "192.168.77.30-192.168.77.40", "192.168.77.50-192.168.77.60"))
    assert ranges() == ["192.168.77.10-192.168.77.20", "192.168.77.50-192.168.77.60"]
    done(network.delete_ip_range(gateway, ["192.168.77.50-192.168.77.60"]))
    assert ranges() == ["192.168.77.10-192.168.77.20"]


@covers("ExternalNetwork.add_subnet", "ExternalNetwork.enable_subnet")
def test_an_external_network_has_more_subnets(network: ExternalNetwork, wait: Wait) -> None:
    def subnets() -> dict[str, bool]:
        network.reload()
        scopes = network.get_resource().find("vcloud:Configuration", NSMAP).IpScopes.IpScope
        return {str(one.Gateway): bool(one.IsEnabled) for one in scopes}

    more = network.add_subnet(network.name, "192.168.78.1", "255.255.255.0", ["192.168.78.10-192.168.78.20"])
    wait(more.find("vcloud:Tasks", NSMAP).Task[0])
    assert subnets() == {"192.168.77.1": True, "192.168.78.1": True}
    disabled = network.enable_subnet("192.168.78.1", False)
    wait(disabled.find("vcloud:Tasks", NSMAP).Task[0])
    assert subnets() == {"192.168.77.1": True, "192.168.78.1": False}


@covers("ExternalNetwork.attach_port_group", "ExternalNetwork.detach_port_group")
def test_an_external_network_is_made_of_several_port_groups(network: ExternalNetwork, wait: Wait) -> None:
    def backing() -> list[str]:
        network.reload()
        return sorted(one["Name"] for one in network.list_vsphere_network())

    wait(network.attach_port_group("vc1", SPARE_DISTRIBUTED_NET).find("vcloud:Tasks", NSMAP).Task[0])
    assert backing() == [SPARE_DISTRIBUTED_NET, SPARE_NET]
    wait(network.detach_port_group("vc1", SPARE_DISTRIBUTED_NET).find("vcloud:Tasks", NSMAP).Task[0])
    assert backing() == [SPARE_NET]


@covers("ExternalNetwork.list_associated_direct_org_vdc_networks", "ExternalNetwork.list_provider_vdc")
def test_who_uses_an_external_network_is_found(platform: Platform) -> None:
    network = ExternalNetwork(platform.client, resource=platform.get_external_network("ext-net"))
    assert network.list_associated_direct_org_vdc_networks()
    assert network.list_provider_vdc() == ["pvdc1"]


@covers("Platform.pvdc_migrate_vms")
def test_vms_are_migrated_between_resource_pools(platform: Platform, alice: Tenant, wait: Wait, uid: str) -> None:
    vapp = alice.compose(uid)
    alice.wait(vapp.add_vms([alice.machine(uid)], power_on=False))
    wait(platform.attach_resource_pools_to_provider_vdc("pvdc1", [SPARE]))
    wait(platform.pvdc_migrate_vms("pvdc1", [uid], "pvdc1", SPARE))
    with pytest.raises(EntityNotFoundException):
        platform.pvdc_migrate_vms("pvdc1", [uid], "pvdc1", SPARE)
    with pytest.raises(BadRequestException, match="still has VMs"):
        platform.detach_resource_pools_from_provider_vdc("pvdc1", [SPARE])
    wait(platform.pvdc_migrate_vms("pvdc1", [uid], SPARE))
    wait(platform.detach_resource_pools_from_provider_vdc("pvdc1", [SPARE]))
    alice.wait(alice.vdc.delete_vapp(uid, force=True))


@covers("Platform.get_datastores", "Platform.list_datastores", "Platform.get_datastore_href_by_id")
def test_datastores(platform: Platform) -> None:
    found, other = platform.list_datastores()
    assert (found["name"], other["name"]) == ("datastore1", "shared-disk-2")
    datastore = platform.client.get_resource(platform.get_datastore_href_by_id(found["Id"]))
    assert (datastore.get("name"), str(datastore.Enabled).lower()) == ("datastore1", "true")


@covers("Platform.list_hosts", "Platform.get_host", "Platform.enable_disable_host")
def test_hosts(platform: Platform, wait: Wait) -> None:
    assert [one.get("name") for one in platform.list_hosts()] == ["host1", "host2"]
    wait(platform.enable_disable_host("host2", enable_flag=False))
    assert not platform.get_host("host2").Enabled
    wait(platform.enable_disable_host("host2", enable_flag=True))
    assert platform.get_host("host2").Enabled
    with pytest.raises(EntityNotFoundException):
        platform.get_host("host3")
