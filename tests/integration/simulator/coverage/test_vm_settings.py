"""pyvcloud.vcd.vm and vapp: settings that guests do not notice, and upkeep by the provider."""

from collections.abc import Callable

import pytest
from pyvcloud.vcd.client import Client
from pyvcloud.vcd.exceptions import BadRequestException, OperationNotSupportedException
from pyvcloud.vcd.platform import Platform
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vm import VM

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant, Wait
from cse_testing.waiting import wait_until
from vcd_simulator.simulator import Simulator


@pytest.fixture
def as_provider(administrator: Client, vm: VM) -> VM:
    """The VM, as the provider sees it."""
    return VM(administrator, href=vm.get_resource().get("href"))


@covers("VM.update_vm_capabilities_section")
def test_what_may_be_added_while_it_runs(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.update_vm_capabilities_section(memory_hot_add_enabled=True, cpu_hot_add_enabled=True))
    assert set(vm.list_vm_capabilities().values()) == {True}
    alice.wait(vm.power_on())
    alice.wait(vm.modify_memory(4096))
    alice.wait(vm.modify_cpu(4, 1))
    with pytest.raises(BadRequestException, match="powered on"):
        vm.modify_memory(2048)


@covers("VM.get_boot_options", "VM.list_boot_options", "VM.update_boot_options")
def test_boot_options(alice: Tenant, vm: VM) -> None:
    assert int(vm.get_boot_options().BootDelay) == 0
    alice.wait(vm.update_boot_options(boot_delay=10, enter_bios_setup=True))
    shown = vm.list_boot_options()
    assert (int(shown["BootDelay"]), bool(shown["EnterBIOSSetup"])) == (10, True)


@covers("VM.update_operating_system_section")
def test_the_operating_system_gets_another_description(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.update_operating_system_section(description="Photon, ours"))
    assert str(vm.list_os_section()["Description"]) == "Photon, ours"


@covers("VM.get_check_post_customization_section", "VM.list_check_post_gc_status")
def test_whether_customization_is_over(alice: Tenant, vm: VM) -> None:
    assert vm.get_check_post_customization_section() is not None
    assert str(vm.list_check_post_gc_status()["CheckPostGCStatus"]).lower() == "false"
    alice.wait(vm.power_on())
    wait_until(lambda: str(vm.get_guest_customization_status()) == "GC_COMPLETE", "the guest's report")
    assert str(vm.list_check_post_gc_status()["CheckPostGCStatus"]).lower() == "true"


@covers("VM.update_vhs_disks")
def test_a_disk_grows(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.update_vhs_disks("Hard disk 1", 20 * 1024**3))
    (disk,) = vm.list_virtual_hardware_section(is_cpu=False, is_memory=False, is_disk=True)
    assert disk["diskVirtualQuantityInBytes"] == 20 * 1024**3
    with pytest.raises(BadRequestException, match="cannot shrink"):
        vm.update_vhs_disks("Hard disk 1", 1024**3)


@covers("VApp.add_disk_to_vm")
def test_a_disk_is_added(alice: Tenant, vapp: VApp, vm: VM) -> None:
    alice.wait(vapp.add_disk_to_vm("one", 2048))
    disks = vm.list_virtual_hardware_section(is_cpu=False, is_memory=False, is_disk=True)
    assert [disk["diskElementName"] for disk in disks] == ["Hard disk 1", "Hard disk 2"]
    assert disks[1]["diskVirtualQuantityInBytes"] == 2048 * 1024**2


@covers("VM.enable_nested_hypervisor")
def test_a_vm_becomes_a_hypervisor(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.enable_nested_hypervisor())
    vm.reload()
    assert vm.get_resource().get("nestedHypervisorEnabled") == "true"


@covers("VM.upgrade_virtual_hardware")
def test_hardware_is_upgraded(alice: Tenant, vm: VM) -> None:
    alice.wait(vm.upgrade_virtual_hardware())
    vm.reload()
    with pytest.raises(OperationNotSupportedException):
        vm.upgrade_virtual_hardware()


