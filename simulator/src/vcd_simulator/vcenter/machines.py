"""Virtual machines and their properties."""

import uuid
from datetime import UTC, datetime

from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import PowerState, ToolsState
from vcd_simulator.vcenter.devices import card_key, devices, mac_address
from vcd_simulator.vcenter.objects import DATASTORE, HOST, NAMES, RESOURCE_POOL, Properties, network_ref
from vcd_simulator.vcenter.soap import Array, Data, Enum, Long, Ref, Value

_GUEST_IDS = {
    "photon": ("vmwarePhoton64Guest", "VMware Photon OS (64-bit)"),
    "ubuntu": ("ubuntu64Guest", "Ubuntu Linux (64-bit)"),
    "blank": ("otherGuest64", "Other (64-bit)"),
}
_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")
_DISK_USED = 2 << 30
"""What a machine's disk is said to take, in bytes: vCenter measures that now and then only."""
_STATISTICS_S = 20
"""How often vCenter has new numbers about a machine."""


def vm_uuid(moid: str, kind: str = "bios") -> str:
    """A VM's BIOS UUID, or (`instance`) its instance UUID."""
    return str(uuid.uuid5(_UUIDS, f"{kind} {moid}"))


def vm_path(guest: Guest) -> str:
    """Where a VM's configuration file is, as vCenter writes it."""
    return f"[{NAMES[DATASTORE]}] {guest.spec.name}/{guest.spec.name}.vmx"


def _refs(*refs: Ref) -> Array:
    return Array("ManagedObjectReference", refs)


def vm_properties(guest: Guest) -> Properties:
    """How to read each property of a virtual machine but those about tasks."""
    return {
        "name": lambda: guest.spec.name,
        "config": lambda: _config(guest),
        "guest": lambda: _guest_info(guest),
        "runtime": lambda: _runtime(guest),
        "overallStatus": lambda: Enum("ManagedEntityStatus", "green"),
        "guestHeartbeatStatus": lambda: Enum("ManagedEntityStatus", "green" if _tools_run(guest) else "gray"),
        "datastore": lambda: _refs(DATASTORE),
        "network": lambda: _refs(*dict.fromkeys(network_ref(network) for network, _ in guest.cards)),
        "resourcePool": lambda: RESOURCE_POOL,
        "snapshot": lambda: None,
    }


def _tools_run(guest: Guest) -> bool:
    return guest.tools is ToolsState.RUNNING


def _guest_info(guest: Guest) -> Data:
    guest_id, full_name = _GUEST_IDS[guest.image.distribution.name]
    up = guest.is_up and guest.tools is not ToolsState.NOT_RUNNING
    addresses = [address for _network, address in guest.cards] if up else []
    cards = [
        Data(
            "GuestNicInfo",
            {
                "network": network,
                "ipAddress": address,
                "macAddress": mac_address(guest.moid, number),
                "connected": True,
                "deviceConfigId": card_key(number),
            },
        )
        for number, (network, address) in enumerate(guest.cards)
        if up
    ]
    return Data(
        "GuestInfo",
        {
            "toolsStatus": "toolsOk" if _tools_run(guest) else "toolsNotRunning",
            "toolsVersionStatus": "guestToolsUnmanaged",
            "toolsVersionStatus2": "guestToolsUnmanaged",
            "toolsRunningStatus": guest.tools.value,
            "toolsVersion": "10338",
            "guestId": guest_id if up else None,
            "guestFamily": "linuxGuest" if up else None,
            "guestFullName": full_name if up else None,
            "hostName": guest.hostname if up else None,
            "ipAddress": addresses[0] if addresses else None,
            "net": cards,
            "guestState": "running" if up else "notRunning",
            "guestOperationsReady": _tools_run(guest),
            "interactiveGuestOperationsReady": False,
            "guestStateChangeSupported": _tools_run(guest),
        },
    )


