"""Properties that the vSphere schema has and this vCenter has nothing for: they are unset, and no error."""

from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.soap import Ref

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
        capability config configManager datastore datastoreBrowser hardware licensableResource network runtime summary
        systemResources vm
    """,
    "ClusterComputeResource": f"""{_ENTITY}
        actionHistory configuration configurationEx datastore drsFault drsRecommendation environmentBrowser host
        migrationHistory network recommendation resourcePool summary
    """,
    "Datacenter": f"{_ENTITY} configuration datastore datastoreFolder hostFolder network networkFolder vmFolder",
    "Datastore": f"{_ENTITY} browser capability host info iormConfiguration summary vm",
    "Folder": f"{_ENTITY} childEntity childType namespace",
    "Network": f"{_ENTITY} host summary vm",
    "ResourcePool": f"{_ENTITY} childConfiguration config owner resourcePool runtime summary vm",
    "ServiceInstance": "capability content serverClock",
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
