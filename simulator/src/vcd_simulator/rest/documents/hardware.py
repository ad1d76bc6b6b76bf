"""Sections of a VM: hardware, connections, customization, specification."""

from vcd_simulator.clock import timestamp
from vcd_simulator.model.compute import Nic, Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.operations.machines import guest_information
from vcd_simulator.operations.settings import compliance
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link, reference
from vcd_simulator.rest.xml import OVF_NS, VCLOUD_NS, VMW_NS, Element, document, ovf, qualified, rasd, vcloud, vmw, vssd

RASD_ITEM = VCLOUD + "rasdItem+xml"
COMPLIANCE_RESULT = "application/vnd.vmware.vm.complianceResult+xml"
_OPTIONAL = qualified(OVF_NS, required=False)
_CONTROLLER_ID = 2


def _items(tag: str, resource_type: int, instance_id: int, name: str, *content: object) -> Element:
    """An item of hardware; children of `rasd` are in alphabetical order, as the schema wants them."""
    children = [
        rasd("ElementName", name),
        rasd("InstanceID", instance_id),
        rasd("ResourceType", resource_type),
        *(one for one in content if isinstance(one, Element)),
    ]
    special = [one for one in children if not one.tag.startswith("{http://schemas.dmtf.org/wbem")]
    plain = sorted((one for one in children if one not in special), key=lambda one: one.tag)
    return (ovf if tag == "ovf" else document)("Item", [*plain, *special])


def cpu_item(context: Context, vm: Vm, *, root: bool = False, edits: bool = False) -> Element:
    hardware = vm.hardware
    item = _items(
        "root" if root else "ovf",
        3,
        4,
        f"{hardware.cpu_count} virtual CPU(s)",
        rasd("AllocationUnits", "hertz * 10^6"),
        rasd("Description", "Number of Virtual CPUs"),
        rasd("Reservation", 0),
        rasd("VirtualQuantity", hardware.cpu_count),
        rasd("Weight", 0),
        vmw("CoresPerSocket", hardware.cores_per_socket, _OPTIONAL),
    )
    return _with_address(context, vm, item, "cpu", edits)


def memory_item(context: Context, vm: Vm, *, root: bool = False, edits: bool = False) -> Element:
    item = _items(
        "root" if root else "ovf",
        4,
        5,
        f"{vm.hardware.memory_mb} MB of memory",
        rasd("AllocationUnits", "byte * 2^20"),
        rasd("Description", "Memory Size"),
        rasd("Reservation", 0),
        rasd("VirtualQuantity", vm.hardware.memory_mb),
        rasd("Weight", 0),
    )
    return _with_address(context, vm, item, "memory", edits)


def _with_address(context: Context, vm: Vm, item: Element, part: str, edits: bool) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/virtualHardwareSection/{part}"
    for name, value in (("type", RASD_ITEM), ("href", context.url(path))):
        item.set(f"{{{VCLOUD_NS}}}{name}", value)
    if edits:
        item.append(link(context, "edit", path, RASD_ITEM))
    return item


def network_cards(vm: Vm) -> list[Element]:
    return [_network_card(vm, nic, position) for position, nic in enumerate(vm.nics)]


def _network_card(vm: Vm, nic: Nic, position: int) -> Element:
    connection = rasd(
        "Connection",
        nic.network,
        qualified(
            VCLOUD_NS,
            ipAddressingMode=nic.mode,
            ipAddress=nic.ip_address,
            primaryNetworkConnection=nic.index == vm.primary_nic,
        ),
    )
    return _items(
        "ovf",
        10,
        position + 1,
        f"Network adapter {nic.index}",
        rasd("Address", nic.mac_address),
        rasd("AddressOnParent", nic.index),
        rasd("AutomaticAllocation", nic.connected),
        connection,
        rasd("Description", f'{nic.adapter_type} ethernet adapter on "{nic.network}"'),
        rasd("ResourceSubType", nic.adapter_type),
    )


def disks(vm: Vm) -> list[Element]:
    controller = _items(
        "ovf",
        6,
        _CONTROLLER_ID,
        "SCSI Controller 0",
        rasd("Address", 0),
        rasd("Description", "SCSI Controller"),
        rasd("ResourceSubType", "lsilogic"),
    )
    hard = [
        _items(
            "ovf",
            17,
            disk.instance_id,
            disk.name,
            rasd("AddressOnParent", disk.unit_number),
            rasd("Description", "Hard disk"),
            rasd(
                "HostResource",
                qualified(
                    VCLOUD_NS,
                    capacity=disk.capacity_mb,
                    busSubType="lsilogic",
                    busType=6,
                    storageProfileOverrideVmDefault=False,
                ),
            ),
            rasd("Parent", _CONTROLLER_ID),
            rasd("VirtualQuantity", disk.capacity_mb * 1024**2),
            rasd("VirtualQuantityUnits", "byte"),
        )
        for disk in vm.hardware.disks
    ]
    return [controller, *hard]


