"""References of the managed objects that every vCenter has, their names and places."""

import zlib
from collections.abc import Callable, Mapping

from vcd_simulator.vcenter.soap import Ref, Value

Properties = Mapping[str, Callable[[], Value]]
"""How to read each property of an object."""

SERVICE_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
SESSION_MANAGER = Ref("SessionManager", "SessionManager")
PROPERTY_COLLECTOR = Ref("PropertyCollector", "propertyCollector")
VIEW_MANAGER = Ref("ViewManager", "ViewManager")
TASK_MANAGER = Ref("TaskManager", "TaskManager")
SEARCH_INDEX = Ref("SearchIndex", "SearchIndex")
GUEST_OPERATIONS = Ref("GuestOperationsManager", "guestOperationsManager")
PROCESS_MANAGER = Ref("GuestProcessManager", "guestOperationsProcessManager")
FILE_MANAGER = Ref("GuestFileManager", "guestOperationsFileManager")
AUTH_MANAGER = Ref("GuestAuthManager", "guestOperationsAuthManager")
OPTIONS = Ref("OptionManager", "VpxSettings")
PERFORMANCE = Ref("PerformanceManager", "PerfMgr")
ALARM_MANAGER = Ref("AlarmManager", "AlarmManager")
EVENT_MANAGER = Ref("EventManager", "EventManager")
CUSTOM_FIELDS = Ref("CustomFieldsManager", "CustomFieldsManager")

ROOT_FOLDER = Ref("Folder", "group-d1")
DATACENTER = Ref("Datacenter", "datacenter-2")
VM_FOLDER = Ref("Folder", "group-v3")
HOST_FOLDER = Ref("Folder", "group-h4")
DATASTORE_FOLDER = Ref("Folder", "group-s5")
NETWORK_FOLDER = Ref("Folder", "group-n6")
CLUSTER = Ref("ClusterComputeResource", "domain-c7")
RESOURCE_POOL = Ref("ResourcePool", "resgroup-8")
HOST = Ref("HostSystem", "host-9")
DATASTORE = Ref("Datastore", "datastore-10")
HOST_STORAGE = Ref("HostStorageSystem", "storageSystem-9")

NAMES = {
    ROOT_FOLDER: "Datacenters",
    DATACENTER: "Datacenter",
    VM_FOLDER: "vm",
    HOST_FOLDER: "host",
    DATASTORE_FOLDER: "datastore",
    NETWORK_FOLDER: "network",
    CLUSTER: "Cluster",
    RESOURCE_POOL: "Resources",
    HOST: "esx-1",
    DATASTORE: "datastore1",
}
PARENTS = {
    DATACENTER: ROOT_FOLDER,
    VM_FOLDER: DATACENTER,
    HOST_FOLDER: DATACENTER,
    DATASTORE_FOLDER: DATACENTER,
    NETWORK_FOLDER: DATACENTER,
    CLUSTER: HOST_FOLDER,
    RESOURCE_POOL: CLUSTER,
    HOST: CLUSTER,
    DATASTORE: DATASTORE_FOLDER,
}

_ENTITY = ("ManagedEntity", "ExtensibleManagedObject")
_SUPERTYPES = {
    "VirtualMachine": _ENTITY,
    "Folder": _ENTITY,
    "Datacenter": _ENTITY,
    "ClusterComputeResource": ("ComputeResource", *_ENTITY),
    "HostSystem": _ENTITY,
    "ResourcePool": _ENTITY,
    "Datastore": _ENTITY,
    "Network": _ENTITY,
    "Task": ("ExtensibleManagedObject",),
    "ContainerView": ("ManagedObjectView", "View"),
    "ListView": ("ManagedObjectView", "View"),
    "EventHistoryCollector": ("HistoryCollector",),
    "TaskHistoryCollector": ("HistoryCollector",),
}


def is_kind(ref: Ref, kind: str) -> bool:
    """Whether an object is of a managed type or one derived from it."""
    return kind in (ref.type, "ManagedObject") or kind in _SUPERTYPES.get(ref.type, ())


def network_ref(network_id: str) -> Ref:
    """The Network that cards with this network id are connected to."""
    return Ref("Network", f"network-{zlib.crc32(network_id.encode())}")
