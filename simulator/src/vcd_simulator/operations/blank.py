"""Machines that are made from nothing: without an operating system, until somebody installs one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Disk, GuestCustomization, Hardware, Vm
from vcd_simulator.operations.settings import LATEST_HARDWARE_VERSION, MAX_DISK_MB, MAX_DISKS

IMAGE = "blank"
OLDEST_HARDWARE_VERSION = 4
_OS_TYPE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(kw_only=True)
class BlankSpec:
    """What a machine that is made from nothing consists of, as far as it cannot be changed while it is made."""

    os_type: str
    hardware_version: int = LATEST_HARDWARE_VERSION
    disk_sizes_mb: Sequence[int] = ()


def blank_vm(cloud: Cloud, spec: BlankSpec) -> Vm:
    """A machine to make others from. It is in no table, and nothing is on its disks.

    Raises:
        VcdError: 400, something about it is impossible.
    """
    if not _OS_TYPE.fullmatch(spec.os_type):
        raise errors.bad_request("Bad request: validation error, OsType is missing or no name of an operating system.")
    if not OLDEST_HARDWARE_VERSION <= spec.hardware_version <= LATEST_HARDWARE_VERSION:
        raise errors.bad_request(
            f"Bad request: validation error, HardwareVersion is not between vmx-{OLDEST_HARDWARE_VERSION:02d} and "
            f"vmx-{LATEST_HARDWARE_VERSION}."
        )
    if len(spec.disk_sizes_mb) > MAX_DISKS or any(not 1 <= size <= MAX_DISK_MB for size in spec.disk_sizes_mb):
        raise errors.bad_request(
            f"Bad request: validation error, a VM has at most {MAX_DISKS} disks of 1 to {MAX_DISK_MB} MB."
        )
    disks = [
        Disk(instance_id=2000 + number, name=f"Hard disk {number + 1}", capacity_mb=size, unit_number=number)
        for number, size in enumerate(spec.disk_sizes_mb)
    ]
    return Vm(
        id=cloud.new_id(),
        name="",
        moid="",
        vim_server_id="",
        image=IMAGE,
        hardware=Hardware(disks=disks),
        customization=GuestCustomization(enabled=False, admin_password_enabled=False, admin_password_auto=False),
        os_type=spec.os_type,
        hardware_version=spec.hardware_version,
    )
