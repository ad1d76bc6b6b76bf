"""Reading `CreateItem` elements: machines that are to be made from nothing."""

from vcd_simulator import errors
from vcd_simulator.operations.blank import BlankSpec, blank_vm
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.settings import LATEST_HARDWARE_VERSION
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.parsing import apply_connections, customization, optional_text, referenced_id
from vcd_simulator.rest.xml import Element, child, children, int_of, text_of


def created_items(context: Context, root: Element) -> list[MachineSpec]:
    """Every `CreateItem` of a document.

    Raises:
        VcdError: 400, one is wrong, or wants a medium to boot from.
    """
    return [_created_item(context, item) for item in children(root, "CreateItem")]


def _created_item(context: Context, item: Element) -> MachineSpec:
    name = item.get("name") or ""
    for tag in ("Media", "BootImage"):
        if child(item, tag) is not None:
            raise errors.not_allowed("Media are not available in this cloud.")
    section = child(item, "VmSpecSection")
    if section is None:
        raise errors.bad_request(
            f"Bad request: validation error, the VM {name[:80]} to be created has no VmSpecSection."
        )
    blank = BlankSpec(
        os_type=text_of(section, "OsType"),
        hardware_version=_hardware_version(text_of(section, "HardwareVersion")),
        disk_sizes_mb=[int_of(one, "SizeMb") for one in children(child(section, "DiskSection"), "DiskSettings")],
    )
    spec = MachineSpec(source=blank_vm(context.cloud, blank), name=name, description=optional_text(item, "Description"))
    spec.cpu_count = int_of(section, "NumCpus", 1)
    spec.cores_per_socket = int_of(section, "NumCoresPerSocket", 1)
    spec.memory_mb = int_of(section, "MemoryResourceMb/Configured", 512)
    custom = child(item, "GuestCustomizationSection")
    spec.customization = customization(custom) if custom is not None else None
    apply_connections(child(item, "NetworkConnectionSection"), spec)
    profile = child(item, "StorageProfile")
    if profile is not None:
        spec.storage_profile = context.access.profile_by_id(referenced_id(profile, "StorageProfile"))
    return spec


def _hardware_version(text: str) -> int:
    """The number in `vmx-14`; without one, the newest."""
    digits = text.rpartition("-")[2]
    if not text:
        return LATEST_HARDWARE_VERSION
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else 0