def _config(guest: Guest) -> Data:
    guest_id, full_name = _GUEST_IDS[guest.image.distribution.name]
    return Data(
        "VirtualMachineConfigInfo",
        {
            "changeVersion": guest.change_version,
            "modified": datetime.fromtimestamp(guest.booted_at or 0, UTC),
            "name": guest.spec.name,
            "guestFullName": full_name,
            "version": "vmx-11",
            "uuid": vm_uuid(guest.moid),
            "instanceUuid": vm_uuid(guest.moid, "instance"),
            "template": False,
            "guestId": guest_id,
            "alternateGuestName": full_name,
            "annotation": guest.hardware.annotation or None,
            "files": Data("VirtualMachineFileInfo", {"vmPathName": vm_path(guest)}),
            "hardware": Data(
                "VirtualHardware",
                {
                    "numCPU": guest.spec.cpu_count,
                    "numCoresPerSocket": guest.hardware.cores_per_socket,
                    "memoryMB": guest.spec.memory_mb,
                    "device": devices(guest),
                },
            ),
            "bootOptions": Data(
                "VirtualMachineBootOptions",
                {
                    "bootDelay": Long(0),
                    "enterBIOSSetup": False,
                    "efiSecureBootEnabled": False,
                    "bootRetryEnabled": False,
                    "bootRetryDelay": Long(10_000),
                },
            ),
            "cpuHotAddEnabled": guest.hardware.cpu_hot_add,
            "memoryHotAddEnabled": guest.hardware.memory_hot_add,
            "extraConfig": _settings(guest),
        },
    )


def _settings(guest: Guest) -> list[Data]:
    told = {f"guestinfo.{key}": value for key, value in {**guest.spec.guest_properties, **guest.information}.items()}
    settings = {**guest.hardware.settings, **told}
    return [Data("OptionValue", {"key": key, "value": value}) for key, value in sorted(settings.items())]


def _runtime(guest: Guest) -> Data:
    return Data(
        "VirtualMachineRuntimeInfo",
        {
            "host": HOST,
            "connectionState": "connected",
            "powerState": guest.power.value,
            "faultToleranceState": "notConfigured",
            "toolsInstallerMounted": False,
            "bootTime": datetime.fromtimestamp(guest.booted_at, UTC) if guest.booted_at else None,
            "numMksConnections": 0,
            "recordReplayState": "inactive",
            "onlineStandby": False,
            "consolidationNeeded": False,
        },
    )


def vm_summary(guest: Guest, ref: Ref, custom_values: Value) -> Data:
    """What lists of machines show."""
    info = _guest_info(guest).fields
    guest_id, full_name = _GUEST_IDS[guest.image.distribution.name]
    inside = (
        "guestId",
        "guestFullName",
        "toolsStatus",
        "toolsVersionStatus",
        "toolsVersionStatus2",
        "toolsRunningStatus",
        "hostName",
        "ipAddress",
    )
    return Data(
        "VirtualMachineSummary",
        {
            "vm": ref,
            "runtime": _runtime(guest),
            "guest": Data("VirtualMachineGuestSummary", {name: info[name] for name in inside}),
            "config": Data(
                "VirtualMachineConfigSummary",
                {
                    "name": guest.spec.name,
                    "template": False,
                    "vmPathName": vm_path(guest),
                    "memorySizeMB": guest.spec.memory_mb,
                    "numCpu": guest.spec.cpu_count,
                    "numEthernetCards": len(guest.cards),
                    "numVirtualDisks": 1,
                    "uuid": vm_uuid(guest.moid),
                    "instanceUuid": vm_uuid(guest.moid, "instance"),
                    "guestId": guest_id,
                    "guestFullName": full_name,
                    "annotation": guest.hardware.annotation or None,
                },
            ),
            "storage": Data(
                "VirtualMachineStorageSummary",
                {
                    "committed": Long(_DISK_USED),
                    "uncommitted": Long(0),
                    "unshared": Long(_DISK_USED),
                    "timestamp": datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
                },
            ),
            "quickStats": Data("VirtualMachineQuickStats", {"uptimeSeconds": _uptime(guest)}),
            "overallStatus": "green",
            "customValue": custom_values,
        },
    )


def _uptime(guest: Guest) -> int:
    if guest.power is not PowerState.ON or guest.booted_at is None:
        return 0
    seconds = int(datetime.now(UTC).timestamp() - guest.booted_at)
    return seconds - seconds % _STATISTICS_S
