"""OVF packages for uploads."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

_NAMESPACES = (
    'xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
    'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" '
    'xmlns:vmw="http://www.vmware.com/schema/ovf"'
)


def _item(kind: int, instance: int, name: str, *content: str) -> str:
    head, tail = content[0], "".join(content[1:])
    return (
        f"<Item>{head}<rasd:ElementName>{name}</rasd:ElementName><rasd:InstanceID>{instance}</rasd:InstanceID>"
        f"<rasd:ResourceType>{kind}</rasd:ResourceType>{tail}</Item>"
    )


def envelope(
    *,
    files: Mapping[str, int] | None = None,
    machines: int = 1,
    cpus: int = 2,
    memory_mb: int = 2048,
    product: str = "Ubuntu Server",
    chunk_size: int | None = None,
) -> bytes:
    """A descriptor with one disk per machine, all of them in the first file."""
    files = {"disk1.vmdk": 3000} if files is None else files
    chunks = f' ovf:chunkSize="{chunk_size}"' if chunk_size else ""
    references = "".join(
        f'<File ovf:href={quoteattr(name)} ovf:id="file{number}" ovf:size="{size}"{chunks}/>'
        for number, (name, size) in enumerate(files.items(), 1)
    )
    quantity = "<rasd:VirtualQuantity>{}</rasd:VirtualQuantity>"
    hardware = (
        _item(3, 1, "cpus", "<rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>", quantity.format(cpus))
        + _item(4, 2, "memory", "<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>", quantity.format(memory_mb))
        + _item(10, 3, "nic", "<rasd:Connection>VM Network</rasd:Connection>")
        + _item(17, 4, "disk", "<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>")
    )
    systems = "".join(
        f'<VirtualSystem ovf:id="vm{number}"><Info>a machine</Info><Name>machine {number}</Name>'
        '<OperatingSystemSection ovf:id="101" vmw:osType="other3xLinux64Guest"><Info>os</Info>'
        f"<Description>Linux</Description></OperatingSystemSection><ProductSection><Info>p</Info>"
        f"<Product>{escape(product)}</Product></ProductSection>"
        f"<VirtualHardwareSection><Info>hardware</Info>{hardware}</VirtualHardwareSection></VirtualSystem>"
        for number in range(1, machines + 1)
    )
    text = (
        f"<Envelope {_NAMESPACES}><References>{references}</References>"
        '<DiskSection><Info>disks</Info><Disk ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^30" '
        'ovf:diskId="vmdisk1" ovf:fileRef="file1"/></DiskSection><NetworkSection><Info>networks</Info>'
        '<Network ovf:name="VM Network"><Description>The network</Description></Network></NetworkSection>'
        f"{systems}</Envelope>"
    )
    return text.encode()


def ova(path: Path, **changes: object) -> Path:
    """A package as one file; its disks are full of nothing."""
    files = changes.get("files", {"disk1.vmdk": 3000})
    assert isinstance(files, Mapping)
    with tarfile.open(path, "w") as archive:
        members = {f"{path.stem}.ovf": envelope(**changes)}  # type: ignore[arg-type]
        for name, size in files.items():
            members |= _parts(name, size, changes.get("chunk_size"))
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _parts(name: str, size: int, chunk_size: object) -> dict[str, bytes]:
    """A disk as one file, or cut up as descriptors with `chunkSize` want it."""
    if not isinstance(chunk_size, int):
        return {name: bytes(size)}
    starts = range(0, size, chunk_size)
    return {f"{name}.{number:09}": bytes(min(chunk_size, size - start)) for number, start in enumerate(starts)}
