"""Records of organisations, their people, VDCs, networks and tasks."""

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.kinds import ORG, PROVIDER_VDC, USER, VDC
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import Org, Right, Role, User
from vcd_simulator.query.columns import Attribute
from vcd_simulator.query.types import RecordType
from vcd_simulator.query.values import Pointer

_ORG: dict[str, Attribute[Org]] = {
    "name": lambda cloud, org: org.name,
    "displayName": lambda cloud, org: org.full_name,
    "isEnabled": lambda cloud, org: org.enabled,
    "isReadOnly": lambda cloud, org: False,
    "canPublishCatalogs": lambda cloud, org: org.can_publish_catalogs,
    "numberOfVdcs": lambda cloud, org: cloud.vdcs.count("org", org.id),
    "numberOfCatalogs": lambda cloud, org: cloud.catalogs.count("org", org.id),
    "numberOfVApps": lambda cloud, org: sum(cloud.vapps.count("vdc", vdc.id) for vdc in cloud.vdcs.find("org", org.id)),
}
_ORGS = RecordType[Org](
    name="organization",
    tag="OrgRecord",
    table=lambda cloud: cloud.orgs,
    visible=lambda access, org: org in access.orgs(),
    attributes=_ORG,
    admin=True,
    has_metadata=True,
)


def _org_name(cloud: Cloud, org_id: str) -> str:
    return cloud.orgs[org_id].name


_VDC: dict[str, Attribute[Vdc]] = {
    "name": lambda cloud, vdc: vdc.name,
    "description": lambda cloud, vdc: vdc.description,
    "org": lambda cloud, vdc: Pointer(ORG, vdc.org_id),
    "orgName": lambda cloud, vdc: _org_name(cloud, vdc.org_id),
    "isEnabled": lambda cloud, vdc: vdc.enabled,
    "isBusy": lambda cloud, vdc: cloud.tasks.is_busy(vdc.id),
    "isSystemVdc": lambda cloud, vdc: False,
    "status": lambda cloud, vdc: "READY" if vdc.ready else "CREATION_NOT_COMPLETE",
    "allocationModel": lambda cloud, vdc: vdc.allocation_model,
    "cpuAllocationMhz": lambda cloud, vdc: vdc.cpu.allocated,
    "cpuLimitMhz": lambda cloud, vdc: vdc.cpu.limit,
    "memoryAllocationMB": lambda cloud, vdc: vdc.memory.allocated,
    "memoryLimitMB": lambda cloud, vdc: vdc.memory.limit,
    "numberOfVApps": lambda cloud, vdc: cloud.vapps.count("vdc", vdc.id),
    "numberOfVAppTemplates": lambda cloud, vdc: cloud.templates.count("vdc", vdc.id),
    "numberOfStorageProfiles": lambda cloud, vdc: cloud.profiles.count("vdc", vdc.id),
    "numberOfMedia": lambda cloud, vdc: 0,
    "numberOfDisks": lambda cloud, vdc: 0,
}
_ADMIN_VDC: dict[str, Attribute[Vdc]] = _VDC | {
    "providerVdc": lambda cloud, vdc: Pointer(PROVIDER_VDC, vdc.provider_vdc_id),
    "providerVdcName": lambda cloud, vdc: cloud.provider_vdcs[vdc.provider_vdc_id].name,
}


def _vdcs(name: str, tag: str, *, admin: bool) -> RecordType[Vdc]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.vdcs,
        visible=Access.sees_vdc,
        attributes=_ADMIN_VDC if admin else _VDC,
        admin=admin,
        indexes={"org": "org", "providerVdc": "pvdc"} if admin else {"org": "org"},
        references={"org": ORG, "providerVdc": PROVIDER_VDC},
        has_metadata=True,
    )


_PROFILE: dict[str, Attribute[StorageProfile]] = {
    "name": lambda cloud, profile: profile.name,
    "vdc": lambda cloud, profile: Pointer(VDC, profile.vdc_id),
    "vdcName": lambda cloud, profile: cloud.vdcs[profile.vdc_id].name,
    "isEnabled": lambda cloud, profile: profile.enabled,
    "isDefaultStorageProfile": lambda cloud, profile: profile.default,
    "isVdcBusy": lambda cloud, profile: cloud.tasks.is_busy(profile.vdc_id),
    "storageLimitMB": lambda cloud, profile: profile.limit_mb,
}


def _profiles(name: str, tag: str, *, admin: bool) -> RecordType[StorageProfile]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.profiles,
        visible=Access.sees_profile,
        attributes=_PROFILE,
        admin=admin,
        indexes={"vdc": "vdc"},
        references={"vdc": VDC},
    )


_LINK_TYPES = {"bridged": 0, "natRouted": 1, "isolated": 2}
_NETWORK: dict[str, Attribute[OrgVdcNetwork]] = {
    "name": lambda cloud, network: network.name,
    "description": lambda cloud, network: network.description,
    "org": lambda cloud, network: Pointer(ORG, network.org_id),
    "vdc": lambda cloud, network: Pointer(VDC, network.vdc_id),
    "vdcName": lambda cloud, network: cloud.vdcs[network.vdc_id].name,
    "linkType": lambda cloud, network: _LINK_TYPES[network.fence_mode],
    "connectedTo": lambda cloud, network: (
        cloud.external_networks[network.parent_id].name if network.parent_id else None
    ),
    "defaultGateway": lambda cloud, network: network.pool.gateway,
    "netmask": lambda cloud, network: network.pool.netmask,
    "dns1": lambda cloud, network: network.pool.dns1,
    "dns2": lambda cloud, network: network.pool.dns2,
    "dnsSuffix": lambda cloud, network: network.pool.dns_suffix,
    "isShared": lambda cloud, network: network.shared,
    "isBusy": lambda cloud, network: cloud.tasks.is_busy(network.id),
    "isIpScopeInherited": lambda cloud, network: network.fence_mode == "bridged",
    "status": lambda cloud, network: "READY" if network.ready else "NOT_READY",
}


