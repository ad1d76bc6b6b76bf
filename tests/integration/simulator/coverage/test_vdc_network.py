"""pyvcloud.vcd.vdc_network: VdcNetwork."""

from collections.abc import Iterator

import pytest
from pyvcloud.vcd.client import Client
from pyvcloud.vcd.exceptions import BadRequestException
from pyvcloud.vcd.vdc import VDC
from pyvcloud.vcd.vdc_network import VdcNetwork

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant, Wait


@pytest.fixture
def network(administrator: Client, acme_vdc: VDC, wait: Wait, uid: str) -> Iterator[VdcNetwork]:
    """An isolated network."""
    name = f"net-{uid}"
    made = acme_vdc.create_isolated_vdc_network(
        name, "10.44.0.1/24", ip_range_start="10.44.0.10", ip_range_end="10.44.0.19"
    )
    wait(made.Tasks.Task[0])
    yield VdcNetwork(administrator, href=made.get("href"))
    acme_vdc.reload()
    (left,) = [one for one in acme_vdc.list_orgvdc_isolated_networks() if one.get("name").startswith(name)]
    wait(acme_vdc.delete_isolated_orgvdc_network(left.get("name")))


@covers("VdcNetwork.get_resource", "VdcNetwork.reload", "VdcNetwork.edit_name_description_and_shared_state")
def test_a_new_name(network: VdcNetwork, wait: Wait) -> None:
    name = network.get_resource().get("name") + "-new"
    wait(network.edit_name_description_and_shared_state(name, description="for all", is_shared=True))
    network.reload()
    shown = network.get_resource()
    assert (shown.get("name"), str(shown.Description), str(shown.IsShared).lower()) == (name, "for all", "true")


@covers("VdcNetwork.add_static_ip_pool_and_dns", "VdcNetwork.modify_static_ip_pool", "VdcNetwork.remove_static_ip_pool")
def test_ranges_and_name_servers(network: VdcNetwork, wait: Wait) -> None:
    wait(network.add_static_ip_pool_and_dns(["10.44.0.30-10.44.0.39"], primary_dns_ip="10.44.0.2", dns_suffix="x.test"))
    network.reload()
    wait(network.modify_static_ip_pool("10.44.0.30-10.44.0.39", "10.44.0.40-10.44.0.49"))
    network.reload()
    scope = network.get_resource().Configuration.IpScopes.IpScope
    ranges = [(str(one.StartAddress), str(one.EndAddress)) for one in scope.IpRanges.IpRange]
    assert ranges == [("10.44.0.10", "10.44.0.19"), ("10.44.0.40", "10.44.0.49")]
    assert (str(scope.Dns1), str(scope.DnsSuffix)) == ("10.44.0.2", "x.test")
    wait(network.remove_static_ip_pool("10.44.0.40-10.44.0.49"))
    network.reload()
    assert len(network.get_resource().Configuration.IpScopes.IpScope.IpRanges.IpRange) == 1


@covers("VdcNetwork.list_allocated_ip_address", "VdcNetwork.list_connected_vapps")
def test_who_is_in_it(alice: Tenant, uid: str) -> None:
    made = alice.compose(f"vapp-{uid}")
    alice.wait(made.add_vms([alice.machine("one")], deploy=False, power_on=False))
    made.reload()
    name = "acme-net"
    record = alice.vdc.get_orgvdc_network_admin_href_by_name(name)
    network = VdcNetwork(alice.client, name=name, href=record.replace("/api/admin/network/", "/api/network/"))
    addresses = {str(one["IP Address"]) for one in network.list_allocated_ip_address()}
    assert made.get_primary_ip("one") in addresses
    assert f"vapp-{uid}" in {one["Name"] for one in network.list_connected_vapps()}
    with pytest.raises(BadRequestException, match="in use"):
        alice.client.delete_resource(network.href)
    alice.wait(alice.vdc.delete_vapp(f"vapp-{uid}", force=True))


@covers(
    "VdcNetwork.get_all_metadata", "VdcNetwork.get_metadata_value", "VdcNetwork.set_metadata",
    "VdcNetwork.remove_metadata", "VdcNetwork.get_admin_resource", "VdcNetwork.reload_admin",
)  # fmt: skip
def test_it_has_metadata(network: VdcNetwork, wait: Wait) -> None:
    wait(network.set_metadata("k", "v"))
    assert [str(entry.Key) for entry in network.get_all_metadata().MetadataEntry] == ["k"]
    assert str(network.get_metadata_value("k").TypedValue.Value) == "v"
    wait(network.remove_metadata("k"))
    network.reload_admin()
    assert "/api/admin/network/" in network.get_admin_resource().get("href")


@covers("VdcNetwork.is_routed_network")
def test_it_is_not_routed(network: VdcNetwork) -> None:
    assert not network.is_routed_network()
