"""Organisations, roles, rights and users."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from vcd_simulator import errors
from vcd_simulator.defined_entities import bundles, definitions, grants
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.rights import (
    PREDEFINED_ROLES,
    RIGHTS,
    SYSTEM_ADMINISTRATOR,
    TENANT_RIGHTS,
    category_of,
)
from vcd_simulator.model.tenancy import SYSTEM_ORG, SYSTEM_ORG_ID, Org, Right, Role, User
from vcd_simulator.operations import policies
from vcd_simulator.operations.names import check_name


def create_system(cloud: Cloud) -> Org:
    """Make what every vCloud Director has from the start: its rights and the System organisation."""
    for name in RIGHTS:
        cloud.rights.add(Right(id=cloud.new_id(), name=name, description=name, category=category_of(name)))
    policies.system_default(cloud)
    definitions.add_predefined(cloud)
    org = cloud.orgs.add(Org(id=SYSTEM_ORG_ID, name=SYSTEM_ORG, full_name="System", description="The provider"))
    all_rights = dict.fromkeys(right.id for right in cloud.rights)
    cloud.roles.add(
        Role(id=cloud.new_id(), org_id=org.id, name=SYSTEM_ADMINISTRATOR, read_only=True, rights=all_rights)
    )
    return org


def create_org(cloud: Cloud, name: str, *, full_name: str = "", description: str = "", enabled: bool = True) -> Org:
    """Make an organisation with the predefined roles and the rights that tenants get."""
    name = check_name("organization", name, max_length=64)
    if cloud.orgs.first("name", name.lower()) is not None:
        raise errors.duplicate_name("organization", name)
    org = Org(id=cloud.new_id(), name=name, full_name=full_name or name, description=description, enabled=enabled)
    org.rights = {right.id for right in _rights_named(cloud, TENANT_RIGHTS)}
    cloud.orgs.add(org)
    bundles.welcome(cloud, org)
    for role_name, rights in PREDEFINED_ROLES.items():
        ids = dict.fromkeys(right.id for right in _rights_named(cloud, rights))
        cloud.roles.add(
            Role(
                id=cloud.new_id(),
                org_id=org.id,
                name=role_name,
                description=f"Predefined: {role_name}",
                rights=ids,
                linked=True,
            )
        )
    return org


def link_role(cloud: Cloud, role: Role, *, linked: bool) -> None:
    """Make a role the predefined one of its name again, or let it go its own way.

    Raises:
        VcdError: there is no predefined role of that name.
    """
    rights = PREDEFINED_ROLES.get(role.name)
    if rights is None:
        raise errors.not_allowed(f"There is no predefined role {role.name}.")
    role.linked = linked
    if linked:
        role.rights = dict.fromkeys(right.id for right in _rights_named(cloud, rights))


def _rights_named(cloud: Cloud, names: Iterable[str]) -> list[Right]:
    return [right for name in names if (right := cloud.rights.first("name", name)) is not None]


def set_enabled(org: Org, *, enabled: bool) -> None:
    """Let the people of an organisation work, or throw them out.

    Raises:
        VcdError: it is the provider's own, which would lock everybody out.
    """
    if org.is_system and not enabled:
        raise errors.not_allowed("The System organization cannot be disabled.")
    org.enabled = enabled


@dataclass(frozen=True, kw_only=True)
class GeneralSettings:
    """Settings of an organisation that are to change; None leaves things as they are."""

    can_publish_catalogs: bool | None = None
    stored_vm_quota: int | None = None
    deployed_vm_quota: int | None = None


def set_general(org: Org, settings: GeneralSettings) -> None:
    """Change settings of an organisation. Raises VcdError: 400, a quota is negative."""
    check_general(settings)
    for name, value in vars(settings).items():
        if value is not None:
            setattr(org, name, value)


def check_general(settings: GeneralSettings) -> None:
    """Check settings. Raises VcdError: 400, a quota is negative."""
    _check_quotas(settings.stored_vm_quota or 0, settings.deployed_vm_quota or 0)


def create_role(cloud: Cloud, org: Org, name: str, description: str, rights: Iterable[str]) -> Role:
    """Make a role; `rights` are ids."""
    name = check_name("role", name)
    if cloud.roles.first("name", (org.id, name)) is not None:
        raise errors.duplicate_name("role", name)
    role = Role(id=cloud.new_id(), org_id=org.id, name=name, description=description)
    role.rights = _grantable(cloud, org, rights)
    return cloud.roles.add(role)


def update_role(cloud: Cloud, role: Role, name: str, description: str, rights: Iterable[str]) -> None:
    """Replace a role's name, description and rights."""
    if role.read_only:
        raise errors.not_allowed(f"The role {role.name} is predefined and cannot be changed.")
    name = check_name("role", name)
    other = cloud.roles.first("name", (role.org_id, name))
    if other is not None and other is not role:
        raise errors.duplicate_name("role", name)
    role.rights = _grantable(cloud, cloud.orgs[role.org_id], rights)
    role.name, role.description = name, description
    cloud.roles.reindex(role)


