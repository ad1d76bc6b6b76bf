"""pyvcloud.vcd.vdc: VDC."""

from collections.abc import Iterator

import pytest
from pyvcloud.vcd.client import Client, EntityType, MetadataDomain, MetadataVisibility
from pyvcloud.vcd.exceptions import EntityNotFoundException, OperationNotSupportedException
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vdc import VDC

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import PHOTON, Tenant, Wait
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.operations import policies
from vcd_simulator.simulator import Simulator


@pytest.fixture
def fresh(administrator: Client, acme: Org, uid: str, wait: Wait) -> Iterator[VDC]:
    """A VDC of its own, with the storage profile `gold`."""
    gold = {"name": "gold", "enabled": True, "units": "MB", "limit": 0, "default": True}
    wait(acme.create_org_vdc(f"vdc-{uid}", "pvdc1", network_pool_name="pool1", storage_profiles=[gold]).Tasks.Task[0])
    acme.reload()
    yield VDC(administrator, resource=acme.get_vdc(f"vdc-{uid}", is_admin_operation=True))
    acme.reload()
    left = acme.get_vdc(f"vdc-{uid}", is_admin_operation=True)
    if left is not None:
        made = VDC(administrator, resource=left)
        if left.IsEnabled:
            made.enable_vdc(enable=False)
            made.reload()
        wait(made.delete_vdc())


@covers("Org.create_org_vdc")
def test_a_vdc_is_created_with_every_option(administrator: Client, acme: Org, uid: str, wait: Wait) -> None:
    gold = {"name": "gold", "enabled": True, "units": "MB", "limit": 1024, "default": True}
    made = acme.create_org_vdc(
        uid, "pvdc1", description="d", allocation_model="AllocationPool", cpu_units="MHz", cpu_allocated=1000,
        cpu_limit=2000, mem_units="MB", mem_allocated=512, mem_limit=1024, nic_quota=5, network_quota=6, vm_quota=7,
        storage_profiles=[gold], resource_guaranteed_memory=0.5, resource_guaranteed_cpu=0.25, vcpu_in_mhz=1500,
        is_thin_provision=True, network_pool_name="pool1", uses_fast_provisioning=True, over_commit_allowed=True,
        vm_discovery_enabled=False, is_enabled=False,
    )  # fmt: skip
    wait(made.Tasks.Task[0])
    acme.reload()
    shown = acme.get_vdc(uid, is_admin_operation=True)
    cpu, memory = shown.ComputeCapacity.Cpu, shown.ComputeCapacity.Memory
    assert (str(shown.AllocationModel), int(cpu.Allocated), int(cpu.Limit)) == ("AllocationPool", 1000, 2000)
    assert (int(memory.Allocated), int(memory.Limit)) == (512, 1024)
    assert (int(shown.NicQuota), int(shown.NetworkQuota), int(shown.VmQuota)) == (5, 6, 7)
    assert (float(shown.ResourceGuaranteedMemory), float(shown.ResourceGuaranteedCpu)) == (0.5, 0.25)
    assert (int(shown.VCpuInMhz), bool(shown.IsThinProvision), bool(shown.UsesFastProvisioning)) == (1500, True, True)
    assert (bool(shown.OverCommitAllowed), bool(shown.VmDiscoveryEnabled), bool(shown.IsEnabled)) == (
        True,
        False,
        False,
    )
    wait(VDC(administrator, resource=shown).delete_vdc())


@covers("Org.update_org_vdc")
def test_a_vdc_is_changed(acme: Org, fresh: VDC, wait: Wait) -> None:
    name = fresh.get_resource().get("name")
    wait(acme.update_org_vdc(name, description="new", cpu_limit=3000, mem_limit=4096, nic_quota=9, vm_quota=8))
    shown = acme.get_vdc(name, is_admin_operation=True)
    assert (str(shown.Description), int(shown.NicQuota), int(shown.VmQuota)) == ("new", 9, 8)
    assert (int(shown.ComputeCapacity.Cpu.Limit), int(shown.ComputeCapacity.Memory.Limit)) == (3000, 4096)


