"""VMs to be made: from templates and other VMs (`SourcedItem`), or from nothing (`CreateItem`)."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Vm
from vcd_simulator.operations.blank import BlankSpec, blank_vm
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.settings import LATEST_HARDWARE_VERSION
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.parsing import optional_text, referenced_id
from vcd_simulator.rest.requests.vm_sections import apply_connections, apply_hardware, customization
from vcd_simulator.rest.vm_policies import read_vm_policies
from vcd_simulator.rest.xml import Element, attribute_flag, child, children, flag_of, int_of, text_of

_CHECKOUT = "vApp Template: Checkout"
_DELETE = "vApp: Delete"


def sourced_items(context: Context, root: Element) -> list[MachineSpec]:
    """Every `SourcedItem`; one whose source is a template or a vApp stands for all of its VMs.

    Raises:
        VcdError: 400, one is wrong.
    """
    return [spec for item in children(root, "SourcedItem") for spec in _sourced_item(context, item)]


def _sourced_item(context: Context, item: Element) -> list[MachineSpec]:
    specs = []
    delete_source = attribute_flag(item, "sourceDelete")
    for source in _sources(context, child(item, "Source"), deleted=delete_source):
        spec = MachineSpec(source=source, delete_source=delete_source)
        general = child(item, "VmGeneralParams")
        spec.name = text_of(general, "Name") or None
        spec.description = optional_text(general, "Description")
        spec.needs_customization = flag_of(general, "NeedsCustomization")
        parameters = child(item, "InstantiationParams")
        _apply_parameters(parameters, spec)
        profile = child(item, "StorageProfile")
        if profile is not None:
            spec.storage_profile = context.access.profile_by_id(referenced_id(profile, "StorageProfile"))
        spec.policies = read_vm_policies(context, item)
        specs.append(spec)
    return specs


def _apply_parameters(parameters: Element | None, spec: MachineSpec) -> None:
    apply_connections(child(parameters, "NetworkConnectionSection"), spec)
    custom = child(parameters, "GuestCustomizationSection")
    if custom is not None:
        spec.customization = customization(custom)
    hardware = child(parameters, "VirtualHardwareSection")
    if hardware is not None:
        apply_hardware(hardware, spec)


def _sources(context: Context, source: Element | None, *, deleted: bool) -> list[Vm]:
    href = source.get("href") if source is not None else None
    source_id = referenced_id(source, "Source")
    cloud, access = context.cloud, context.access
    segment = (href or "").rstrip("/").rpartition("/")[2]
    if segment.startswith("vappTemplate-"):
        access.require(_CHECKOUT)
        return cloud.vms_of(access.template_by_id(source_id))
    vm = cloud.vms.get(source_id)
    if vm is not None and vm.template_id is not None:
        access.require(_CHECKOUT)
        access.template_vm_by_id(source_id)
        return [vm]
    access.require("vApp: Copy")
    if segment.startswith("vapp-"):
        return cloud.vms_of(access.vapp_to_change(source_id, _DELETE) if deleted else access.vapp_by_id(source_id))
    return [access.vm_to_change(source_id, _DELETE)[1] if deleted else access.vm_by_id(source_id)[1]]


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
