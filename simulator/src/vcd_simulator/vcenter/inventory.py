"""The managed objects of a vCenter and their properties."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from vcd_simulator.guests.errors import UnknownGuestError
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import PowerState, ToolsState
from vcd_simulator.vcenter.soap import Array, Data, Enum, Ref, SoapFaultError, Value

SERVICE_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
ROOT_FOLDER = Ref("Folder", "group-d1")
DATACENTER = Ref("Datacenter", "datacenter-2")
VM_FOLDER = Ref("Folder", "group-v3")
HOST_FOLDER = Ref("Folder", "group-h4")
SESSION_MANAGER = Ref("SessionManager", "SessionManager")
PROPERTY_COLLECTOR = Ref("PropertyCollector", "propertyCollector")
VIEW_MANAGER = Ref("ViewManager", "ViewManager")
SEARCH_INDEX = Ref("SearchIndex", "SearchIndex")
GUEST_OPERATIONS = Ref("GuestOperationsManager", "guestOperationsManager")
PROCESS_MANAGER = Ref("GuestProcessManager", "guestOperationsProcessManager")
FILE_MANAGER = Ref("GuestFileManager", "guestOperationsFileManager")
AUTH_MANAGER = Ref("GuestAuthManager", "guestOperationsAuthManager")

VERSION = "6.7.0"
API_VERSION = "6.7"
_NAMES = {ROOT_FOLDER: "Datacenters", DATACENTER: "Datacenter", VM_FOLDER: "vm", HOST_FOLDER: "host"}
_GUEST_IDS = {
    "photon": ("vmwarePhoton64Guest", "VMware Photon OS (64-bit)"),
    "ubuntu": ("ubuntu64Guest", "Ubuntu Linux (64-bit)"),
}
_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")

Properties = Mapping[str, Callable[[], Value]]


class Inventory:
    """Objects of one vCenter. What belongs to one session (views) is kept elsewhere."""

    def __init__(self, hypervisor: Hypervisor, name: str) -> None:
        self.hypervisor = hypervisor
        self.name = name
        self.instance_uuid = str(uuid.uuid5(_UUIDS, f"vcenter {name}"))

    def guest(self, ref: Ref) -> Guest:
        """The guest of a VirtualMachine. Raises SoapFaultError (ManagedObjectNotFound)."""
        try:
            guest = self.hypervisor.guest(ref.id)
        except UnknownGuestError:
            raise _not_found(ref) from None
        if ref.type != "VirtualMachine" or guest.vcenter != self.name:
            raise _not_found(ref)
        return guest

    def guests(self) -> list[Guest]:
        """All guests of this vCenter."""
        return self.hypervisor.guests_of(self.name)

    def children(self, container: Ref, *, recursive: bool) -> list[Ref]:
        """Managed entities inside a container."""
        below = {
            ROOT_FOLDER: [DATACENTER],
            DATACENTER: [VM_FOLDER, HOST_FOLDER],
            VM_FOLDER: [Ref("VirtualMachine", guest.moid) for guest in self.guests()]
            if container == VM_FOLDER or recursive
            else [],
        }
        found = []
        for child in below.get(container, []):
            found.append(child)
            if recursive:
                found += self.children(child, recursive=True)
        return found

    def properties(self, ref: Ref) -> Properties:
        """How to read each property of an object. Raises SoapFaultError (ManagedObjectNotFound)."""
        if ref.type == "VirtualMachine":
            return _vm_properties(self.guest(ref), ref)
        fixed: dict[Ref, Properties] = {
            SERVICE_INSTANCE: {"content": self.content, "serverClock": _now, "capability": lambda: None},
            SESSION_MANAGER: {"defaultLocale": lambda: "en", "maxConcurrentSessions": lambda: 2000},
            PROPERTY_COLLECTOR: {"filter": lambda: Array("ManagedObjectReference", [])},
            VIEW_MANAGER: {"viewList": lambda: Array("ManagedObjectReference", [])},
            SEARCH_INDEX: {},
            GUEST_OPERATIONS: {
                "authManager": lambda: AUTH_MANAGER,
                "fileManager": lambda: FILE_MANAGER,
                "processManager": lambda: PROCESS_MANAGER,
            },
            AUTH_MANAGER: {},
            FILE_MANAGER: {},
            PROCESS_MANAGER: {},
            ROOT_FOLDER: self._folder(ROOT_FOLDER, None, ["Folder", "Datacenter"]),
            DATACENTER: {
                **self._entity(DATACENTER, ROOT_FOLDER),
                "vmFolder": lambda: VM_FOLDER,
                "hostFolder": lambda: HOST_FOLDER,
            },
            VM_FOLDER: self._folder(VM_FOLDER, DATACENTER, ["Folder", "VirtualMachine", "VirtualApp"]),
            HOST_FOLDER: self._folder(HOST_FOLDER, DATACENTER, ["Folder", "ComputeResource"]),
        }
        try:
            return fixed[ref]
        except KeyError:
            raise _not_found(ref) from None

    def content(self) -> Data:
        """The ServiceContent: where everything else is found."""
        about = Data(
            "AboutInfo",
            {
                "name": "VMware vCenter Server",
                "fullName": f"VMware vCenter Server {VERSION} build-0 (vcd-simulator)",
                "vendor": "VMware, Inc.",
                "version": VERSION,
                "build": "0",
                "localeVersion": "INTL",
                "localeBuild": "000",
                "osType": "linux-x64",
                "productLineId": "vpx",
                "apiType": "VirtualCenter",
                "apiVersion": API_VERSION,
                "instanceUuid": self.instance_uuid,
            },
        )
        return Data(
            "ServiceContent",
            {
                "rootFolder": ROOT_FOLDER,
                "propertyCollector": PROPERTY_COLLECTOR,
                "viewManager": VIEW_MANAGER,
                "about": about,
                "sessionManager": SESSION_MANAGER,
                "searchIndex": SEARCH_INDEX,
                "guestOperationsManager": GUEST_OPERATIONS,
            },
        )

    def _entity(self, ref: Ref, parent: Ref | None) -> Properties:
        return {
            "name": lambda: _NAMES[ref],
            "parent": lambda: parent,
            "overallStatus": lambda: Enum("ManagedEntityStatus", "green"),
        }

    def _folder(self, ref: Ref, parent: Ref | None, kinds: list[str]) -> Properties:
        return {
            **self._entity(ref, parent),
            "childType": lambda: Array("String", kinds),
            "childEntity": lambda: Array("ManagedObjectReference", self.children(ref, recursive=False)),
        }


def vm_uuid(moid: str, kind: str = "bios") -> str:
    """A VM's BIOS UUID, or (`instance`) its instance UUID."""
    return str(uuid.uuid5(_UUIDS, f"{kind} {moid}"))


