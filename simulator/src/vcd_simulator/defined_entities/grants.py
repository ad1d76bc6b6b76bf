"""Access control lists: who may do what with a type or an entity."""

from vcd_simulator import errors
from vcd_simulator.defined_entities.model import Grant, Level
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import ORG, ROLE, USER
from vcd_simulator.model.tenancy import Org


def add(cloud: Cloud, object_id: str, tenant: Org, member_urn: str, level: Level) -> Grant:
    """Let a user, or everybody of a role or an organisation, do something with an object.

    A grant that the member has already is replaced.

    Raises:
        VcdError: 400, there is no such member in the tenant's organisation.
    """
    member_id = _member_id(cloud, tenant, member_urn)
    known = [one for one in cloud.access_grants.find("object", object_id) if one.member_id == member_id]
    if known:
        known[0].level = level
        return known[0]
    return cloud.access_grants.add(
        Grant(
            id=cloud.new_id(),
            object_id=object_id,
            tenant_id=tenant.id,
            member_urn=member_urn,
            member_id=member_id,
            level=level,
        )
    )


def _member_id(cloud: Cloud, tenant: Org, urn: str) -> str:
    member_id = urn.rpartition(":")[2]
    user, role, org = cloud.users.get(member_id), cloud.roles.get(member_id), cloud.orgs.get(member_id)
    if (
        (user is not None and urn == USER.urn + user.id and user.org_id == tenant.id)
        or (role is not None and urn == ROLE.urn + role.id and role.org_id == tenant.id)
        or (org is not None and urn == ORG.urn + org.id and org is tenant)
    ):
        return member_id
    raise errors.bad_request(f"There is no member {urn[:200]!r} in the organization {tenant.name}.")


def forget_all(cloud: Cloud, object_id: str) -> None:
    """Drop the access control list of an object that goes."""
    for one in cloud.access_grants.find("object", object_id):
        cloud.access_grants.remove(one)


def forget_member(cloud: Cloud, member_id: str) -> None:
    """Drop what a user or a role that goes was granted."""
    for one in [one for one in cloud.access_grants if one.member_id == member_id]:
        cloud.access_grants.remove(one)
