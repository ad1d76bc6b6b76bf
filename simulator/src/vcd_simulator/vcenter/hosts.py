"""The host that all machines of a vCenter run on."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.objects import HOST, HOST_STORAGE, NAMES
from vcd_simulator.vcenter.soap import Data, Enum, Long

VERSION = "6.7.0"
_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")
_PACKAGES = 2
CORES, MHZ = 32, 2600
MEMORY_BYTES = 1 << 40


def host_uuid(vcenter: str) -> str:
    """The UUID of a vCenter's host."""
    return str(uuid.uuid5(_UUIDS, f"host {vcenter}"))


def host_runtime() -> Data:
    """It is there, and takes machines."""
    return Data(
        "HostRuntimeInfo",
        {"connectionState": "connected", "powerState": "poweredOn", "standbyMode": "none", "inMaintenanceMode": False},
    )


def host_hardware(vcenter: str) -> Data:
    """Processors and memory of a vCenter's host."""
    return Data(
        "HostHardwareInfo",
        {
            "systemInfo": Data(
                "HostSystemInfo",
                {
                    "vendor": "vcd-simulator",
                    "model": "Simulated Host",
                    "uuid": host_uuid(vcenter),
                },
            ),
            "cpuInfo": Data(
                "HostCpuInfo",
                {
                    "numCpuPackages": _PACKAGES,
                    "numCpuCores": CORES,
                    "numCpuThreads": CORES,
                    "hz": Long(MHZ * 1_000_000),
                },
            ),
            "memorySize": Long(MEMORY_BYTES),
            "biosInfo": Data(
                "HostBIOSInfo",
                {"biosVersion": VERSION, "releaseDate": datetime(2018, 4, 17, tzinfo=UTC), "vendor": "vcd-simulator"},
            ),
        },
    )


def host_config() -> Data:
    """How a host is set up: it has no network cards of its own here."""
    return Data(
        "HostConfigInfo",
        {
            "host": HOST,
            "product": _product(),
            "network": Data("HostNetworkInfo", {"vnic": [], "pnic": [], "atBootIpV6Enabled": False}),
        },
    )


def host_managers() -> Data:
    """Of a host's managers the one for its storage is there."""
    return Data("HostConfigManager", {"storageSystem": HOST_STORAGE})


def host_summary(vcenter: str, guests: Sequence[Guest]) -> Data:
    """What lists of hosts show; what runs uses all of its memory and nothing of its processors."""
    system = host_hardware(vcenter).fields["systemInfo"]
    identity = dict(system.fields) if isinstance(system, Data) else {}
    return Data(
        "HostListSummary",
        {
            "host": HOST,
            "hardware": Data(
                "HostHardwareSummary",
                {
                    **identity,
                    "memorySize": Long(MEMORY_BYTES),
                    "cpuModel": "Simulated CPU",
                    "cpuMhz": MHZ,
                    "numCpuPkgs": _PACKAGES,
                    "numCpuCores": CORES,
                    "numCpuThreads": CORES,
                    "numNics": 2,
                    "numHBAs": 1,
                },
            ),
            "runtime": host_runtime(),
            "config": Data(
                "HostConfigSummary",
                {
                    "name": NAMES[HOST],
                    "port": 902,
                    "product": _product(),
                    "vmotionEnabled": True,
                    "faultToleranceEnabled": False,
                },
            ),
            "quickStats": Data(
                "HostListSummaryQuickStats",
                {
                    "overallCpuUsage": 0,
                    "overallMemoryUsage": sum(one.spec.memory_mb for one in guests if one.is_up),
                    "uptime": 86400,
                },
            ),
            "overallStatus": Enum("ManagedEntityStatus", "green"),
            "rebootRequired": False,
        },
    )


def _product() -> Data:
    return Data(
        "AboutInfo",
        {
            "name": "VMware ESXi",
            "fullName": f"VMware ESXi {VERSION} build-0 (vcd-simulator)",
            "vendor": "VMware, Inc.",
            "version": VERSION,
            "build": "0",
            "osType": "vmnix-x86",
            "productLineId": "embeddedEsx",
            "apiType": "HostAgent",
            "apiVersion": "6.7",
        },
    )
