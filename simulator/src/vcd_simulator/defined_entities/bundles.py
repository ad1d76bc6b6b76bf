"""The rights that come with a type, and rights bundles: what the provider publishes to organisations."""

from collections.abc import Iterable

from vcd_simulator import errors
from vcd_simulator.defined_entities.model import EntityType, RightsBundle
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.tenancy import Org, Right

VIEW = "View"
MODIFY = "Modify"
FULL_ACCESS = "Full Access"
ADMINISTRATOR_VIEW = "Administrator View"
ADMINISTRATOR_FULL_ACCESS = "Administrator Full access"
TYPE_RIGHTS = (VIEW, MODIFY, FULL_ACCESS, ADMINISTRATOR_VIEW, ADMINISTRATOR_FULL_ACCESS)


def right_name(family: str, right: str) -> str:
    """What a right of a type is called: that of all its versions."""
    return f"{family}: {right}"


def bundle_name(family: str) -> str:
    return f"{family} Entitlement"


def add_for(cloud: Cloud, entity_type: EntityType) -> RightsBundle:
    """The bundle of a type; made with its rights for the first of its versions."""
    family = entity_type.family
    found = cloud.rights_bundles.first("name", bundle_name(family))
    if found is not None:
        return found
    rights = [
        cloud.rights.add(
            Right(
                id=cloud.new_id(),
                name=right_name(family, right),
                description=f"{right} of {entity_type.name}",
                category=family,
                service_namespace=f"com.vmware.vcloud.entity.{entity_type.nss}",
            )
        )
        for right in TYPE_RIGHTS
    ]
    bundle = RightsBundle(
        id=cloud.new_id(),
        name=bundle_name(family),
        description=f"Rights for {family}",
        right_ids=[right.id for right in rights],
    )
    return cloud.rights_bundles.add(bundle)


def remove_for(cloud: Cloud, family: str) -> None:
    """Forget the bundle of a type whose last version is gone; its rights go from every role."""
    bundle = cloud.rights_bundles.first("name", bundle_name(family))
    if bundle is None:
        return
    cloud.rights_bundles.remove(bundle)
    for right_id in bundle.right_ids:
        right = cloud.rights.get(right_id)
        if right is not None:
            cloud.rights.remove(right)
        for role in cloud.roles:
            role.rights.pop(right_id, None)
        for org in cloud.orgs:
            org.rights.discard(right_id)


def publish(cloud: Cloud, bundle: RightsBundle, org_ids: Iterable[str]) -> None:
    """Let organisations use the rights of a bundle besides those that they have.

    Raises:
        VcdError: 400, there is no such organisation, or it is the provider's own.
    """
    for org in _tenants(cloud, org_ids):
        org.rights.update(bundle.right_ids)
        if org.id not in bundle.org_ids:
            bundle.org_ids.append(org.id)


def unpublish(cloud: Cloud, bundle: RightsBundle, org_ids: Iterable[str]) -> None:
    """Take the rights of a bundle from organisations, and from the roles there; raises as `publish` does."""
    for org in _tenants(cloud, org_ids):
        org.rights.difference_update(bundle.right_ids)
        for role in cloud.roles.find("org", org.id):
            role.rights = {right_id: None for right_id in role.rights if right_id not in bundle.right_ids}
        bundle.org_ids = [one for one in bundle.org_ids if one != org.id]


def publish_to_all(cloud: Cloud, bundle: RightsBundle, *, published: bool) -> None:
    """Publish a bundle to every organisation, or to none."""
    bundle.to_all = published
    everybody = [org.id for org in cloud.orgs if not org.is_system]
    if published:
        publish(cloud, bundle, everybody)
    else:
        unpublish(cloud, bundle, everybody)


def welcome(cloud: Cloud, org: Org) -> None:
    """Publish to a new organisation what all of them get."""
    for bundle in cloud.rights_bundles:
        if bundle.to_all:
            publish(cloud, bundle, [org.id])


def _tenants(cloud: Cloud, org_ids: Iterable[str]) -> list[Org]:
    found = []
    for org_id in org_ids:
        org = cloud.orgs.get(org_id)
        if org is None or org.is_system:
            raise errors.bad_request(f"There is no tenant {org_id[:80]!r} to publish a rights bundle to.")
        found.append(org)
    return found
