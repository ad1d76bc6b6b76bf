"""Sections of a VM beside its hardware and its customization: connections, specification, system, boot, compliance."""

from vcd_simulator.clock import timestamp
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.operations.settings import compliance
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link, reference
from vcd_simulator.rest.xml import OVF_NS, VCLOUD_NS, VMW_NS, Element, ovf, qualified, vcloud

COMPLIANCE_RESULT = "application/vnd.vmware.vm.complianceResult+xml"
_OPTIONAL = qualified(OVF_NS, required=False)
_TOOLS_VERSION = "10272"


def network_connection_section(context: Context, vm: Vm, *, edits: bool) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/networkConnectionSection/"
    media = VCLOUD + "networkConnectionSection+xml"
    return vcloud(
        "NetworkConnectionSection",
        _OPTIONAL,
        ovf("Info", "Specifies the available VM network connections"),
        vcloud("PrimaryNetworkConnectionIndex", vm.primary_nic),
        [
            vcloud(
                "NetworkConnection",
                vcloud("NetworkConnectionIndex", nic.index),
                vcloud("IpAddress", nic.ip_address) if nic.ip_address else None,
                vcloud("IsConnected", nic.connected),
                vcloud("MACAddress", nic.mac_address),
                vcloud("IpAddressAllocationMode", nic.mode),
                vcloud("NetworkAdapterType", nic.adapter_type),
                network=nic.network,
                needsCustomization=vm.customization.pending,
            )
            for nic in vm.nics
        ],
        link(context, "edit", path, media) if edits else None,
        type=media,
        href=context.url(path),
    )


def vm_spec_section(context: Context, vm: Vm) -> Element:
    hardware = vm.hardware
    profile = context.cloud.profiles.get(vm.storage_profile_id)
    return vcloud(
        "VmSpecSection",
        ovf("Info", "A number of parameters of the virtual machine"),
        vcloud("OsType", vm.os_type),
        vcloud("NumCpus", hardware.cpu_count),
        vcloud("NumCoresPerSocket", hardware.cores_per_socket),
        vcloud("CpuResourceMhz", vcloud("Configured", 0)),
        vcloud("MemoryResourceMb", vcloud("Configured", hardware.memory_mb)),
        vcloud("MediaSection"),
        vcloud(
            "DiskSection",
            [
                vcloud(
                    "DiskSettings",
                    vcloud("DiskId", disk.instance_id),
                    vcloud("SizeMb", disk.capacity_mb),
                    vcloud("UnitNumber", disk.unit_number),
                    vcloud("BusNumber", 0),
                    vcloud("AdapterType", 3),
                    vcloud("ThinProvisioned", True),
                    reference(context, "StorageProfile", profile, with_id=True) if profile is not None else None,
                )
                for disk in hardware.disks
            ],
        ),
        vcloud("HardwareVersion", f"vmx-{vm.hardware_version:02d}"),
        vcloud("VmToolsVersion", _TOOLS_VERSION),
        vcloud("VirtualCpuType", "VM64"),
        vcloud("TimeSyncWithHost", False),
        Modified=False,
    )


def operating_system_section(context: Context, vm: Vm, *, edits: bool = False) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/operatingSystemSection/"
    media = VCLOUD + "operatingSystemSection+xml"
    return ovf(
        "OperatingSystemSection",
        qualified(OVF_NS, id=100),
        qualified(VCLOUD_NS, type=media, href=context.url(path)),
        qualified(VMW_NS, osType=vm.os_type),
        ovf("Info", "Specifies the operating system installed"),
        ovf("Description", vm.os_description or vm.os_type),
        link(context, "edit", path, media) if edits else None,
    )


def capabilities(context: Context, vm: Vm, *, edits: bool = False) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/vmCapabilities/"
    media = VCLOUD + "vmCapabilitiesSection+xml"
    return vcloud(
        "VmCapabilities",
        link(context, "edit", path, media) if edits else None,
        vcloud("MemoryHotAddEnabled", vm.memory_hot_add),
        vcloud("CpuHotAddEnabled", vm.cpu_hot_add),
        type=media,
        href=context.url(path),
    )


def boot_options(context: Context, vm: Vm, *, edits: bool = False) -> Element:
    path = vm.kind.href_path(vm.id)
    media = VCLOUD + "bootOptions+xml"
    return vcloud(
        "BootOptions",
        link(context, "edit", f"{path}/bootOptions/", media) if edits else None,
        vcloud("BootDelay", vm.boot_delay_ms),
        vcloud("EnterBIOSSetup", vm.enter_bios_setup),
        type=media,
        href=context.url(f"{path}/bootOptions/"),
    )


def compliance_result(context: Context, vm: Vm) -> Element:
    """What the last check of a VM's compliance found, and whether there was one."""
    checked = vm.compliance_checked
    return vcloud(
        "ComplianceResult",
        vcloud("ComplianceStatus", compliance(context.cloud, vm) if checked is not None else "UNKNOWN"),
        vcloud("ComplianceStatusMessage", ""),
        vcloud("ComplianceCheckTime", timestamp(checked)) if checked is not None else None,
        type=COMPLIANCE_RESULT,
    )


def runtime_info_section() -> Element:
    return vcloud(
        "RuntimeInfoSection",
        ovf("Info", "Specifies Runtime info"),
        vcloud("VMWareTools", version=_TOOLS_VERSION),
        type=VCLOUD + "virtualMachineRuntimeInfo+xml",
    )