def _networks(name: str, tag: str, *, admin_href: bool = False) -> RecordType[OrgVdcNetwork]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.networks,
        visible=Access.sees_network,
        attributes=_NETWORK,
        admin_href=admin_href,
        indexes={"vdc": "vdc", "org": "org"},
        references={"vdc": VDC, "org": ORG},
        has_metadata=True,
    )


_USER: dict[str, Attribute[User]] = {
    "name": lambda cloud, user: user.name,
    "fullName": lambda cloud, user: user.full_name,
    "emailAddress": lambda cloud, user: user.email,
    "isEnabled": lambda cloud, user: user.enabled,
    "isLdapUser": lambda cloud, user: user.is_external,
    "org": lambda cloud, user: Pointer(ORG, user.org_id),
    "roleNames": lambda cloud, user: cloud.roles[user.role_id].name,
    "deployedVMQuota": lambda cloud, user: user.deployed_vm_quota,
    "storedVMQuota": lambda cloud, user: user.stored_vm_quota,
}


def _users(name: str, tag: str, *, admin: bool) -> RecordType[User]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.users,
        visible=Access.sees_user,
        attributes=_USER,
        admin=admin,
        indexes={"org": "org"},
        references={"org": ORG},
    )


_ROLE: dict[str, Attribute[Role]] = {
    "name": lambda cloud, role: role.name,
    "description": lambda cloud, role: role.description,
    "org": lambda cloud, role: Pointer(ORG, role.org_id),
    "isReadOnly": lambda cloud, role: role.read_only,
}


def _roles(name: str, tag: str, *, admin: bool) -> RecordType[Role]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.roles,
        visible=lambda access, role: access.is_sysadmin or role.org_id == access.org.id,
        attributes=_ROLE,
        admin=admin,
        indexes={"org": "org"},
        references={"org": ORG},
    )


_RIGHT: dict[str, Attribute[Right]] = {
    "name": lambda cloud, right: right.name,
    "description": lambda cloud, right: right.description,
    "category": lambda cloud, right: right.category,
    "bundleKey": lambda cloud, right: right.bundle_key or None,
    "serviceNamespace": lambda cloud, right: right.service_namespace,
}
_RIGHTS = RecordType[Right](
    name="right",
    tag="RightRecord",
    table=lambda cloud: cloud.rights,
    visible=lambda access, right: access.is_sysadmin or right.id in access.org.rights,
    attributes=_RIGHT,
    indexes={"name": "name"},
)

_TASK: dict[str, Attribute[Task]] = {
    "name": lambda cloud, task: task.operation_name,
    "operationFull": lambda cloud, task: task.operation,
    "message": lambda cloud, task: task.operation,
    "object": lambda cloud, task: task.owner.href,
    "objectName": lambda cloud, task: task.owner.name,
    "objectType": lambda cloud, task: task.owner.type.rpartition(".")[2].partition("+")[0],
    "org": lambda cloud, task: Pointer(ORG, task.org_id),
    "orgName": lambda cloud, task: _org_name(cloud, task.org_id) if task.org_id in cloud.orgs else None,
    "owner": lambda cloud, task: Pointer(USER, task.user.entity_id),
    "ownerName": lambda cloud, task: task.user.name,
    "startDate": lambda cloud, task: float(task.start_time),
    "endDate": lambda cloud, task: None if task.end_time is None else float(task.end_time),
    "progress": lambda cloud, task: task.progress_at(cloud.clock.now()),
    "serviceNamespace": lambda cloud, task: task.service_namespace,
    "status": lambda cloud, task: task.status.value,
}


def _tasks(name: str, tag: str, *, admin: bool) -> RecordType[Task]:
    return RecordType(
        name=name,
        tag=tag,
        table=lambda cloud: cloud.tasks.tasks,
        visible=Access.sees_task,
        attributes=_TASK,
        admin=admin,
        indexes={"org": "org"},
        references={"org": ORG},
    )


TYPES = (
    _ORGS,
    _vdcs("orgVdc", "OrgVdcRecord", admin=False),
    _vdcs("adminOrgVdc", "AdminVdcRecord", admin=True),
    _profiles("orgVdcStorageProfile", "OrgVdcStorageProfileRecord", admin=False),
    _profiles("adminOrgVdcStorageProfile", "AdminOrgVdcStorageProfileRecord", admin=True),
    _networks("orgVdcNetwork", "OrgVdcNetworkRecord", admin_href=True),
    _networks("orgNetwork", "OrgNetworkRecord"),
    _users("user", "UserRecord", admin=False),
    _users("adminUser", "AdminUserRecord", admin=True),
    _roles("role", "RoleRecord", admin=False),
    _roles("adminRole", "AdminRoleRecord", admin=True),
    _RIGHTS,
    _tasks("task", "TaskRecord", admin=False),
    _tasks("adminTask", "AdminTaskRecord", admin=True),
)