@covers("VDC.enable_vdc", "VDC.delete_vdc", "VDC.reload")
def test_a_vdc_is_disabled_and_deleted(fresh: VDC, wait: Wait, acme: Org) -> None:
    with pytest.raises(OperationNotSupportedException):
        fresh.delete_vdc()  # nothing says how, as long as it is enabled
    fresh.enable_vdc(enable=False)
    fresh.reload()
    wait(fresh.delete_vdc())
    acme.reload()
    assert acme.get_vdc(fresh.name) is None


@covers("VDC.get_resource", "VDC.get_resource_admin")
def test_both_views_of_a_vdc(acme_vdc: VDC) -> None:
    acme_vdc.resource_admin = None
    assert acme_vdc.get_resource().get("name") == "acme-vdc"
    assert acme_vdc.get_resource_admin().tag.endswith("}AdminVdc")


@covers("VDC.list_resources", "VDC.get_resource_href", "VDC.get_vapp_href")
def test_what_is_in_a_vdc(alice: Tenant, vapp: VApp) -> None:
    name = vapp.get_resource().get("name")
    alice.vdc.reload()
    assert name in [one["name"] for one in alice.vdc.list_resources(EntityType.VAPP)]
    assert alice.vdc.get_resource_href(name) == vapp.href == alice.vdc.get_vapp_href(name)


@covers("VDC.create_vapp", "VDC.get_vapp", "VDC.delete_vapp")
def test_vapps_come_and_go(alice: Tenant, uid: str) -> None:
    made = alice.vdc.create_vapp(uid, description="d", network="acme-net", accept_all_eulas=True)
    alice.wait(made.Tasks.Task[0])
    assert str(alice.vdc.get_vapp(uid).Description) == "d"
    alice.wait(alice.vdc.delete_vapp(uid, force=True))
    with pytest.raises(EntityNotFoundException):
        alice.vdc.get_vapp(uid)


@covers("VDC.instantiate_vapp")
def test_a_template_is_instantiated(alice: Tenant, uid: str) -> None:
    made = alice.vdc.instantiate_vapp(
        uid, "cse", PHOTON, description="d", network="acme-net", ip_allocation_mode="pool", deploy=True, power_on=True,
        accept_all_eulas=True, memory=4096, cpu=4, disk_size=20480, password="given-secret", vm_name="web",
        hostname="web-host", storage_profile="gold", network_adapter_type="vmxnet3",
    )  # fmt: skip
    alice.wait(made.Tasks.Task[0])
    vapp = alice.vapp(uid)
    assert (vapp.get_admin_password("web"), vapp.is_powered_on()) == ("given-secret", True)
    alice.wait(alice.vdc.delete_vapp(uid, force=True))


@covers("VDC.query_vm_by_name")
def test_a_vm_is_found_by_its_name(alice: Tenant, acme_vdc: VDC, vapp: VApp, uid: str) -> None:
    alice.wait(vapp.add_vms([alice.machine(f"vm-{uid}")], deploy=False, power_on=False))
    assert acme_vdc.query_vm_by_name(f"vm-{uid}").get("name") == f"vm-{uid}"


@covers("VDC.list_vapp_details")
def test_vapps_are_listed(alice: Tenant, vapp: VApp) -> None:
    name = vapp.get_resource().get("name")
    (found,) = alice.vdc.list_vapp_details("vApp", f"name=={name}")
    assert (found.get("name"), found.get("status"), found.get("numberOfVMs")) == (name, "POWERED_OFF", "1")


@covers("VDC.list_media_id", "VDC.list_idisk", "VDC.get_disks", "VDC.list_edge_gateways")
def test_there_are_no_media_disks_and_gateways(alice: Tenant) -> None:
    assert list(alice.vdc.list_media_id()) == []
    assert list(alice.vdc.list_idisk()) == []
    assert list(alice.vdc.get_disks()) == []
    assert list(alice.vdc.list_edge_gateways()) == []


