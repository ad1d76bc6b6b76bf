"""The virtual hardware of a VM: its section, the items in it, lists of them."""

from vcd_simulator.model.compute import Disk, Nic, Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.operations.machines import guest_information
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link
from vcd_simulator.rest.xml import (
    OVF_NS,
    RASD_NS,
    VCLOUD_NS,
    VMW_NS,
    Builder,
    Element,
    document,
    ovf,
    qualified,
    rasd,
    vmw,
    vssd,
)

RASD_ITEM = VCLOUD + "rasdItem+xml"
_OPTIONAL = qualified(OVF_NS, required=False)
_CONTROLLER_ID = 2


def _item(resource_type: int, instance_id: int, name: str, *content: Element, build: Builder = ovf) -> Element:
    """An item of hardware; children of `rasd` are in alphabetical order and in front, as the schema wants them."""
    children = [
        rasd("ElementName", name),
        rasd("InstanceID", instance_id),
        rasd("ResourceType", resource_type),
        *content,
    ]
    return build("Item", sorted(children, key=lambda one: (not one.tag.startswith(f"{{{RASD_NS}}}"), one.tag)))


def cpu_item(context: Context, vm: Vm, *, root: bool = False, edits: bool = False) -> Element:
    """The processors; as a root, a document of its own."""
    hardware = vm.hardware
    item = _item(
        3,
        4,
        f"{hardware.cpu_count} virtual CPU(s)",
        rasd("AllocationUnits", "hertz * 10^6"),
        rasd("Description", "Number of Virtual CPUs"),
        rasd("Reservation", 0),
        rasd("VirtualQuantity", hardware.cpu_count),
        rasd("Weight", 0),
        vmw("CoresPerSocket", hardware.cores_per_socket, _OPTIONAL),
        build=document if root else ovf,
    )
    return _with_address(context, vm, item, "cpu", edits=edits)


def memory_item(context: Context, vm: Vm, *, root: bool = False, edits: bool = False) -> Element:
    """The memory; as a root, a document of its own."""
    item = _item(
        4,
        5,
        f"{vm.hardware.memory_mb} MB of memory",
        rasd("AllocationUnits", "byte * 2^20"),
        rasd("Description", "Memory Size"),
        rasd("Reservation", 0),
        rasd("VirtualQuantity", vm.hardware.memory_mb),
        rasd("Weight", 0),
        build=document if root else ovf,
    )
    return _with_address(context, vm, item, "memory", edits=edits)


def _path(vm: Vm, part: str = "") -> str:
    return f"{vm.kind.href_path(vm.id)}/virtualHardwareSection/{part}"


def _with_address(context: Context, vm: Vm, item: Element, part: str, *, edits: bool) -> Element:
    path = _path(vm, part)
    for name, value in (("type", RASD_ITEM), ("href", context.url(path))):
        item.set(f"{{{VCLOUD_NS}}}{name}", value)
    if edits:
        item.append(link(context, "edit", path, RASD_ITEM))
    return item


def network_cards(vm: Vm) -> list[Element]:
    """An item for each connection to a network."""
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
    return _item(
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
    """The hard disks, after the controller that they are on."""
    controller = _item(
        6,
        _CONTROLLER_ID,
        "SCSI Controller 0",
        rasd("Address", 0),
        rasd("Description", "SCSI Controller"),
        rasd("ResourceSubType", "lsilogic"),
    )
    return [controller, *map(_hard_disk, vm.hardware.disks)]


def _hard_disk(disk: Disk) -> Element:
    return _item(
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


_PARTS = (
    ("cpu", "rasdItem+xml", ("down", "edit")),
    ("memory", "rasdItem+xml", ("down", "edit")),
    ("disks", "rasdItemsList+xml", ("down", "edit")),
    ("media", "rasdItemsList+xml", ("down",)),
    ("networkCards", "rasdItemsList+xml", ("down",)),
)
"""What of the hardware can be read by itself, and what of that can be changed."""


def virtual_hardware_section(context: Context, vm: Vm, *, edits: bool) -> Element:
    """All of the hardware; and for those who may change it, what is set of the VM in vCenter."""
    media = VCLOUD + "virtualHardwareSection+xml"
    links = [
        link(context, rel, _path(vm, part), VCLOUD + kind)
        for part, kind, rels in _PARTS
        for rel in rels
        if edits or rel == "down"
    ]
    return ovf(
        "VirtualHardwareSection",
        qualified(OVF_NS, transport=""),
        qualified(VCLOUD_NS, type=media, href=context.url(_path(vm))),
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
    """A document of the items of one part of the hardware."""
    for item in items:
        item.tag = f"{{{VCLOUD_NS}}}Item"
    return document("RasdItemsList", items, type=VCLOUD + "rasdItemsList+xml", href=context.url(_path(vm, part)))


def drives() -> list[Element]:
    """The drives for media, which are empty: there are no media."""
    return [
        _item(
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