_PARTS = (
    ("cpu", "rasdItem+xml", ("down", "edit")),
    ("memory", "rasdItem+xml", ("down", "edit")),
    ("disks", "rasdItemsList+xml", ("down", "edit")),
    ("media", "rasdItemsList+xml", ("down",)),
    ("networkCards", "rasdItemsList+xml", ("down",)),
)
"""What of the hardware can be read by itself, and what of that can be changed."""


def virtual_hardware_section(context: Context, vm: Vm, *, edits: bool) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/virtualHardwareSection/"
    media = VCLOUD + "virtualHardwareSection+xml"
    links = [
        link(context, rel, f"{path}{part}", VCLOUD + kind)
        for part, kind, rels in _PARTS
        for rel in rels
        if edits or rel == "down"
    ]
    return ovf(
        "VirtualHardwareSection",
        qualified(OVF_NS, transport=""),
        qualified(VCLOUD_NS, type=media, href=context.url(path)),
        ovf("Info", "Virtual hardware requirements"),
        ovf(
            "System",
            vssd("ElementName", "Virtual Hardware Family"),
            vssd("InstanceID", 0),
            vssd("VirtualSystemIdentifier", vm.name),
            vssd("VirtualSystemType", f"vmx-{vm.hardware_version:02d}"),
        ),
        network_cards(vm),
        disks(vm),
        cpu_item(context, vm),
        memory_item(context, vm),
        [
            vmw("ExtraConfig", _OPTIONAL, qualified(VMW_NS, key=key, value=value))
            for key, value in (extra_config(context, vm) if edits else {}).items()
        ],
        links,
    )


def extra_config(context: Context, vm: Vm) -> dict[str, str]:
    """What is set of a VM in vCenter, what every VM has there, and what its guest has told."""
    own = {"nvram": f"{vm.name}.nvram", "svga.present": "TRUE", "pciBridge0.present": "TRUE"}
    return own | vm.extra_config | guest_information(context.cloud, vm)


def rasd_items_list(context: Context, vm: Vm, part: str, items: list[Element]) -> Element:
    path = f"{vm.kind.href_path(vm.id)}/virtualHardwareSection/{part}"
    for item in items:
        item.tag = f"{{{VCLOUD_NS}}}Item"
    return document("RasdItemsList", items, type=VCLOUD + "rasdItemsList+xml", href=context.url(path))


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


def guest_customization_section(context: Context, vm: Vm, *, edits: bool, shows_password: bool) -> Element:
    custom = vm.customization
    path = f"{vm.kind.href_path(vm.id)}/guestCustomizationSection/"
    media = VCLOUD + "guestCustomizationSection+xml"
    return vcloud(
        "GuestCustomizationSection",
        _OPTIONAL,
        ovf("Info", "Specifies Guest OS Customization Settings"),
        vcloud("Enabled", custom.enabled),
        vcloud("ChangeSid", False),
        vcloud("VirtualMachineId", vm.id),
        vcloud("JoinDomainEnabled", False),
        vcloud("UseOrgSettings", False),
        vcloud("AdminPasswordEnabled", custom.admin_password_enabled),
        vcloud("AdminPasswordAuto", custom.admin_password_auto),
        vcloud("AdminPassword", custom.admin_password) if custom.admin_password and shows_password else None,
        vcloud("AdminAutoLogonEnabled", False),
        vcloud("AdminAutoLogonCount", 0),
        vcloud("ResetPasswordRequired", custom.reset_password_required),
        vcloud("CustomizationScript", custom.script) if custom.script else None,
        vcloud("ComputerName", custom.computer_name),
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
        vcloud("VmToolsVersion", "10272"),
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


def drives() -> list[Element]:
    """The drives for media, which are empty: there are no media."""
    return [
        _items(
            "ovf",
            kind,
            instance_id,
            name,
            rasd("AddressOnParent", 0),
            rasd("AutomaticAllocation", False),
            rasd("Description", description),
            rasd("HostResource"),
        )
        for kind, instance_id, name, description in (
            (15, 3000, "CD/DVD Drive 1", "CD/DVD Drive"),
            (14, 8000, "Floppy Drive 1", "Floppy Drive"),
        )
    ]


def customization_status(vm: Vm) -> Element:
    """Whether a guest has been customized: `GC_PENDING` until it has booted and its tools have reported that.

    So it stays for one that is not to be customized at all.
    """
    pending = vm.customization.pending or not vm.customization.reported
    return vcloud(
        "GuestCustomizationStatusSection",
        vcloud("GuestCustStatus", "GC_PENDING" if pending else "GC_COMPLETE"),
        type=VCLOUD + "guestcustomizationstatussection",
    )


def post_customization(vm: Vm) -> Element:
    """Whether a guest's customization is behind it."""
    custom = vm.customization
    over = custom.enabled and custom.reported and not custom.pending
    return vcloud(
        "CheckPostGuestCustomizationSection",
        vcloud("CheckPostGCStatus", over),
        type=VCLOUD + "checkPostGuestCustomizationSection+xml",
    )


def runtime_info_section() -> Element:
    return vcloud(
        "RuntimeInfoSection",
        ovf("Info", "Specifies Runtime info"),
        vcloud("VMWareTools", version="10272"),
        type=VCLOUD + "virtualMachineRuntimeInfo+xml",
    )