@covers(
    "VDC.get_all_metadata",
    "VDC.get_metadata_value",
    "VDC.set_metadata",
    "VDC.set_multiple_metadata",
    "VDC.remove_metadata",
)
def test_a_vdc_has_metadata(acme_vdc: VDC, wait: Wait, uid: str) -> None:
    system = {"domain": MetadataDomain.SYSTEM, "visibility": MetadataVisibility.PRIVATE}
    wait(acme_vdc.set_metadata(f"a-{uid}", "vcd", **system))
    wait(acme_vdc.set_multiple_metadata({f"b-{uid}": "1", f"c-{uid}": "2"}))
    keys = {str(one.Key) for one in acme_vdc.get_all_metadata().MetadataEntry}
    assert {f"a-{uid}", f"b-{uid}", f"c-{uid}"} <= keys
    assert str(acme_vdc.get_metadata_value(f"a-{uid}", MetadataDomain.SYSTEM).TypedValue.Value) == "vcd"
    wait(acme_vdc.remove_metadata(f"a-{uid}", MetadataDomain.SYSTEM))
    assert f"a-{uid}" not in {str(one.Key) for one in acme_vdc.get_all_metadata().MetadataEntry}


@covers("VDC.get_storage_profiles", "VDC.get_storage_profile", "VDC.get_default_storage_profile")
def test_storage_profiles_are_found(alice: Tenant) -> None:
    assert {one.get("name") for one in alice.vdc.get_storage_profiles()} == {"*", "gold"}
    assert alice.vdc.get_storage_profile("gold").get("name") == "gold"
    assert alice.vdc.get_default_storage_profile().get("name") == "*"
    with pytest.raises(EntityNotFoundException):
        alice.vdc.get_storage_profile("silver")


@covers("VDC.add_storage_profile", "VDC.update_storage_profile", "VDC.remove_storage_profile")
def test_storage_profiles_are_added_changed_and_removed(fresh: VDC, wait: Wait) -> None:
    wait(fresh.add_storage_profile("*", limit_in_mb=100))
    fresh.reload()
    assert {one.get("name") for one in fresh.get_storage_profiles()} == {"*", "gold"}
    changed = fresh.update_storage_profile("*", True, default=True, limit_in_mb=200)
    assert (int(changed.Limit), bool(changed.Default)) == (200, True)
    fresh.update_storage_profile("gold", False)
    wait(fresh.remove_storage_profile("gold"))
    fresh.reload()
    assert [one.get("name") for one in fresh.get_storage_profiles()] == ["*"]


@covers("VDC.get_vc", "VDC.get_vc_resource")
def test_where_a_vdc_is(acme_vdc: VDC) -> None:
    assert acme_vdc.get_vc() == "vc1"
    assert acme_vdc.get_vc_resource().get("name") == "vc1"


@covers("VDC.get_access_settings", "VDC.add_access_settings", "VDC.remove_access_settings")
def test_a_vdc_is_for_some(fresh: VDC, alice: Tenant) -> None:
    vdc = VDC(alice.client, resource=_reloaded(alice, fresh.name))
    vdc.unshare_from_org_members()
    vdc.add_access_settings([{"name": "bob", "type": "user", "access_level": "ReadOnly"}])
    assert vdc.get_access_settings().AccessSettings.AccessSetting.Subject.get("name") == "bob"
    left = vdc.remove_access_settings(remove_all=True)
    assert not hasattr(left, "AccessSettings")


def _reloaded(alice: Tenant, name: str) -> object:
    alice.org.reload()
    return alice.org.get_vdc(name)


@covers("VDC.share_with_org_members", "VDC.unshare_from_org_members")
def test_a_vdc_is_for_all(fresh: VDC, alice: Tenant) -> None:
    vdc = VDC(alice.client, resource=_reloaded(alice, fresh.name))
    assert str(vdc.unshare_from_org_members().IsSharedToEveryone) == "False"
    assert str(vdc.share_with_org_members("ReadOnly").EveryoneAccessLevel) == "ReadOnly"


@covers(
    "VDC.create_directly_connected_vdc_network",
    "VDC.list_orgvdc_direct_networks",
    "VDC.get_direct_orgvdc_network",
    "VDC.delete_direct_orgvdc_network",
)
def test_direct_networks_come_and_go(acme_vdc: VDC, wait: Wait, uid: str) -> None:
    made = acme_vdc.create_directly_connected_vdc_network(uid, "ext-net", description="d", is_shared=True)
    wait(made.Tasks.Task[0])
    assert {uid, "acme-net"} <= {one.get("name") for one in acme_vdc.list_orgvdc_direct_networks()}
    assert str(acme_vdc.get_direct_orgvdc_network(uid).IsShared) == "True"
    wait(acme_vdc.delete_direct_orgvdc_network(uid))
    with pytest.raises(EntityNotFoundException):
        acme_vdc.get_direct_orgvdc_network(uid)


