"""Records of what a vCloud Director may have and this one has none of: one may ask, and finds nothing."""

from typing import NoReturn

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.table import Table
from vcd_simulator.query.types import RecordType


class Nothing:
    """No entity is one."""

    id: str
    kind: Kind


_NONE: Table[Nothing] = Table()


def _unread(_cloud: Cloud, _entity: Nothing) -> NoReturn:
    raise AssertionError("there is nothing to read")


def _never(_access: Access, _entity: Nothing) -> bool:
    return False


def _absent(name: str, tag: str, attributes: str, *, admin: bool = False) -> RecordType[Nothing]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda _cloud: _NONE,
        visible=_never,
        attributes=dict.fromkeys(attributes.split(), _unread),
        admin=admin,
        has_metadata=True,
    )


_MEDIA = (
    "name catalog catalogItem catalogName creationDate isBusy isInCatalog isIso isPublished isVdcEnabled org owner"
    " ownerName status storageB storageProfileName vdc vdcName"
)
_DISK = (
    "name attachedVmCount busSubType busType datastore datastoreName isAttached org owner ownerName sizeB sizeMb status"
    " storageProfile storageProfileName task vdc vdcName"
)
_GATEWAY = "name availableNetCount gatewayStatus haStatus isBusy numberOfExtNetworks numberOfOrgNetworks orgVdcName vdc"
_GROUP = "name identityProviderType isReadOnly roleName org"
_EVENT = "name entity entityName entityType eventId eventStatus eventType orgName serviceNamespace timeStamp userName"
_FILE = "name filePath fileResourceType"
_VM_DISK = "vm vmName disk diskName vdc"
_VAPP_NETWORK = "name gateway ipScopeId isBusy netmask org realNetworkName vApp vAppName"
_DEFINITION = "name namespace entryPoint apiVendor service serviceName"
_ADDRESS = "ipAddress linkedNetwork network org"

TYPES = (
    _absent("media", "MediaRecord", _MEDIA),
    _absent("disk", "DiskRecord", _DISK),
    _absent("edgeGateway", "EdgeGatewayRecord", _GATEWAY),
    _absent("event", "EventRecord", _EVENT),
    _absent("group", "GroupRecord", _GROUP),
    _absent("fileDescriptor", "FileDescriptorRecord", _FILE),
    _absent("vAppNetwork", "VAppNetworkRecord", _VAPP_NETWORK),
    _absent("apiDefinition", "ApiDefinitionRecord", _DEFINITION),
    _absent("vmDiskRelation", "VmDiskRelationRecord", _VM_DISK),
    _absent("vAppOrgVdcNetworkRelation", "VAppOrgVdcNetworkRelationRecord", "entity entityType name org orgVdcNetwork"),
    _absent("adminMedia", "AdminMediaRecord", _MEDIA, admin=True),
    _absent("adminDisk", "AdminDiskRecord", _DISK, admin=True),
    _absent("adminEvent", "AdminEventRecord", _EVENT, admin=True),
    _absent("adminGroup", "AdminGroupRecord", _GROUP, admin=True),
    _absent("adminFileDescriptor", "AdminFileDescriptorRecord", _FILE, admin=True),
    _absent("adminApiDefinition", "AdminApiDefinitionRecord", _DEFINITION, admin=True),
    _absent("adminVMDiskRelation", "VmDiskRelationRecord", _VM_DISK, admin=True),
    _absent("adminShadowVM", "AdminShadowVMRecord", "name primaryVM primaryVMOwner vdcName", admin=True),
    _absent("cell", "CellRecord", "name buildDate isActive isVMwareVc primaryIp version", admin=True),
    _absent(
        "providerVdcResourcePoolRelation",
        "ProviderVdcResourcePoolRelationRecord",
        "name isEnabled isPrimary providerVdc resourcePoolMoref vc",
        admin=True,
    ),
    _absent("orgVdcResourcePoolRelation", "OrgVdcResourcePoolRelationRecord", "resourcePoolMoref vc vdc", admin=True),
    _absent("adminVAppNetwork", "AdminVAppNetworkRecord", _VAPP_NETWORK, admin=True),
    _absent("blockingTask", "BlockingTaskRecord", "operationName originatingOrg status timeoutDate", admin=True),
    _absent("condition", "ConditionRecord", "name objectType severity summary", admin=True),
    _absent(
        "datastoreProviderVdcRelation", "DatastoreProviderVdcRelationRecord", "datastore name providerVdc", admin=True
    ),
    _absent("dvSwitch", "DvSwitchRecord", "name isVCEnabled vc vcName", admin=True),
    _absent("externalLocalization", "AdminExternalLocalizationRecord", "key locale serviceNamespace value", admin=True),
    _absent("fromCloudTunnel", "FromCloudTunnelRecord", "cloudTunnelName id", admin=True),
    _absent("toCloudTunnel", "ToCloudTunnelRecord", "cloudTunnelName id", admin=True),
    _absent("nsxTManager", "NsxTManagerRecord", "name url", admin=True),
    _absent("strandedItem", "StrandedItemRecord", "name deletionDate errorMessage parent", admin=True),
    _absent("strandedUser", "StrandedUserRecord", "name fullName isInSync org", admin=True),
    _absent("vmGroups", "VmGroupsRecord", "clusterMoref clusterName vcId vmGroupId vmGroupName", admin=True),
    _absent("vmGroupVms", "VmGroupVmsRecord", "vmGroupId vmId vmName", admin=True),
    _absent("adminAllocatedExternalAddress", "AdminAllocatedExternalAddressRecord", _ADDRESS, admin=True),
    _absent("allocatedExternalAddress", "AllocatedExternalAddressRecord", _ADDRESS, admin=True),
)