def mac_address(moid: str, card: int) -> str:
    """The address of a VM's network card, in VMware's range."""
    digits = uuid.uuid5(_UUIDS, f"mac {moid} {card}").hex
    return f"00:50:56:{int(digits[:2], 16) & 0x3F:02x}:{digits[2:4]}:{digits[4:6]}"


def _now() -> Value:
    return datetime.now(UTC)


def _not_found(ref: Ref) -> SoapFaultError:
    return SoapFaultError(
        "ManagedObjectNotFound",
        f"The object '{ref.type}:{ref.id}' has already been deleted or has not been completely created",
        obj=ref,
    )


def _vm_properties(guest: Guest, ref: Ref) -> Properties:
    return {
        "name": lambda: guest.spec.name,
        "parent": lambda: VM_FOLDER,
        "config": lambda: _config(guest),
        "guest": lambda: _guest_info(guest),
        "runtime": lambda: _runtime(guest),
        "summary": lambda: _summary(guest, ref),
        "overallStatus": lambda: Enum("ManagedEntityStatus", "green"),
        "guestHeartbeatStatus": lambda: Enum("ManagedEntityStatus", "green" if _tools_run(guest) else "gray"),
        "recentTask": lambda: Array("ManagedObjectReference", []),
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
                "deviceConfigId": 4000 + number,
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
    path = f"[datastore1] {guest.spec.name}/{guest.spec.name}.vmx"
    return Data(
        "VirtualMachineConfigInfo",
        {
            "changeVersion": str(guest.boots),
            "modified": datetime.now(UTC),
            "name": guest.spec.name,
            "guestFullName": full_name,
            "version": "vmx-11",
            "uuid": vm_uuid(guest.moid),
            "instanceUuid": vm_uuid(guest.moid, "instance"),
            "template": False,
            "guestId": guest_id,
            "alternateGuestName": full_name,
            "files": Data("VirtualMachineFileInfo", {"vmPathName": path}),
            "hardware": Data("VirtualHardware", {"numCPU": guest.spec.cpu_count, "memoryMB": guest.spec.memory_mb}),
        },
    )


def _runtime(guest: Guest) -> Data:
    return Data(
        "VirtualMachineRuntimeInfo",
        {
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


def _summary(guest: Guest, ref: Ref) -> Data:
    info = _guest_info(guest).fields
    config = _config(guest).fields
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
                    "vmPathName": f"[datastore1] {guest.spec.name}/{guest.spec.name}.vmx",
                    "memorySizeMB": guest.spec.memory_mb,
                    "numCpu": guest.spec.cpu_count,
                    "numEthernetCards": len(guest.cards),
                    "numVirtualDisks": 1,
                    "uuid": config["uuid"],
                    "instanceUuid": config["instanceUuid"],
                    "guestId": config["guestId"],
                    "guestFullName": config["guestFullName"],
                },
            ),
            "quickStats": Data("VirtualMachineQuickStats", {"uptimeSeconds": _uptime(guest)}),
            "overallStatus": "green",
        },
    )


def _uptime(guest: Guest) -> int:
    if guest.power is not PowerState.ON or guest.booted_at is None:
        return 0
    return int(datetime.now(UTC).timestamp() - guest.booted_at)
