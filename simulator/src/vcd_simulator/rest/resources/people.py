"""Users, roles and rights."""

from vcd_simulator import errors
from vcd_simulator.operations import tenancy
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import people as documents
from vcd_simulator.rest.parsing import optional_flag, optional_int, optional_text, referenced_id, require_root
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, children, flag_of, int_of, text_of

router = Router()
_EDIT_ROLES = "Role: Create, Edit, Delete, or Copy"


def _rights_in(root: Element) -> list[str]:
    references = children(child(root, "RightReferences"), "RightReference")
    return [referenced_id(one, "RightReference") for one in references]


@router.post("/api/admin/org/{org_id}/roles")
def create_role(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    context.access.require(_EDIT_ROLES)
    root = require_root(context.xml(), "Role")
    role = tenancy.create_role(
        context.cloud, org, root.get("name") or "", text_of(root, "Description"), _rights_in(root)
    )
    return Reply(status=201, content=documents.role(context, role), headers={"location": context.href(role)})


@router.get("/api/admin/role/{role_id}")
def get_role(context: Context, role_id: str) -> Reply:
    return Reply(content=documents.role(context, context.access.role_by_id(role_id)))


@router.put("/api/admin/role/{role_id}")
def update_role(context: Context, role_id: str) -> Reply:
    role = context.access.role_by_id(role_id)
    context.access.require(_EDIT_ROLES)
    root = require_root(context.xml(), "Role")
    tenancy.update_role(
        context.cloud, role, root.get("name") or role.name, text_of(root, "Description"), _rights_in(root)
    )
    return Reply(content=documents.role(context, role))


@router.delete("/api/admin/role/{role_id}")
def delete_role(context: Context, role_id: str) -> Reply:
    role = context.access.role_by_id(role_id)
    context.access.require(_EDIT_ROLES)
    tenancy.delete_role(context.cloud, role)
    return Reply(status=204)


@router.post("/api/admin/role/{role_id}/action/linkToTemplate")
def link_role(context: Context, role_id: str) -> Reply:
    return _link(context, role_id, linked=True)


@router.post("/api/admin/role/{role_id}/action/unlinkFromTemplate")
def unlink_role(context: Context, role_id: str) -> Reply:
    return _link(context, role_id, linked=False)


def _link(context: Context, role_id: str, *, linked: bool) -> Reply:
    role = context.access.role_by_id(role_id)
    context.access.require(_EDIT_ROLES)
    tenancy.link_role(context.cloud, role, linked=linked)
    return Reply(status=204)


@router.get("/api/admin/right/{right_id}")
def get_right(context: Context, right_id: str) -> Reply:
    right = context.cloud.rights.get(right_id)
    if right is None:
        raise errors.no_access("right", right_id)
    return Reply(content=documents.right(context, right))


@router.post("/api/admin/org/{org_id}/users")
def create_user(context: Context, org_id: str) -> Reply:
    org = context.access.org_by_id(org_id)
    _require_manager(context)
    root = require_root(context.xml(), "User")
    role = context.access.role_by_id(referenced_id(child(root, "Role"), "Role"))
    user = tenancy.create_user(
        context.cloud,
        org,
        role,
        root.get("name") or "",
        text_of(root, "Password"),
        full_name=text_of(root, "FullName"),
        email=text_of(root, "EmailAddress"),
        telephone=text_of(root, "Telephone"),
        im=text_of(root, "IM"),
        description=text_of(root, "Description"),
        enabled=flag_of(root, "IsEnabled", False),
        is_external=flag_of(root, "IsExternal", False),
        stored_vm_quota=int_of(root, "StoredVmQuota", org.stored_vm_quota),
        deployed_vm_quota=int_of(root, "DeployedVmQuota", org.deployed_vm_quota),
    )
    return Reply(status=201, content=documents.user(context, user), headers={"location": context.href(user)})


def _require_manager(context: Context) -> None:
    if not context.access.manages_users:
        raise errors.missing_right("Group / User: Manage")


@router.get("/api/admin/user/{user_id}")
def get_user(context: Context, user_id: str) -> Reply:
    return Reply(content=documents.user(context, context.access.user_by_id(user_id)))


@router.put("/api/admin/user/{user_id}")
def update_user(context: Context, user_id: str) -> Reply:
    user = context.access.user_by_id(user_id)
    _require_manager(context)
    tenancy.update_user(context.cloud, user, _changes(context, require_root(context.xml(), "User")))
    if not user.enabled:
        context.sessions.end_of_user(user.id)
    return Reply(content=documents.user(context, user))


def _changes(context: Context, root: Element) -> tenancy.UserChanges:
    role = child(root, "Role")
    return tenancy.UserChanges(
        name=root.get("name") or None,
        role=context.access.role_by_id(referenced_id(role, "Role")) if role is not None else None,
        password=text_of(root, "Password") or None,
        full_name=optional_text(root, "FullName"),
        email=optional_text(root, "EmailAddress"),
        telephone=optional_text(root, "Telephone"),
        im=optional_text(root, "IM"),
        description=optional_text(root, "Description"),
        enabled=optional_flag(root, "IsEnabled"),
        stored_vm_quota=optional_int(root, "StoredVmQuota"),
        deployed_vm_quota=optional_int(root, "DeployedVmQuota"),
    )


@router.delete("/api/admin/user/{user_id}")
def delete_user(context: Context, user_id: str) -> Reply:
    user = context.access.user_by_id(user_id)
    _require_manager(context)
    if user is context.session.user:
        raise errors.not_allowed("You cannot delete yourself.")
    tenancy.delete_user(context.cloud, user)
    context.sessions.end_of_user(user.id)
    return Reply(status=204)
