"""pyvcloud.vcd.vm: VM."""

from collections.abc import Callable

import pytest
from pyvcloud.vcd.client import Client
from pyvcloud.vcd.exceptions import AccessForbiddenException, BadRequestException
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vm import VM

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant


@covers("VM.get_resource", "VM.reload")
def test_the_document(alice: Tenant, vm: VM) -> None:
    again = VM(alice.client, href=vm.get_resource().get("href"))
    again.reload()
    assert again.get_resource().get("name") == "one"


@covers("VM.get_vc", "VM.get_moid")
def test_where_it_is(administrator: Client, running_vm: VM, running: VApp) -> None:
    as_provider = VM(administrator, href=running_vm.get_resource().get("href"))
    assert as_provider.get_vc() == "vc1"
    assert as_provider.get_moid() == running.get_vm_moid("one")


@covers("VM.get_cpus", "VM.get_memory", "VM.modify_cpu", "VM.modify_memory")
def test_hardware(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.modify_cpu(4, 2))
    alice.wait(vm.modify_memory(4096))
    vm.reload()
    assert vm.get_cpus() == {"num_cpus": 4, "num_cores_per_socket": 2}
    assert vm.get_memory() == 4096
    alice.wait(vm.power_on())
    with pytest.raises(BadRequestException, match="powered on"):
        vm.modify_memory(8192)


@covers("VM.get_power_state", "VM.is_powered_on", "VM.is_powered_off", "VM.is_suspended", "VM.is_deployed")
def test_states(alice: Tenant, vm: VM) -> None:
    assert (vm.get_power_state(), vm.is_powered_off(), vm.is_deployed()) == (8, True, False)
    alice.wait(vm.power_on())
    vm.reload()
    assert (vm.is_powered_on(), vm.is_suspended(), vm.is_deployed()) == (True, False, False), "as pyvcloud has it"


@covers("VM.power_on", "VM.power_off", "VM.deploy", "VM.undeploy")
def test_power(alice: Tenant, vm: VM) -> None:
    for act, holds in (
        (VM.power_on, VM.is_powered_on),
        (VM.power_off, VM.is_powered_off),
        (VM.undeploy, VM.is_powered_off),
        (VM.deploy, VM.is_powered_on),
    ):
        alice.wait(act(vm))
        vm.reload()
        assert holds(vm), act


@covers("VM.reboot", "VM.power_reset", "VM.shutdown")
def test_what_needs_a_running_guest(
    alice: Tenant, running: VApp, running_vm: VM, tools: Callable[[VApp], None]
) -> None:
    for act, on in ((VM.reboot, True), (VM.power_reset, True), (VM.shutdown, False)):
        tools(running)
        alice.wait(act(running_vm))
        running_vm.reload()
        assert running_vm.is_powered_on() is on, act


@covers("VM.suspend", "VM.discard_suspended_state")
def test_suspension(alice: Tenant, running_vm: VM) -> None:
    alice.wait(running_vm.suspend())
    running_vm.reload()
    assert running_vm.is_suspended()
    alice.wait(running_vm.discard_suspended_state())
    running_vm.reload()
    assert running_vm.is_powered_off()


@covers("VM.edit_name")
def test_a_new_name(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.edit_name("other"))
    vm.reload()
    assert vm.get_resource().get("name") == "other"


@covers("VM.edit_hostname")
def test_a_new_computer_name(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.edit_hostname("other-host"))
    vm.reload()
    assert str(vm.get_resource().GuestCustomizationSection.ComputerName) == "other-host"


@covers("VM.list_nics", "VM.add_nic", "VM.update_nic", "VM.delete_nic")
def test_network_cards(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.add_nic("VMXNET3", False, True, "acme-net", "POOL", None))
    vm.reload()
    first, second = vm.list_nics()
    assert (first["network"], second["network"], second["ip_address_mode"]) == ("acme-net", "acme-net", "POOL")
    alice.wait(vm.update_nic("acme-net", nic_id=1, is_connected=False, ip_address_mode="DHCP"))
    vm.reload()
    assert vm.list_nics()[1]["ip_address_mode"] == "DHCP"
    alice.wait(vm.delete_nic(1))
    vm.reload()
    assert len(vm.list_nics()) == 1


@covers("VM.copy_to")
def test_a_copy_in_another_vapp(alice: Tenant, vm: VM, vapp: VApp, uid: str) -> None:
    target = alice.compose(f"target-{uid}")
    alice.wait(vm.copy_to(vapp.get_resource().get("name"), f"target-{uid}", "copied"))
    target.reload()
    assert [one.get("name") for one in target.get_all_vms()] == ["copied"]
    alice.wait(alice.vdc.delete_vapp(f"target-{uid}", force=True))


