"""Reading OVF descriptors: which files belong to a package, and which machines are in it."""

from vcd_simulator.errors import VcdError
from vcd_simulator.model.compute import GuestCustomization
from vcd_simulator.model.package import OvfFile, OvfMachine, OvfNic, OvfPackage
from vcd_simulator.model.transfer import DESCRIPTOR
from vcd_simulator.rest import xml
from vcd_simulator.rest.documents.products import read_product_sections
from vcd_simulator.rest.xml import OVF_NS, RASD_NS, VMW_NS, Element, child, children, flag_of, local_name, text_of

MAX_BYTES = 8 * 1024 * 1024
MAX_FILES = 256
MAX_MACHINES = 128
_UNITS = {"byte": 1, "kilobyte": 2**10, "megabyte": 2**20, "gigabyte": 2**30, "mb": 2**20, "gb": 2**30}
_PROCESSOR, _MEMORY, _NETWORK_CARD, _DISK = 3, 4, 10, 17


class OvfError(ValueError):
    """The descriptor is no OVF, or contradicts itself; the message says where."""


def parse_descriptor(body: bytes) -> OvfPackage:
    """Read a descriptor; entities and document type declarations in it are refused.

    Raises:
        OvfError: it cannot be used.
    """
    if len(body) > MAX_BYTES:
        raise OvfError(f"the descriptor is larger than {MAX_BYTES} bytes")
    try:
        root = xml.parse(body)
        if root.tag != f"{{{OVF_NS}}}Envelope":
            raise OvfError(f"the document is a {local_name(root)[:40]}, expected an OVF Envelope")
        files = _files(root)
        disks = _disks(root, {one.get(f"{{{OVF_NS}}}id", "") for one in children(child(root, "References"), "File")})
        machines = tuple(_machine(one, disks) for one in _systems(root))
        networks = {
            _attribute(one, "name"): text_of(one, "Description")
            for one in children(child(root, "NetworkSection"), "Network")
        }
        section = child(root, "CustomizationSection")
        customizes = flag_of(section, "CustomizeOnInstantiate", True)
    except VcdError as exc:
        raise OvfError(exc.message) from exc
    if not 1 <= len(machines) <= MAX_MACHINES:
        raise OvfError(f"the package has {len(machines)} virtual systems, expected 1 to {MAX_MACHINES}")
    collection = child(root, "VirtualSystemCollection")
    return OvfPackage(
        files=files,
        machines=machines,
        networks=networks,
        words=_words(root),
        customize_on_instantiate=customizes,
        gold_master=section is not None and section.get("goldMaster") == "true",
        products=tuple(read_product_sections(collection, [])) if collection is not None else (),
    )


def _attribute(element: Element, name: str) -> str:
    return element.get(f"{{{OVF_NS}}}{name}") or element.get(name) or ""


def _files(root: Element) -> tuple[OvfFile, ...]:
    found: dict[str, OvfFile] = {}
    for one in children(child(root, "References"), "File"):
        name, size = _attribute(one, "href"), _attribute(one, "size")
        if not name or name in (".", "..") or any(char in name for char in "/\\\0"):
            raise OvfError(f"the file name {name[:80]!r} is not one of a plain file")
        if name in found or name.lower() == DESCRIPTOR:
            raise OvfError(f"the file {name[:80]!r} is there twice")
        found[name] = OvfFile(name=name, size=_number(size, f"size of {name}") if size else None)
    if len(found) > MAX_FILES:
        raise OvfError(f"the package has {len(found)} files, at most {MAX_FILES} are possible")
    return tuple(found.values())


