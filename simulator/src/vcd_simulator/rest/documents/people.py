"""Users, roles and rights."""

from vcd_simulator.model.kinds import ADMIN
from vcd_simulator.model.rights import PREDEFINED_ROLES
from vcd_simulator.model.tenancy import Right, Role, User
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link, reference
from vcd_simulator.rest.xml import Element, vcloud


def user(context: Context, entity: User) -> Element:
    role = context.cloud.roles[entity.role_id]
    path = entity.kind.href_path(entity.id)
    manages = context.access.manages_users
    return vcloud(
        "User",
        link(context, "edit", path, entity.kind.media_type) if manages else None,
        link(context, "remove", path) if manages else None,
        vcloud("Description", entity.description),
        vcloud("FullName", entity.full_name),
        vcloud("EmailAddress", entity.email),
        vcloud("Telephone", entity.telephone),
        vcloud("IsEnabled", entity.enabled),
        vcloud("IsLocked", False),
        vcloud("IM", entity.im),
        vcloud("NameInSource", entity.name),
        vcloud("IsExternal", entity.is_external),
        vcloud("ProviderType", "INTEGRATED"),
        vcloud("IsGroupRole", False),
        vcloud("StoredVmQuota", entity.stored_vm_quota),
        vcloud("DeployedVmQuota", entity.deployed_vm_quota),
        reference(context, "Role", role),
        vcloud("GroupReferences"),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def role(context: Context, entity: Role) -> Element:
    """A role with its rights; `RightReferences` is there even when it is empty, as clients expect."""
    path = entity.kind.href_path(entity.id)
    edits = not entity.read_only and context.access.has("Role: Create, Edit, Delete, or Copy")
    rights = [right for right_id in entity.rights if (right := context.cloud.rights.get(right_id)) is not None]
    return vcloud(
        "Role",
        link(context, "edit", path, entity.kind.media_type) if edits else None,
        link(context, "remove", path) if edits else None,
        _template_link(context, entity, path) if edits and entity.name in PREDEFINED_ROLES else None,
        vcloud("Description", entity.description),
        vcloud("RightReferences", [reference(context, "RightReference", right) for right in rights]),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def _template_link(context: Context, entity: Role, path: str) -> Element:
    verb = "unlinkFromTemplate" if entity.linked else "linkToTemplate"
    return link(context, verb, f"{path}/action/{verb}", entity.kind.media_type)


def right(context: Context, entity: Right) -> Element:
    return vcloud(
        "Right",
        vcloud("Description", entity.description),
        vcloud("ServiceNamespace", entity.service_namespace) if entity.service_namespace else None,
        vcloud("BundleKey", entity.bundle_key) if entity.bundle_key else None,
        vcloud("Category", entity.category),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=ADMIN + "right+xml",
    )