def delete_role(cloud: Cloud, role: Role) -> None:
    if role.read_only:
        raise errors.not_allowed(f"The role {role.name} is predefined and cannot be deleted.")
    if cloud.users.count("role", role.id):
        raise errors.not_allowed(f"The role {role.name} cannot be deleted, because users have it.")
    grants.forget_member(cloud, role.id)
    cloud.roles.remove(role)


def _grantable(cloud: Cloud, org: Org, rights: Iterable[str]) -> dict[str, None]:
    """The ids, if all of them are rights that the organisation has."""
    granted: dict[str, None] = {}
    for right_id in rights:
        right = cloud.rights.get(right_id)
        if right is None:
            raise errors.no_access("right", right_id)
        if not org.is_system and right_id not in org.rights:
            raise errors.bad_request(f"The right {right.name!r} is not available to the organization {org.name}.")
        granted[right_id] = None
    return granted


def add_rights_to_org(cloud: Cloud, org: Org, rights: Iterable[str], *, replace: bool) -> None:
    """Let an organisation use rights, or exactly these rights. Its roles lose what is taken away."""
    wanted = set(rights)
    for right_id in wanted:
        if right_id not in cloud.rights:
            raise errors.no_access("right", right_id)
    org.rights = wanted if replace else org.rights | wanted
    if replace and not org.is_system:
        for role in cloud.roles.find("org", org.id):
            role.rights = {right_id: None for right_id in role.rights if right_id in org.rights}


def create_user(  # noqa: PLR0913  # what a user has, by keyword
    cloud: Cloud,
    org: Org,
    role: Role,
    name: str,
    password: str,
    *,
    full_name: str = "",
    email: str = "",
    telephone: str = "",
    im: str = "",
    description: str = "",
    enabled: bool = True,
    is_external: bool = False,
    stored_vm_quota: int = 0,
    deployed_vm_quota: int = 0,
) -> User:
    name = check_name("user", name)
    if cloud.users.first("name", (org.id, name.lower())) is not None:
        raise errors.duplicate_name("user", name)
    if role.org_id != org.id:
        raise errors.no_access("role", role.id)
    if not password and not is_external:
        raise errors.bad_request("Bad request: validation error, a local user needs a password.")
    _check_quotas(stored_vm_quota, deployed_vm_quota)
    user = User(
        id=cloud.new_id(),
        org_id=org.id,
        role_id=role.id,
        name=name,
        password=password,
        full_name=full_name,
        email=email,
        telephone=telephone,
        im=im,
        description=description,
        enabled=enabled,
        is_external=is_external,
        stored_vm_quota=stored_vm_quota,
        deployed_vm_quota=deployed_vm_quota,
    )
    return cloud.users.add(user)


@dataclass(kw_only=True)
class UserChanges:
    """What is to change in a user; None leaves things as they are."""

    name: str | None = None
    role: Role | None = None
    password: str | None = field(default=None, repr=False)
    full_name: str | None = None
    email: str | None = None
    telephone: str | None = None
    im: str | None = None
    description: str | None = None
    enabled: bool | None = None
    stored_vm_quota: int | None = None
    deployed_vm_quota: int | None = None


def update_user(cloud: Cloud, user: User, changes: UserChanges) -> None:
    """Change a user: all of it, or nothing.

    Raises:
        VcdError: the name is taken or not valid, a quota is negative, or the role is another organisation's.
    """
    values = {name: value for name, value in vars(changes).items() if value is not None}
    if changes.name is not None:
        values["name"] = check_name("user", changes.name)
        other = cloud.users.first("name", (user.org_id, values["name"].lower()))
        if other is not None and other is not user:
            raise errors.duplicate_name("user", values["name"])
    role: Role | None = values.pop("role", None)
    if role is not None:
        if role.org_id != user.org_id:
            raise errors.no_access("role", role.id)
        values["role_id"] = role.id
    _check_quotas(changes.stored_vm_quota or 0, changes.deployed_vm_quota or 0)
    for name, value in values.items():
        setattr(user, name, value)
    cloud.users.reindex(user)


def _check_quotas(*quotas: int) -> None:
    if min(quotas) < 0:
        raise errors.bad_request("Bad request: validation error, a quota of VMs is not negative; 0 is no limit.")


def delete_user(cloud: Cloud, user: User) -> None:
    """Delete a user who owns nothing; nobody shares anything with him any more."""
    owns = (
        cloud.vapps.count("owner", user.id)
        or cloud.templates.count("owner", user.id)
        or any(catalog.owner_id == user.id for catalog in cloud.catalogs)
        or cloud.defined_entities.count("owner", user.id)
    )
    if owns:
        raise errors.not_allowed(
            f"The user {user.name} owns vApps, templates, catalogs or entities; give them to somebody else first."
        )
    for one in (*cloud.vapps, *cloud.catalogs, *cloud.vdcs):
        if any(setting.subject_id == user.id for setting in one.access.settings):
            one.access.settings = [setting for setting in one.access.settings if setting.subject_id != user.id]
    grants.forget_member(cloud, user.id)
    cloud.users.remove(user)