def _disks(root: Element, file_ids: set[str]) -> dict[str, int]:
    """Capacities in MB, by disk id."""
    found = {}
    for one in children(child(root, "DiskSection"), "Disk"):
        reference = _attribute(one, "fileRef")
        if reference and reference not in file_ids:
            raise OvfError(f"the disk {_attribute(one, 'diskId')[:80]!r} refers to the unknown file {reference[:80]!r}")
        units = _bytes_per_unit(_attribute(one, "capacityAllocationUnits") or "byte")
        capacity = _number(_attribute(one, "capacity") or "0", "capacity of a disk") * units
        found[_attribute(one, "diskId")] = max(1, -(-capacity // 2**20))
    return found


def _bytes_per_unit(text: str) -> int:
    """`byte * 2^20`, or one of the older names."""
    base, _, exponent = text.lower().replace(" ", "").partition("*2^")
    if base not in _UNITS or (exponent and not (exponent.isdecimal() and int(exponent) <= 60)):
        raise OvfError(f"the unit {text[:40]!r} is unknown")
    return _UNITS[base] << int(exponent or 0)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise OvfError(f"the {what} is not a whole number")
    return int(text)


def _systems(root: Element) -> list[Element]:
    """Virtual systems, also those in collections."""
    found = [*children(root, "VirtualSystem")]
    for collection in children(root, "VirtualSystemCollection"):
        found += _systems(collection)
    return found


def _machine(system: Element, disks: dict[str, int]) -> OvfMachine:
    hardware = child(system, "VirtualHardwareSection")
    name = text_of(system, "Name") or _attribute(system, "id")
    if not name:
        raise OvfError("a virtual system has neither a name nor an id")
    cpus, cores, memory_mb = 1, 1, 512
    sizes: list[int] = []
    nics: list[OvfNic] = []
    for item in children(hardware, "Item"):
        kind = _number(_rasd(item, "ResourceType") or "0", "rasd:ResourceType")
        if kind == _PROCESSOR:
            cpus = _number(_rasd(item, "VirtualQuantity"), "number of processors")
            cores = _number(text_of(item, "CoresPerSocket") or "1", "number of cores")
        elif kind == _MEMORY:
            units = _bytes_per_unit(_rasd(item, "AllocationUnits") or "byte * 2^20")
            memory_mb = _number(_rasd(item, "VirtualQuantity"), "memory") * units // 2**20
        elif kind == _DISK:
            sizes.append(_disk_size(_rasd(item, "HostResource"), disks))
        elif kind == _NETWORK_CARD:
            subtype = _rasd(item, "ResourceSubType") or "VMXNET3"
            nics.append(OvfNic(network=_rasd(item, "Connection") or "none", adapter_type=subtype.upper()))
    if cpus < 1 or cores < 1 or cpus % cores or memory_mb < 4:
        raise OvfError(f"the virtual system {name[:80]!r} has impossible processors or memory")
    return OvfMachine(
        name=name,
        description=text_of(system, "AnnotationSection/Annotation"),
        os_type=_os_type(system),
        cpu_count=cpus,
        cores_per_socket=cores,
        memory_mb=memory_mb,
        disks_mb=tuple(sizes),
        nics=tuple(nics),
        hardware_version=_hardware_version(hardware),
        customization=_customization(system),
        products=tuple(read_product_sections(system, [])),
    )


def _customization(system: Element) -> GuestCustomization | None:
    section = child(system, "GuestCustomizationSection")
    if section is None:
        return None
    script = child(section, "CustomizationScript")
    return GuestCustomization(
        enabled=flag_of(section, "Enabled", True),
        admin_password_enabled=flag_of(section, "AdminPasswordEnabled", True),
        admin_password_auto=flag_of(section, "AdminPasswordAuto", True),
        admin_password=text_of(section, "AdminPassword") or None,
        reset_password_required=flag_of(section, "ResetPasswordRequired"),
        script=(script.text or "") if script is not None else "",
    )


def _rasd(item: Element, name: str) -> str:
    return (item.findtext(f"{{{RASD_NS}}}{name}") or "").strip()


def _disk_size(resource: str, disks: dict[str, int]) -> int:
    disk_id = resource.rpartition("/")[2]
    if disk_id not in disks:
        raise OvfError(f"a hard disk refers to the unknown disk {disk_id[:80]!r}")
    return disks[disk_id]


def _os_type(system: Element) -> str:
    section = child(system, "OperatingSystemSection")
    if section is None:
        return "other3xLinux64Guest"
    return section.get(f"{{{VMW_NS}}}osType") or "other3xLinux64Guest"


def _hardware_version(hardware: Element | None) -> int:
    """The number in `vmx-11`."""
    digits = text_of(hardware, "System/VirtualSystemType").rpartition("-")[2]
    return int(digits) if digits.isdecimal() and len(digits) < 4 else 11


def _words(root: Element) -> str:
    telling = ("Product", "Vendor", "Description", "Annotation", "Name")
    texts = [one.text or "" for one in root.iter() if local_name(one) in telling]
    kinds = [_os_type(one) for one in _systems(root)]
    return " ".join([*texts, *kinds]).lower()