@covers("VApp.upgrade_virtual_hardware")
def test_hardware_of_all_vms_is_upgraded(vapp: VApp) -> None:
    assert vapp.upgrade_virtual_hardware() == 1
    assert vapp.upgrade_virtual_hardware() == 0


@covers("VM.check_compliance", "VM.get_compliance_result")
def test_compliance(wait: Wait, as_provider: VM) -> None:
    wait(as_provider.check_compliance())
    assert str(as_provider.get_compliance_result().ComplianceStatus) == "COMPLIANT"


@covers("VM.consolidate", "VM.reload_from_vc")
def test_upkeep(wait: Wait, as_provider: VM, vm: VM) -> None:
    with pytest.raises(OperationNotSupportedException):
        vm.consolidate()
    wait(as_provider.consolidate())
    wait(as_provider.reload_from_vc())


@covers("VM.get_product_section", "VM.list_product_sections")
def test_products_of_a_vm(vm: VM) -> None:
    assert vm.get_product_section() is not None
    assert vm.list_product_sections() == []


@covers("VApp.get_product_sections", "VApp.update_product_section")
def test_products_of_a_vapp(alice: Tenant, vapp: VApp) -> None:
    for value in ("first", "second"):
        alice.wait(vapp.update_product_section("key", value=value, class_name="c", instance_name="i", label="L"))
        vapp.reload()
    (section,) = vapp.get_product_sections()
    assert section["key"] == "second"


@covers("VApp.enter_maintenance_mode", "VApp.exit_maintenance_mode")
def test_maintenance(administrator: Client, alice: Tenant, vapp: VApp) -> None:
    as_provider = VApp(administrator, href=vapp.get_resource().get("href"))
    as_provider.enter_maintenance_mode()
    vapp.reload()
    assert str(vapp.get_resource().InMaintenanceMode).lower() == "true"
    with pytest.raises(OperationNotSupportedException):
        vapp.power_on()
    as_provider.reload()
    as_provider.exit_maintenance_mode()
    vapp.reload()
    alice.wait(vapp.power_on())


@covers("VM.relocate", "VM.install_vmware_tools")
def test_another_datastore_and_the_tools(
    alice: Tenant, vm: VM, as_provider: VM, administrator: Client, wait: Wait
) -> None:
    target = Platform(administrator).list_datastores()[1]
    wait(as_provider.relocate(target["Id"]))
    with pytest.raises(OperationNotSupportedException):
        vm.install_vmware_tools()
    alice.wait(vm.power_on())
    vm.reload()
    alice.wait(vm.install_vmware_tools())


@covers("VM.add_extra_config_element", "VM.list_vm_extra_config_info", "VM.get_vm_extra_config_elements")
def test_settings_in_vcenter_are_for_the_guest_and_from_it(
    alice: Tenant, vapp: VApp, vm: VM, as_provider: VM, wait: Wait, tools: Callable[[VApp], None], shared_vcd: Simulator
) -> None:
    wait(as_provider.add_extra_config_element("disk.enableUUID", "1", required=True))
    as_provider.reload()
    wait(as_provider.add_extra_config_element("guestinfo.word", "said"))
    alice.wait(vm.power_on())
    tools(vapp)
    script = 'vmtoolsd --cmd "info-set guestinfo.answer $(vmtoolsd --cmd "info-get guestinfo.word")"'
    assert shared_vcd.hypervisor.execute(vapp.get_vm_moid("one"), script).exit_code == 0
    vm.reload()
    shown = vm.list_vm_extra_config_info()
    assert (shown["disk.enableUUID"], shown["guestinfo.word"], shown["guestinfo.answer"]) == ("1", "said", "said")
    assert len(vm.get_vm_extra_config_elements()) == len(shown)
