"""The virtual hardware of machines: a disk on its controller, and the network cards."""

import uuid

from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.objects import DATASTORE, NAMES, network_ref
from vcd_simulator.vcenter.soap import Data, Long

_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")
_SCSI, _PCI, _FIRST_DISK, _FIRST_CARD = 1000, 100, 2000, 4000
_DISK_KB = 16 << 20


def mac_address(moid: str, card: int) -> str:
    """The address of a VM's network card, in VMware's range."""
    digits = uuid.uuid5(_UUIDS, f"mac {moid} {card}").hex
    return f"00:50:56:{int(digits[:2], 16) & 0x3F:02x}:{digits[2:4]}:{digits[4:6]}"


def card_key(card: int) -> int:
    """The key of a VM's network card among its devices."""
    return _FIRST_CARD + card


def disk_path(guest: Guest) -> str:
    """Where a VM's disk is, as vCenter writes it."""
    return f"[{NAMES[DATASTORE]}] {guest.spec.name}/{guest.spec.name}.vmdk"


def devices(guest: Guest) -> list[Data]:
    """All devices that clients look for."""
    controller = Data(
        "ParaVirtualSCSIController",
        {
            "key": _SCSI,
            "deviceInfo": _description("SCSI controller 0", "VMware paravirtual SCSI"),
            "controllerKey": _PCI,
            "busNumber": 0,
            "device": [_FIRST_DISK],
            "hotAddRemove": True,
            "sharedBus": "noSharing",
        },
    )
    disk = Data(
        "VirtualDisk",
        {
            "key": _FIRST_DISK,
            "deviceInfo": _description("Hard disk 1", f"{_DISK_KB:,} KB"),
            "backing": Data(
                "VirtualDiskFlatVer2BackingInfo",
                {
                    "fileName": disk_path(guest),
                    "datastore": DATASTORE,
                    "diskMode": "persistent",
                    "thinProvisioned": True,
                },
            ),
            "controllerKey": _SCSI,
            "unitNumber": 0,
            "capacityInKB": Long(_DISK_KB),
            "capacityInBytes": Long(_DISK_KB * 1024),
        },
    )
    return [controller, disk, *(_card(guest, number, network) for number, (network, _) in enumerate(guest.cards))]


def _card(guest: Guest, number: int, network: str) -> Data:
    return Data(
        "VirtualVmxnet3",
        {
            "key": card_key(number),
            "deviceInfo": _description(f"Network adapter {number + 1}", network),
            "backing": Data(
                "VirtualEthernetCardNetworkBackingInfo",
                {"deviceName": network, "useAutoDetect": False, "network": network_ref(network)},
            ),
            "connectable": Data(
                "VirtualDeviceConnectInfo",
                {
                    "startConnected": True,
                    "allowGuestControl": True,
                    "connected": guest.is_up,
                    "status": "ok" if guest.is_up else "untried",
                },
            ),
            "controllerKey": _PCI,
            "unitNumber": 7 + number,
            "addressType": "manual",
            "macAddress": mac_address(guest.moid, number),
            "wakeOnLanEnabled": True,
        },
    )


def _description(label: str, summary: str) -> Data:
    return Data("Description", {"label": label, "summary": summary})
