"""pyvcloud.vcd.vapp: VApp."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pyvcloud.vcd.client import RelationType, find_link
from pyvcloud.vcd.exceptions import EntityNotFoundException
from pyvcloud.vcd.vapp import VApp

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant


@covers("VApp.get_resource", "VApp.reload")
def test_the_document(alice: Tenant, vapp: VApp) -> None:
    again = VApp(alice.client, href=vapp.href)
    again.reload()
    assert again.get_resource().get("id") == vapp.get_resource().get("id")


@covers("VApp.get_primary_ip", "VApp.get_admin_password", "VApp.get_vm_moid")
def test_what_a_caller_needs_to_reach_a_guest(running: VApp) -> None:
    assert running.get_primary_ip("one").startswith("10.10.0.")
    assert len(running.get_admin_password("one")) > 5
    assert running.get_vm_moid("one").startswith("vm-")


@covers("VApp.get_metadata", "VApp.set_metadata", "VApp.set_multiple_metadata", "VApp.remove_metadata")
def test_metadata(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.set_metadata("GENERAL", "READWRITE", "one", "1"))
    vapp.reload()
    alice.wait(vapp.set_multiple_metadata({"two": "2", "three": "'<&>'"}))
    assert {str(e.Key): str(e.TypedValue.Value) for e in vapp.get_metadata().MetadataEntry} == {
        "one": "1", "two": "2", "three": "'<&>'",
    }  # fmt: skip
    alice.wait(vapp.remove_metadata("two"))
    assert {str(e.Key) for e in vapp.get_metadata().MetadataEntry} == {"one", "three"}


@covers("VApp.set_lease", "VApp.get_lease")
def test_leases_are_kept(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.set_lease(3600, 7200))
    lease = vapp.get_lease()
    assert (int(lease["DeploymentLeaseInSeconds"]), int(lease["StorageLeaseInSeconds"])) == (3600, 7200)


@covers("VApp.change_owner")
def test_the_owner(alice: Tenant, vapp: VApp) -> None:
    vapp.change_owner(alice.org.get_user("bob").get("href"))
    vapp.reload()
    assert vapp.get_resource().Owner.User.get("name") == "bob"


@covers("VApp.get_power_state", "VApp.is_powered_on", "VApp.is_powered_off", "VApp.is_suspended", "VApp.is_deployed")
def test_states(alice: Tenant, vapp: VApp) -> None:
    assert (vapp.get_power_state(), vapp.is_powered_off(), vapp.is_deployed()) == (8, True, False)
    alice.wait(vapp.power_on())
    vapp.reload()
    assert (vapp.is_powered_on(), vapp.is_suspended(), vapp.is_deployed()) == (True, False, False), "as pyvcloud has it"


@covers("VApp.power_on", "VApp.power_off", "VApp.deploy", "VApp.undeploy")
def test_power(alice: Tenant, vapp: VApp) -> None:
    for act, holds in (
        (VApp.power_on, VApp.is_powered_on),
        (VApp.power_off, VApp.is_powered_off),
        (VApp.undeploy, VApp.is_powered_off),
        (VApp.deploy, VApp.is_powered_on),
    ):
        alice.wait(act(vapp))
        vapp.reload()
        assert holds(vapp), act


@covers("VApp.shutdown", "VApp.reboot", "VApp.power_reset")
def test_what_needs_a_running_guest(alice: Tenant, running: VApp, tools: Callable[[VApp], None]) -> None:
    for act, on in ((VApp.reboot, True), (VApp.power_reset, True), (VApp.shutdown, False)):
        tools(running)
        alice.wait(act(running))
        running.reload()
        assert running.is_powered_on() is on, act


@covers("VApp.suspend_vapp", "VApp.discard_suspended_state_vapp")
def test_suspension(alice: Tenant, running: VApp) -> None:
    alice.wait(running.suspend_vapp())
    running.reload()
    assert running.is_suspended()
    alice.wait(running.discard_suspended_state_vapp())
    running.reload()
    assert running.is_powered_off()


@covers("VApp.get_all_vms", "VApp.get_vm")
def test_its_vms(vapp: VApp) -> None:
    assert [one.get("name") for one in vapp.get_all_vms()] == ["one"]
    assert vapp.get_vm("one").get("name") == "one"
    with pytest.raises(EntityNotFoundException):
        vapp.get_vm("two")


@covers("VApp.add_vms", "VApp.to_sourced_item", "VApp.delete_vms")
def test_vms_come_and_go(alice: Tenant, vapp: VApp) -> None:
    machine = alice.machine("two", storage_profile=alice.vdc.get_storage_profile("gold"), password="a-secret")
    alice.wait(vapp.add_vms([machine], deploy=True, power_on=False))
    vapp.reload()
    assert vapp.get_vm("two").StorageProfile.get("name") == "gold"
    assert vapp.get_admin_password("two") == "a-secret"
    alice.wait(vapp.delete_vms(["one"]))
    vapp.reload()
    assert [one.get("name") for one in vapp.get_all_vms()] == ["two"]


@covers("VApp.connect_vm")
def test_a_vm_is_connected(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.connect_vm(mode="POOL", reset_mac_address=True))
    vapp.reload()
    assert str(vapp.get_vm("one").NetworkConnectionSection.NetworkConnection.IsConnected) == "True"


@covers("VApp.get_access_settings", "VApp.add_access_settings", "VApp.remove_access_settings")
def test_who_else_may(vapp: VApp) -> None:
    vapp.add_access_settings([{"name": "bob", "type": "user", "access_level": "FullControl"}])
    setting = vapp.get_access_settings().AccessSettings.AccessSetting
    assert (setting.Subject.get("name"), str(setting.AccessLevel)) == ("bob", "FullControl")
    left = vapp.remove_access_settings([{"name": "bob", "type": "user"}])
    assert not hasattr(left, "AccessSettings")


@covers("VApp.share_with_org_members", "VApp.unshare_from_org_members")
def test_everybody_may(vapp: VApp) -> None:
    assert str(vapp.share_with_org_members("Change").EveryoneAccessLevel) == "Change"
    assert str(vapp.unshare_from_org_members().IsSharedToEveryone) == "False"


@covers("VApp.get_all_networks", "VApp.get_vapp_network_name", "VApp.get_vapp_network_list")
def test_its_networks(vapp: VApp) -> None:
    assert len(vapp.get_all_networks()) == 1
    assert vapp.get_vapp_network_name() == "acme-net"
    assert [one["name"] for one in vapp.get_vapp_network_list()] == ["acme-net"]


@covers("VApp.connect_org_vdc_network", "VApp.disconnect_org_vdc_network")
def test_a_network_of_the_vdc_joins_and_leaves(alice: Tenant, uid: str) -> None:
    vapp = alice.compose(uid, network=None)
    alice.wait(vapp.connect_org_vdc_network("acme-net"))
    vapp.reload()
    assert vapp.get_vapp_network_name() == "acme-net"
    alice.wait(vapp.disconnect_org_vdc_network("acme-net"))
    alice.wait(alice.vdc.delete_vapp(uid))


@covers(
    "VApp.create_vapp_network",
    "VApp.update_vapp_network",
    "VApp.add_ip_range",
    "VApp.update_ip_range",
    "VApp.delete_ip_range",
    "VApp.update_dns_vapp_network",
    "VApp.dns_detail_of_vapp_network",
    "VApp.delete_vapp_network",
)
def test_a_network_of_its_own(alice: Tenant, vapp: VApp) -> None:
    made = vapp.create_vapp_network(
        "inside", "192.168.1.1/24", description="d", primary_dns_ip="8.8.8.8", ip_ranges=["192.168.1.10-192.168.1.19"]
    )
    alice.wait(made)
    vapp.reload()
    alice.wait(vapp.add_ip_range("inside", "192.168.1.30", "192.168.1.39"))
    vapp.reload()
    alice.wait(vapp.update_ip_range("inside", "192.168.1.30", "192.168.1.39", "192.168.1.40", "192.168.1.49"))
    vapp.reload()
    assert _ranges(vapp, "inside") == [("192.168.1.10", "192.168.1.19"), ("192.168.1.40", "192.168.1.49")]
    alice.wait(vapp.delete_ip_range("inside", "192.168.1.10", "192.168.1.19"))
    vapp.reload()
    assert _ranges(vapp, "inside") == [("192.168.1.40", "192.168.1.49")]
    alice.wait(vapp.update_dns_vapp_network("inside", "9.9.9.9", "8.8.4.4", "example.org"))
    vapp.reload()
    assert vapp.dns_detail_of_vapp_network("inside")["Dns1"] == "9.9.9.9"
    alice.wait(vapp.update_vapp_network("inside", "renamed", "new"))
    vapp.reload()
    alice.wait(vapp.delete_vapp_network("renamed"))
    vapp.reload()
    assert vapp.get_vapp_network_name() == "acme-net"


@covers("VApp.create_vapp_network_from_ovdc_network")
def test_a_network_of_the_vdc_comes_later(alice: Tenant, uid: str) -> None:
    vapp = alice.compose(f"vapp-{uid}", network=None)
    alice.wait(vapp.create_vapp_network_from_ovdc_network("acme-net"))
    vapp.reload()
    config = vapp.get_resource().NetworkConfigSection.NetworkConfig
    assert (config.get("networkName"), str(config.Configuration.FenceMode)) == ("acme-net", "bridged")
    alice.wait(alice.vdc.delete_vapp(f"vapp-{uid}", force=True))


@covers("VApp.reset_vapp_network")
def test_the_services_of_a_network_begin_anew(alice: Tenant, running: VApp) -> None:
    task = running.reset_vapp_network("acme-net")
    assert task.Owner.get("name") == "acme-net"
    alice.wait(task)


@covers("VApp.add_vm_from_scratch", "VApp.to_vm_item")
def test_a_vm_from_nothing(alice: Tenant, vapp: VApp) -> None:
    item = {"vm_name": "blank", "comp_name": "blank", "os_type": "centos8_64Guest", "virtual_cpu": 2, "memory": 100}
    alice.wait(vapp.add_vm_from_scratch(item))
    vapp.reload()
    made = vapp.get_vm("blank")
    assert (made.get("status"), str(made.VmSpecSection.OsType)) == ("4", "centos8_64Guest")
    assert (int(made.VmSpecSection.NumCpus), int(made.VmSpecSection.MemoryResourceMb.Configured)) == (2, 100)
    assert not hasattr(made.VmSpecSection.DiskSection, "DiskSettings")


def _ranges(vapp: VApp, name: str) -> list[tuple[str, str]]:
    (config,) = [
        one for one in vapp.get_resource().NetworkConfigSection.NetworkConfig if one.get("networkName") == name
    ]
    scope = config.Configuration.IpScopes.IpScope
    return [(str(one.StartAddress), str(one.EndAddress)) for one in scope.IpRanges.IpRange]


@covers("VApp.list_vm_interface")
def test_who_is_in_a_network(running: VApp) -> None:
    interfaces = running.list_vm_interface("acme-net")
    assert [(str(one["Name"]), int(one["VmNicId"])) for one in interfaces] == [("acme-net", 0)]


@covers("VApp.edit_name_and_description")
def test_a_new_name(alice: Tenant, vapp: VApp, uid: str) -> None:
    alice.wait(vapp.edit_name_and_description(f"new-{uid}", "described"))
    vapp.reload()
    assert (vapp.get_resource().get("name"), str(vapp.get_resource().Description)) == (f"new-{uid}", "described")


@covers("VApp.vapp_clone", "VApp.copy_to")
def test_a_copy(alice: Tenant, vapp: VApp, uid: str) -> None:
    alice.wait(vapp.copy_to(alice.vdc.href, f"copy-{uid}", "a copy"))
    copy = alice.vapp(f"copy-{uid}")
    assert [one.get("name") for one in copy.get_all_vms()] == ["one"]
    assert str(copy.get_resource().Description) == "a copy"
    alice.wait(alice.vdc.delete_vapp(f"copy-{uid}"))


@covers("VApp.get_startup_section", "VApp.update_startup_section")
def test_the_order_of_starting(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.update_startup_section("one", order=2, start_action="none", start_delay=5))
    vapp.reload()
    (item,) = vapp.get_startup_section()
    assert (item["Id"], item["order"], item["startAction"], item["startDelay"]) == ("one", "2", "none", "5")


@covers("VApp.list_ip_allocations")
def test_the_addresses_of_a_network(vapp: VApp) -> None:
    (address,) = vapp.list_ip_allocations("acme-net")
    assert (str(address["Ip_address"]), address["Allocation_type"]) == (vapp.get_primary_ip("one"), "vmAllocated")


@covers("VApp.enable_download", "VApp.download_ova", "VApp.disable_download")
def test_a_package(vapp: VApp, tmp_path: Path) -> None:
    target = tmp_path / "vapp.ova"
    written = vapp.download_ova(str(target))
    assert written == target.stat().st_size
    with tarfile.open(target) as archive:
        assert archive.getnames()[:2] == ["descriptor.ovf", "descriptor.mf"]
    vapp.enable_download()
    vapp.reload()
    vapp.disable_download()
    vapp.reload()
    assert find_link(vapp.get_resource(), RelationType.DOWNLOAD_OVA_DEFAULT, None, fail_if_absent=False) is None