@covers(
    "VDC.create_isolated_vdc_network",
    "VDC.list_orgvdc_isolated_networks",
    "VDC.get_isolated_orgvdc_network",
    "VDC.delete_isolated_orgvdc_network",
)
def test_isolated_networks_come_and_go(alice: Tenant, uid: str) -> None:
    made = alice.vdc.create_isolated_vdc_network(
        uid, "192.168.9.1/24", description="d", primary_dns_ip="8.8.8.8", dns_suffix="example.org",
        ip_range_start="192.168.9.10", ip_range_end="192.168.9.12", is_shared=False,
    )  # fmt: skip
    alice.wait(made.Tasks.Task[0])
    assert uid in [one.get("name") for one in alice.vdc.list_orgvdc_isolated_networks()]
    scope = alice.vdc.get_isolated_orgvdc_network(uid).Configuration.IpScopes.IpScope
    assert (str(scope.Gateway), str(scope.DnsSuffix)) == ("192.168.9.1", "example.org")
    assert str(scope.IpRanges.IpRange.EndAddress) == "192.168.9.12"
    alice.wait(alice.vdc.delete_isolated_orgvdc_network(uid))
    with pytest.raises(EntityNotFoundException):
        alice.vdc.get_isolated_orgvdc_network(uid)


@covers(
    "VDC.list_orgvdc_network_records",
    "VDC.list_orgvdc_network_resources",
    "VDC.get_orgvdc_network_admin_href_by_name",
    "VDC.list_orgvdc_routed_networks",
)
def test_networks_are_found(alice: Tenant) -> None:
    assert "acme-net" in {one.get("name") for one in alice.vdc.list_orgvdc_network_records()}
    assert [one.get("name") for one in alice.vdc.list_orgvdc_network_resources(name="acme-net")] == ["acme-net"]
    assert alice.vdc.get_orgvdc_network_admin_href_by_name("acme-net").rpartition("/")[2] in _network_ids(alice)
    assert alice.vdc.list_orgvdc_routed_networks() == []


def _network_ids(alice: Tenant) -> set[str]:
    return {one.get("href").rpartition("/")[2] for one in alice.vdc.list_orgvdc_network_records()}


@pytest.mark.parametrize("version", ["33.0", "36.0"])
@covers("VDC.list_compute_policies", "VDC.add_compute_policy", "VDC.remove_compute_policy")
def test_a_vdc_offers_compute_policies(shared_vcd: Simulator, fresh: VDC, uid: str) -> None:
    with shared_vcd.cloud.lock:
        policy = policies.add(shared_vcd.cloud, ComputePolicy(id=shared_vcd.cloud.new_id(), name=uid, cpu_count=2))
    href = f"{shared_vcd.url}/cloudapi/1.0.0/vdcComputePolicies/urn:vcloud:vdcComputePolicy:{policy.id}"
    fresh.add_compute_policy(href)
    assert [one.get("name") for one in fresh.list_compute_policies()] == ["System Default", uid]
    fresh.remove_compute_policy(href)
    assert [one.get("name") for one in fresh.list_compute_policies()] == ["System Default"]


@covers("VApp.move_to")
def test_a_vapp_moves_with_its_owner(
    alice: Tenant, administrator: Client, acme: Org, fresh: VDC, uid: str, wait: Wait
) -> None:
    composed = alice.compose(f"vapp-{uid}")
    alice.wait(composed.add_vms([alice.machine("one")], deploy=False, power_on=False))
    seen = VApp(administrator, resource=administrator.get_resource(composed.href))
    wait(seen.move_to(fresh.href))
    alice.org.reload()
    target = VDC(alice.client, resource=alice.org.get_vdc(f"vdc-{uid}"))
    moved = VApp(alice.client, resource=target.get_vapp(f"vapp-{uid}"))
    resource = moved.get_resource()
    assert (resource.Owner.User.get("name"), [vm.get("name") for vm in resource.Children.Vm]) == ("alice", ["one"])
    with pytest.raises(EntityNotFoundException):
        alice.vdc.get_vapp(f"vapp-{uid}")
    alice.wait(target.delete_vapp(f"vapp-{uid}", force=True))
