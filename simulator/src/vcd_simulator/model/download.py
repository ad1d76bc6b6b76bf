"""Packages that clients may fetch, and the empty disks in them."""

import hashlib
import io
import struct
import tarfile
from dataclasses import dataclass

_SECTOR = 512
_GRAIN_SECTORS = 128
_TABLE_ENTRIES = 512
_SPARSE_STREAM = 0x30001
"""Line ends can be checked, grains are compressed, and there are markers."""


@dataclass(slots=True, kw_only=True)
class Download:
    """The files of a vApp's package, descriptor first. The id is in their addresses and cannot be guessed."""

    id: str
    vapp_id: str
    files: dict[str, bytes]

    def archive(self) -> bytes:
        """All of them in one file, as an OVA."""
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in self.files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
        return target.getvalue()


def manifest_of(files: dict[str, bytes]) -> bytes:
    """The digests of files, as an OVF manifest lists them."""
    lines = [f"SHA256({name})= {hashlib.sha256(content).hexdigest()}" for name, content in files.items()]
    return ("\n".join(lines) + "\n").encode()


def empty_disk(capacity_mb: int) -> bytes:
    """A stream-optimized VMDK of this capacity on which nothing has been written."""
    capacity = capacity_mb * 2**20 // _SECTOR
    tables = -(-capacity // (_GRAIN_SECTORS * _TABLE_ENTRIES))
    descriptor = _padded(
        '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="streamOptimized"\n\n'
        f'# Extent description\nRW {capacity} SPARSE "disk.vmdk"\n\n# The Disk Data Base\n'
        'ddb.adapterType = "lsilogic"\nddb.virtualHWVersion = "14"\n'.encode()
    )
    directory = _padded(bytes(4 * tables))
    directory_offset = 1 + len(descriptor) // _SECTOR
    overhead = -(-(directory_offset + len(directory) // _SECTOR) // _GRAIN_SECTORS) * _GRAIN_SECTORS
    header = struct.pack(
        "<4sIIQQQQIQQQB4sH",
        b"KDMV", 3, _SPARSE_STREAM, capacity, _GRAIN_SECTORS, 1, len(descriptor) // _SECTOR, _TABLE_ENTRIES, 0,
        directory_offset, overhead, 0, b"\n \r\n", 1,
    )  # fmt: skip
    end_of_stream = bytes(_SECTOR)
    return _padded(header) + descriptor + directory + end_of_stream


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _SECTOR)
