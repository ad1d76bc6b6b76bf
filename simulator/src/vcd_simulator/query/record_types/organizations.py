"""Records of organisations and their people: users, roles, rights."""

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import ORG
from vcd_simulator.model.tenancy import Org, Right, Role, User
from vcd_simulator.query.record_types.attributes import org_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_ORGS = RecordType[Org](
    name="organization",
    tag="OrgRecord",
    table=lambda cloud: cloud.orgs,
    visible=Access.sees_org,
    attributes={
        "name": lambda cloud, org: org.name,
        "displayName": lambda cloud, org: org.full_name,
        "isEnabled": lambda cloud, org: org.enabled,
        "isReadOnly": lambda cloud, org: False,
        "canPublishCatalogs": lambda cloud, org: org.can_publish_catalogs,
        "canPublishExternally": lambda cloud, org: False,
        "deployedVMQuota": lambda cloud, org: org.deployed_vm_quota,
        "storedVMQuota": lambda cloud, org: org.stored_vm_quota,
        "numberOfDisks": lambda cloud, org: 0,
        "numberOfGroups": lambda cloud, org: 0,
        "numberOfVdcs": lambda cloud, org: cloud.vdcs.count("org", org.id),
        "numberOfCatalogs": lambda cloud, org: cloud.catalogs.count("org", org.id),
        "numberOfVApps": lambda cloud, org: sum(
            cloud.vapps.count("vdc", vdc.id) for vdc in cloud.vdcs.find("org", org.id)
        ),
    },
    admin=True,
    has_metadata=True,
)


def _running(cloud: Cloud, user: User) -> int:
    """How many VMs of a user run, of which there may be very many."""
    return sum(vm.is_on for vapp in cloud.vapps.find("owner", user.id) for vm in cloud.vms_of(vapp))


_USERS = RecordType[User](
    name="user",
    tag="UserRecord",
    table=lambda cloud: cloud.users,
    visible=Access.sees_user,
    attributes={
        "name": lambda cloud, user: user.name,
        "fullName": lambda cloud, user: user.full_name,
        "emailAddress": lambda cloud, user: user.email,
        "isEnabled": lambda cloud, user: user.enabled,
        "isLdapUser": lambda cloud, user: user.is_external,
        "org": lambda cloud, user: Pointer(ORG, user.org_id),
        "roleNames": lambda cloud, user: cloud.roles[user.role_id].name,
        "deployedVMQuota": lambda cloud, user: user.deployed_vm_quota,
        "storedVMQuota": lambda cloud, user: user.stored_vm_quota,
        "numberOfDeployedVMs": lambda cloud, user: cloud.lock.derived(
            ("running VMs of a user", user.id), lambda: _running(cloud, user)
        ),
        "numberOfStoredVMs": lambda cloud, user: sum(len(vapp.vm_ids) for vapp in cloud.vapps.find("owner", user.id)),
        "identityProviderType": lambda cloud, user: "LDAP" if user.is_external else "LOCAL",
        "isExternal": lambda cloud, user: user.is_external,
        "isLocked": lambda cloud, user: False,
    },
    indexes={"org": Index("org", ORG)},
)


_ROLES = RecordType[Role](
    name="role",
    tag="RoleRecord",
    table=lambda cloud: cloud.roles,
    visible=Access.sees_role,
    attributes={
        "name": lambda cloud, role: role.name,
        "description": lambda cloud, role: role.description,
        "org": lambda cloud, role: Pointer(ORG, role.org_id),
        "isReadOnly": lambda cloud, role: role.read_only,
    },
    indexes={"org": Index("org", ORG)},
)


_RIGHTS = RecordType[Right](
    name="right",
    tag="RightRecord",
    table=lambda cloud: cloud.rights,
    visible=lambda access, right: access.is_sysadmin or right.id in access.org.rights,
    attributes={
        "name": lambda cloud, right: right.name,
        "description": lambda cloud, right: right.description,
        "category": lambda cloud, right: right.category,
        "bundleKey": lambda cloud, right: right.bundle_key or None,
        "serviceNamespace": lambda cloud, right: right.service_namespace,
    },
    indexes={"name": Index("name")},
)

TYPES = (
    _ORGS,
    _USERS,
    _USERS.for_administrators("adminUser", "AdminUserRecord"),
    _ROLES,
    _ROLES.for_administrators(
        "adminRole", "AdminRoleRecord", attributes={"orgName": lambda cloud, role: org_name(cloud, role.org_id)}
    ),
    _RIGHTS,
)
