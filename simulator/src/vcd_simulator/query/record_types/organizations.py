"""Records of organisations and their people: users, roles, rights."""

from vcd_simulator.access import Access
from vcd_simulator.model.kinds import ORG
from vcd_simulator.model.tenancy import Org, Right, Role, User
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
        "numberOfVdcs": lambda cloud, org: cloud.vdcs.count("org", org.id),
        "numberOfCatalogs": lambda cloud, org: cloud.catalogs.count("org", org.id),
        "numberOfVApps": lambda cloud, org: sum(
            cloud.vapps.count("vdc", vdc.id) for vdc in cloud.vdcs.find("org", org.id)
        ),
    },
    admin=True,
    has_metadata=True,
)
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
    _ROLES.for_administrators("adminRole", "AdminRoleRecord"),
    _RIGHTS,
)