@covers("VM.move_to")
def test_a_move_to_another_vapp(alice: Tenant, vm: VM, vapp: VApp, uid: str) -> None:
    target = alice.compose(f"target-{uid}")
    alice.wait(vm.move_to(vapp.get_resource().get("name"), f"target-{uid}", "moved"))
    target.reload()
    vapp.reload()
    assert [one.get("name") for one in target.get_all_vms()] == ["moved"]
    assert vapp.get_all_vms() == []
    alice.wait(alice.vdc.delete_vapp(f"target-{uid}", force=True))


@covers("VM.delete")
def test_deletion(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.delete())
    with pytest.raises(AccessForbiddenException):
        vm.reload()


@covers("VM.general_setting_detail", "VM.list_storage_profile")
def test_general_settings(vm: VM) -> None:
    shown = vm.general_setting_detail()
    assert (shown["Name"], shown["Computer Name"]) == ("one", "one")
    assert [one["name"] for one in vm.list_storage_profile()] == ["*"]


@covers("VM.update_general_setting")
def test_general_settings_change(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.update_general_setting(name="new-name", description="d", computer_name="new-host"))
    vm.reload()
    shown = vm.general_setting_detail()
    assert (shown["Name"], shown["Description"], shown["Computer Name"]) == ("new-name", "d", "new-host")


@covers("VM.customize_at_next_power_on", "VM.power_on_and_force_recustomization")
def test_customization_again(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.power_on_and_force_recustomization())
    vm.reload()
    assert vm.is_powered_on()
    alice.wait(vm.undeploy())
    vm.reload()
    vm.customize_at_next_power_on()
    vm.reload()
    assert vm.get_resource().get("needsCustomization") == "true"


@covers(
    "VM.get_guest_customization_section",
    "VM.get_guest_customization_status",
    "VM.enable_guest_customization",
    "VM.list_gc_section",
    "VM.update_guest_customization_section",
)
def test_customization_settings(alice: Tenant, vm: VM) -> None:
    assert vm.get_guest_customization_status() == "GC_PENDING"
    alice.wait(vm.enable_guest_customization(is_enabled=False))
    vm.reload()
    assert str(vm.get_guest_customization_section().Enabled) == "False"
    alice.wait(vm.update_guest_customization_section(enabled=True, customization_script="#!/bin/sh\n"))
    vm.reload()
    shown = vm.list_gc_section()
    assert (str(shown["Enabled"]).lower(), str(shown["ComputerName"])) == ("true", "one")


@covers("VM.list_virtual_hardware_section")
def test_hardware_items(vm: VM) -> None:
    shown = vm.list_virtual_hardware_section(is_cpu=True, is_memory=True, is_disk=True, is_networkCards=True)
    found = {name: str(value) for part in shown for name, value in part.items()}
    assert (found["cpuVirtualQuantity"], found["memoryVirtualQuantityInMb"]) == ("2", "2048")
    assert (found["diskElementName"], found["nCardConnection"]) == ("Hard disk 1", "acme-net")


@covers("VM.get_operating_system_section", "VM.list_os_section")
def test_the_operating_system(vm: VM) -> None:
    assert vm.get_operating_system_section() is not None
    assert "Linux" in str(vm.list_os_section())


@covers("VM.get_vm_capabilities_section", "VM.list_vm_capabilities")
def test_capabilities(vm: VM) -> None:
    assert vm.get_vm_capabilities_section() is not None
    assert set(vm.list_vm_capabilities().values()) == {False}


@covers("VM.get_run_time_info", "VM.list_run_time_info")
def test_the_tools(running_vm: VM) -> None:
    assert running_vm.get_run_time_info() is not None
    assert int(running_vm.list_run_time_info()["vmware_tools_version"]) > 0


@covers("VM.get_metadata", "VM.set_metadata", "VM.set_multiple_metadata", "VM.remove_metadata")
def test_metadata(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.set_metadata("GENERAL", "READWRITE", "one", "1"))
    vm.reload()
    alice.wait(vm.set_multiple_metadata({"two": "2"}))
    assert {str(e.Key): str(e.TypedValue.Value) for e in vm.get_metadata().MetadataEntry} == {"one": "1", "two": "2"}
    alice.wait(vm.remove_metadata("one"))
    assert {str(e.Key) for e in vm.get_metadata().MetadataEntry} == {"two"}
