"""vApps as OVF packages.

Disks come empty: what guests have written stays in the simulator.
"""

from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.download import empty_disk, manifest_of
from vcd_simulator.model.transfer import DESCRIPTOR, MANIFEST
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents import guest_customization, hardware, vm_sections
from vcd_simulator.rest.documents.products import sections
from vcd_simulator.rest.xml import OVF_NS, RASD_NS, VCLOUD_NS, Element, ovf, qualified, vcloud

_DISK_FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"


def package_files(context: Context, entity: Vapp) -> dict[str, bytes]:
    """The descriptor of a vApp's package, its manifest, and its disks, by their names."""
    vms = context.cloud.vms_of(entity)
    disks = {_disk_id(vm, disk.instance_id): empty_disk(disk.capacity_mb) for vm in vms for disk in vm.hardware.disks}
    files = {f"{name}.vmdk": content for name, content in disks.items()}
    descriptor = xml.render(_envelope(context, entity, vms, {name: len(content) for name, content in files.items()}))
    listed = {DESCRIPTOR: descriptor, **files}
    return {DESCRIPTOR: descriptor, MANIFEST: manifest_of(listed), **files}


def _disk_id(vm: Vm, instance_id: int) -> str:
    return f"vm-{vm.id}-disk-{instance_id}"


def _envelope(context: Context, entity: Vapp, vms: list[Vm], sizes: dict[str, int]) -> Element:
    files = [ovf("File", qualified(OVF_NS, href=name, id=f"file-{name}", size=size)) for name, size in sizes.items()]
    disks = [_disk(vm, disk.instance_id, disk.capacity_mb) for vm in vms for disk in vm.hardware.disks]
    networks = [
        ovf("Network", qualified(OVF_NS, name=one.name), ovf("Description", one.description))
        for one in entity.networks.values()
    ]
    custom = vcloud("CustomizeOnInstantiate", True)
    return ovf(
        "Envelope",
        ovf("References", files),
        ovf("DiskSection", ovf("Info", "Virtual disk information"), disks),
        ovf("NetworkSection", ovf("Info", "The list of logical networks"), networks),
        vcloud("CustomizationSection", ovf("Info", "VApp template customization section"), custom, goldMaster=False),
        ovf(
            "VirtualSystemCollection",
            qualified(OVF_NS, id=entity.name),
            ovf("Info", "A collection of virtual machines"),
            ovf("Name", entity.name),
            sections(entity),
            [_system(context, vm) for vm in vms],
        ),
    )


def _disk(vm: Vm, instance_id: int, capacity_mb: int) -> Element:
    name = _disk_id(vm, instance_id)
    attributes = qualified(
        OVF_NS, capacity=capacity_mb, capacityAllocationUnits="byte * 2^20", diskId=name, fileRef=f"file-{name}.vmdk",
        format=_DISK_FORMAT,
    )  # fmt: skip
    return ovf("Disk", attributes)


def _system(context: Context, vm: Vm) -> Element:
    custom = guest_customization.guest_customization_section(context, vm, edits=False, shows_password=False)
    parts = [
        vm_sections.operating_system_section(context, vm),
        _hardware(context, vm),
        custom,
    ]
    return ovf(
        "VirtualSystem",
        qualified(OVF_NS, id=vm.name),
        ovf("Info", "A virtual machine"),
        ovf("Name", vm.name),
        ovf("AnnotationSection", ovf("Info", "A human-readable annotation"), ovf("Annotation", vm.description)),
        [_without_addresses(one) for one in parts],
        sections(vm),
    )


def _hardware(context: Context, vm: Vm) -> Element:
    """The hardware, its disks referring to those of the package."""
    section = hardware.virtual_hardware_section(context, vm, edits=False)
    for item in section.findall(f"{{{OVF_NS}}}Item"):
        resource = item.find(f"{{{RASD_NS}}}HostResource")
        if resource is not None and item.findtext(f"{{{RASD_NS}}}ResourceType") == "17":
            resource.attrib.clear()
            resource.text = f"ovf:/disk/{_disk_id(vm, int(item.findtext(f'{{{RASD_NS}}}InstanceID') or 0))}"
    return section


def _without_addresses(section: Element) -> Element:
    """A section without what it is to this cloud only."""
    for link in section.findall(f"{{{VCLOUD_NS}}}Link"):
        section.remove(link)
    for element in section.iter(f"{{{OVF_NS}}}*", f"{{{VCLOUD_NS}}}GuestCustomizationSection"):
        foreign = [f"{{{VCLOUD_NS}}}{name}" for name in ("href", "type")]
        plain = ["href", "type"] if element is section else []
        for name in (*foreign, *plain):
            if name in element.attrib:
                del element.attrib[name]
    return section
