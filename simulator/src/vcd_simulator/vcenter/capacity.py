"""What the machines of a vCenter are made of: the cluster, its resource pool and the datastore."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.hosts import CORES, MEMORY_BYTES, MHZ
from vcd_simulator.vcenter.objects import DATASTORE, HOST, NAMES, RESOURCE_POOL, Properties
from vcd_simulator.vcenter.soap import Array, Data, Enum, Long, Value

_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")
_DATASTORE_BYTES = 16 << 40
_LARGEST_FILE = 62 << 40
_URL = "ds:///vmfs/volumes/datastore1/"
_TOTAL_MHZ = CORES * MHZ
_SINCE = datetime(2018, 4, 17, tzinfo=UTC)


def cluster_summary() -> Value:
    """What the cluster's hosts have together."""
    return Data(
        "ClusterComputeResourceSummary",
        {
            "totalCpu": _TOTAL_MHZ,
            "totalMemory": Long(MEMORY_BYTES),
            "numCpuCores": CORES,
            "numCpuThreads": CORES,
            "effectiveCpu": _TOTAL_MHZ,
            "effectiveMemory": Long(MEMORY_BYTES >> 20),
            "numHosts": 1,
            "numEffectiveHosts": 1,
            "overallStatus": _green(),
            "currentFailoverLevel": 0,
            "numVmotions": 0,
        },
    )


def cluster_configuration() -> Value:
    """Of one host no other can take over: machines are placed automatically, and nothing more."""
    return Data(
        "ClusterConfigInfoEx",
        {
            "dasConfig": Data(
                "ClusterDasConfigInfo",
                {
                    "enabled": False,
                    "vmMonitoring": "vmMonitoringDisabled",
                    "hostMonitoring": "disabled",
                    "failoverLevel": 0,
                    "admissionControlEnabled": False,
                },
            ),
            "drsConfig": Data(
                "ClusterDrsConfigInfo",
                {
                    "enabled": True,
                    "enableVmBehaviorOverrides": True,
                    "defaultVmBehavior": "fullyAutomated",
                    "vmotionRate": 3,
                },
            ),
            "vsanConfigInfo": Data(
                "VsanClusterConfigInfo",
                {
                    "enabled": False,
                    "defaultConfig": Data("VsanClusterConfigInfoHostDefaultInfo", {"autoClaimStorage": False}),
                },
            ),
        },
    )


def cluster_usage(guests: Sequence[Guest]) -> Value:
    """What the machines of a cluster take of it."""
    return Data(
        "ClusterResourceUsageSummary",
        {
            "cpuUsedMHz": 0,
            "cpuCapacityMHz": _TOTAL_MHZ,
            "memUsedMB": _used_mb(guests),
            "memCapacityMB": MEMORY_BYTES >> 20,
            "storageUsedMB": Long(_DATASTORE_BYTES >> 21),
            "storageCapacityMB": Long(_DATASTORE_BYTES >> 20),
        },
    )


def pool_properties(guests: Callable[[], Sequence[Guest]]) -> Properties:
    """What the resource pool of the cluster shows of its resources: they are all its machines'."""
    return {
        "config": pool_configuration,
        "runtime": lambda: _pool_runtime(guests()),
        "summary": lambda: Data(
            "ResourcePoolSummary",
            {"name": NAMES[RESOURCE_POOL], "config": pool_configuration(), "runtime": _pool_runtime(guests())},
        ),
    }


def pool_configuration() -> Data:
    """The resource pool has everything, and no limit."""
    return Data(
        "ResourceConfigSpec",
        {
            "entity": RESOURCE_POOL,
            "cpuAllocation": _allocation(_TOTAL_MHZ, shares=4000),
            "memoryAllocation": _allocation(MEMORY_BYTES >> 20, shares=163_840),
        },
    )


def _allocation(reservation: int, *, shares: int) -> Data:
    return Data(
        "ResourceAllocationInfo",
        {
            "reservation": Long(reservation),
            "expandableReservation": False,
            "limit": Long(-1),
            "shares": Data("SharesInfo", {"shares": shares, "level": "normal"}),
        },
    )


def _pool_runtime(guests: Sequence[Guest]) -> Data:
    return Data(
        "ResourcePoolRuntimeInfo",
        {
            "memory": _usage(MEMORY_BYTES, _used_mb(guests) << 20),
            "cpu": _usage(_TOTAL_MHZ, 0),
            "overallStatus": _green(),
        },
    )


def _usage(most: int, used: int) -> Data:
    return Data(
        "ResourcePoolResourceUsage",
        {
            "reservationUsed": Long(0),
            "reservationUsedForVm": Long(0),
            "unreservedForPool": Long(most),
            "unreservedForVm": Long(most),
            "overallUsage": Long(used),
            "maxUsage": Long(most),
        },
    )


def datastore_summary() -> Data:
    """The datastore as lists show it."""
    return Data(
        "DatastoreSummary",
        {
            "datastore": DATASTORE,
            "name": NAMES[DATASTORE],
            "url": _URL,
            "capacity": Long(_DATASTORE_BYTES),
            "freeSpace": Long(_DATASTORE_BYTES // 2),
            "accessible": True,
            "multipleHostAccess": True,
            "type": "VMFS",
            "maintenanceMode": "normal",
        },
    )


def datastore_info(vcenter: str) -> Data:
    """What is known about the datastore of a vCenter."""
    return Data(
        "VmfsDatastoreInfo",
        {
            "name": NAMES[DATASTORE],
            "url": _URL,
            "freeSpace": Long(_DATASTORE_BYTES // 2),
            "maxFileSize": Long(_LARGEST_FILE),
            "timestamp": _SINCE,
            "vmfs": _volume(vcenter),
        },
    )


def datastore_hosts() -> Array:
    """The host can write to the datastore."""
    mounted = Data("HostMountInfo", {"accessMode": "readWrite", "mounted": True, "accessible": True})
    return Array("DatastoreHostMount", [Data("DatastoreHostMount", {"key": HOST, "mountInfo": mounted})])


def mounted_volumes(vcenter: str) -> Data:
    """The file systems of a vCenter's host."""
    mounted = Data("HostMountInfo", {"path": "/vmfs/volumes/datastore1", "accessMode": "readWrite", "accessible": True})
    volume = Data("HostFileSystemMountInfo", {"mountInfo": mounted, "volume": _volume(vcenter)})
    return Data("HostFileSystemVolumeInfo", {"volumeTypeList": ["VMFS"], "mountInfo": [volume]})


def _volume(vcenter: str) -> Data:
    name = NAMES[DATASTORE]
    return Data(
        "HostVmfsVolume",
        {
            "type": "VMFS",
            "name": name,
            "capacity": Long(_DATASTORE_BYTES),
            "blockSizeMb": 1,
            "blockSize": 1024,
            "maxBlocks": 63_963_136,
            "majorVersion": 6,
            "version": "6.82",
            "uuid": str(uuid.uuid5(_UUIDS, f"datastore {vcenter}")),
            "extent": Data("HostScsiDiskPartition", {"diskName": "mpx.vmhba0:C0:T0:L0", "partition": 1}),
            "vmfsUpgradable": False,
        },
    )


def _used_mb(guests: Sequence[Guest]) -> int:
    return sum(one.spec.memory_mb for one in guests if one.is_up)


def _green() -> Enum:
    return Enum("ManagedEntityStatus", "green")
