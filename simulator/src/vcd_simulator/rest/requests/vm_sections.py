"""Sections of a VM: customization, connections, hardware."""

from lxml import etree

from vcd_simulator import errors
from vcd_simulator.operations.connections import NO_NETWORK, NicSpec
from vcd_simulator.operations.customization import CustomizationSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.rest.parsing import optional_flag, optional_text
from vcd_simulator.rest.xml import RASD_NS, VMW_NS, Element, child, children, flag_of, int_of, text_of, whole_number


def customization(section: Element) -> CustomizationSpec:
    """A `GuestCustomizationSection`."""
    script = child(section, "CustomizationScript")
    return CustomizationSpec(
        enabled=optional_flag(section, "Enabled"),
        admin_password_enabled=optional_flag(section, "AdminPasswordEnabled"),
        admin_password_auto=optional_flag(section, "AdminPasswordAuto"),
        admin_password=optional_text(section, "AdminPassword"),
        reset_password_required=optional_flag(section, "ResetPasswordRequired"),
        script=None if script is None else script.text or "",
        computer_name=optional_text(section, "ComputerName") or None,
    )


def nics(section: Element) -> tuple[list[NicSpec], int | None]:
    """A `NetworkConnectionSection`: the connections, and the index of the primary one."""
    found = [
        NicSpec(
            index=int_of(connection, "NetworkConnectionIndex"),
            network=connection.get("network") or NO_NETWORK,
            mode=text_of(connection, "IpAddressAllocationMode", "NONE").upper(),
            ip_address=text_of(connection, "IpAddress") or None,
            connected=flag_of(connection, "IsConnected"),
            adapter_type=text_of(connection, "NetworkAdapterType") or "VMXNET3",
            mac_address=text_of(connection, "MACAddress") or None,
        )
        for connection in children(section, "NetworkConnection")
    ]
    primary = child(section, "PrimaryNetworkConnectionIndex")
    return found, None if primary is None else int_of(section, "PrimaryNetworkConnectionIndex")


def rasd_item(item: Element) -> tuple[int, int, int | None]:
    """An item of hardware: resource type, quantity, and cores per socket where given."""
    kind = rasd_int(item, "ResourceType")
    quantity = rasd_int(item, "VirtualQuantity")
    stated = item.findtext(f"{{{VMW_NS}}}CoresPerSocket")
    cores = whole_number(stated or "1") if stated is not None else None
    if stated is not None and cores is None:
        raise errors.bad_request("Bad request: validation error, vmw:CoresPerSocket is not a whole number.")
    return kind, quantity, cores


def rasd_int(item: Element, name: str) -> int:
    """A number of a hardware item; raises `VcdError` 400 when it is missing or none."""
    number = whole_number(item.findtext(f"{{{RASD_NS}}}{name}") or "")
    if number is None or number < 0:
        raise errors.bad_request(f"Bad request: validation error, rasd:{name} is missing or not a whole number.")
    return number


def stated_capacity_mb(item: Element) -> int | None:
    """The capacity that the `HostResource` of a hard disk states, if it does."""
    resource = item.find(f"{{{RASD_NS}}}HostResource")
    attributes = resource.attrib.items() if resource is not None else ()
    stated = next((value for name, value in attributes if etree.QName(name).localname == "capacity"), "")
    return whole_number(str(stated))


def apply_hardware(section: Element, spec: MachineSpec) -> None:
    """The processors, memory and disk sizes of an `ovf:VirtualHardwareSection`."""
    for item in children(section, "Item"):
        kind = (item.findtext(f"{{{RASD_NS}}}ResourceType") or "").strip()
        if kind == "3":
            _, spec.cpu_count, cores = rasd_item(item)
            spec.cores_per_socket = cores if cores is not None else spec.cores_per_socket
        elif kind == "4":
            _, spec.memory_mb, _ = rasd_item(item)
        elif kind == "17":
            size_mb = stated_capacity_mb(item)
            if size_mb is not None:
                spec.disk_sizes_mb = (spec.disk_sizes_mb or {}) | {rasd_int(item, "InstanceID"): size_mb}


def apply_connections(section: Element | None, spec: MachineSpec) -> None:
    """The connections of a `NetworkConnectionSection`, if there is one; without a primary one, the first is it."""
    if section is not None:
        spec.nics, spec.primary_nic = nics(section)
        if spec.primary_nic is None and spec.nics:
            spec.primary_nic = spec.nics[0].index
