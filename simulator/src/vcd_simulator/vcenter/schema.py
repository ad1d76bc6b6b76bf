"""What the vSphere schema says that values do not: properties that are unset here, and what arrays consist of."""

import re
from collections.abc import Iterator

from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.soap import Array, Ref, Value

_STEP = re.compile(r"""(\w+)(?:\[(?:"([^"]*)"|([^\]"]*))\])?(\.|$)""")
_ELEMENTS = {
    ("VirtualHardware", "device"): "VirtualDevice",
    ("VirtualMachineConfigInfo", "extraConfig"): "OptionValue",
    ("GuestInfo", "net"): "GuestNicInfo",
    ("GuestNicInfo", "ipAddress"): "String",
    ("VirtualMachineSummary", "customValue"): "CustomFieldValue",
    ("ParaVirtualSCSIController", "device"): "Int",
    ("HostFileSystemVolumeInfo", "volumeTypeList"): "String",
    ("HostFileSystemVolumeInfo", "mountInfo"): "HostFileSystemMountInfo",
    ("HostNetworkInfo", "vnic"): "HostVirtualNic",
    ("HostNetworkInfo", "pnic"): "PhysicalNic",
    ("EventDescription", "category"): "ElementDescription",
    ("EventDescription", "eventInfo"): "EventDescriptionEventDetail",
    ("PerformanceDescription", "counterType"): "ElementDescription",
    ("PerformanceDescription", "statsType"): "ElementDescription",
}
"""By the type of a data object and its property: what the property holds many of."""
_ENTITY = """
    alarmActionsEnabled availableField configIssue configStatus customValue declaredAlarmState disabledMethod
    effectiveRole overallStatus parent permission recentTask tag triggeredAlarmState value
"""
_NAMES = {
    "VirtualMachine": f"""{_ENTITY}
        capability config datastore environmentBrowser guest guestHeartbeatStatus layout layoutEx network parentVApp
        resourceConfig resourcePool rootSnapshot runtime snapshot storage summary
    """,
    "HostSystem": f"""{_ENTITY}
        answerFileValidationResult answerFileValidationState capability complianceCheckResult complianceCheckState
        config configManager datastore datastoreBrowser hardware licensableResource network precheckRemediationResult
        remediationResult remediationState runtime summary systemResources vm
    """,
    "ClusterComputeResource": f"""{_ENTITY}
        actionHistory configuration configurationEx datastore drsFault drsRecommendation environmentBrowser host
        hciConfig lifecycleManaged migrationHistory network recommendation resourcePool summary summaryEx
    """,
    "Datacenter": f"{_ENTITY} configuration datastore datastoreFolder hostFolder network networkFolder vmFolder",
    "Datastore": f"{_ENTITY} browser capability host info iormConfiguration summary vm",
    "Folder": f"{_ENTITY} childEntity childType namespace",
    "Network": f"{_ENTITY} host summary vm",
    "ResourcePool": f"{_ENTITY} childConfiguration config namespace owner resourcePool runtime summary vm",
    "ServiceInstance": "capability content serverClock",
    "SessionManager": "currentSession defaultLocale maxConcurrentSessions message sessionList",
    "TaskManager": "description maxCollector recentTask",
    "AlarmManager": "defaultExpression description lastTriggerId",
    "OptionManager": "setting supportedOption",
    "GuestOperationsManager": "aliasManager authManager fileManager guestWindowsRegistryManager processManager",
}
_UNSET: dict[str, Properties] = {kind: dict.fromkeys(names.split(), lambda: None) for kind, names in _NAMES.items()}
_FIELDS = {
    "GuestInfo": """
        appHeartbeatStatus appState customizationInfo disk generationInfo guestDetailedData guestKernelCrashed hwVersion
        ipStack screen toolsInstallType
    """,
    "VirtualMachineConfigInfo": """
        annotation bootOptions changeTrackingEnabled consolePreferences contentLibItemInfo cpuAffinity cpuAllocation
        cpuFeatureMask cpuHotAddEnabled cpuHotRemoveEnabled createDate datastoreUrl defaultPowerOps firmware flags
        forkConfigInfo ftInfo guestAutoLockEnabled guestIntegrityInfo guestMonitoringModeInfo hotPlugMemoryIncrementSize
        hotPlugMemoryLimit initialOverhead instanceUuid keyId latencySensitivity locationId managedBy maxMksConnections
        memoryAffinity memoryAllocation memoryHotAddEnabled memoryReservationLockedToMax messageBusTunnelEnabled
        migrateEncryption nestedHVEnabled networkShaper npivDesiredNodeWwns npivNodeWorldWideName
        npivPortWorldWideName repConfig rebootPowerOff scheduledHardwareUpgradeInfo sgxInfo swapPlacement
        swapStorageObjectId tools vAppConfig vAssertsEnabled vFlashCacheReservation vPMCEnabled vmStorageObjectId
    """,
    "VirtualHardware": "motherboardLayout simultaneousThreads virtualICH7MPresent virtualSMCPresent",
    "VirtualMachineRuntimeInfo": """
        cleanPowerOff cryptoState dasVmProtection device featureMask featureRequirement iommuEnabled
        instantCloneFrozen maxCpuUsage maxMemoryUsage memoryOverhead minRequiredEVCModeKey needSecondaryReason
        offlineFeatureRequirement paused question quiescedForkParent snapshotInBackground suspendInterval suspendTime
        vFlashCacheAllocation
    """,
    "VirtualMachineSummary": "customValue",
    "VirtualMachineConfigSummary": """
        annotation cpuReservation ftInfo installBootRequired managedBy memoryReservation product tpmPresent
    """,
    "VirtualMachineGuestSummary": "guestDetailedData hwVersion",
    "VirtualMachineQuickStats": """
        balloonedMemory compressedMemory consumedOverheadMemory distributedCpuEntitlement distributedMemoryEntitlement
        ftLatencyStatus ftLogBandwidth ftSecondaryLatency grantedMemory guestHeartbeatStatus guestMemoryUsage
        hostMemoryUsage overallCpuDemand overallCpuReadiness overallCpuUsage privateMemory sharedMemory
        ssdSwappedMemory staticCpuEntitlement staticMemoryEntitlement swappedMemory
    """,
}
"""What data objects may have besides what they are given here."""
_UNSET_FIELDS = {kind: frozenset(names.split()) for kind, names in _FIELDS.items()}


def unset_properties(ref: Ref) -> Properties:
    """All that an object of this type may have, without any value."""
    return _UNSET.get(ref.type, {})


def is_unset(kind: str, name: str) -> bool:
    """Whether data objects of a type may have a property that they are never given here."""
    return name in _UNSET_FIELDS.get(kind, ())


def as_array(kind: str, name: str, value: Value) -> Value:
    """A property's value by itself: where there may be many, an array that says of what."""
    element = _ELEMENTS.get((kind, name))
    return Array(element, value) if element is not None and isinstance(value, list | tuple) else value


def path_steps(path: str) -> Iterator[tuple[str, str | None]]:
    """The names that a property path consists of, each with the key of an element; nothing if it is no such path.

    For example `config.hardware.device[4000].macAddress`, or `config.extraConfig["guestinfo.x"].value`.
    """
    at = 0
    steps: list[tuple[str, str | None]] = []
    while at < len(path) or not steps:
        step = _STEP.match(path, at)
        if step is None or (step[4] == "." and step.end() == len(path)):
            return
        steps.append((step[1], step[2] if step[2] is not None else step[3]))
        at = step.end()
    yield from steps
