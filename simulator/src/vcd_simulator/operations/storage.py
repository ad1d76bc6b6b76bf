"""Storage profiles of org VDCs: added, changed, removed."""

from collections.abc import Sequence

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.datacenter import StorageProfile, Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.datacenter import ProfileSpec, add_profile


def change_profiles(
    cloud: Cloud, user: User, vdc: Vdc, add: Sequence[ProfileSpec], remove: Sequence[StorageProfile]
) -> Task:
    """Let an org VDC offer more storage profiles, or fewer.

    Raises:
        VcdError: one is there already, is in use, is enabled, or is the default.
    """
    _check_additions(cloud, vdc, add)
    _check_removals(cloud, vdc, remove)

    def effect() -> None:
        _check_removals(cloud, vdc, remove)  # somebody may use or enable one meanwhile
        for spec in add:
            _make_default(cloud, add_profile(cloud, vdc, spec, default=spec.default))
        for one in remove:
            cloud.metadata.remove_all(one.id)
            cloud.profiles.remove(one)

    return work.start(
        cloud, user, vdc.org_id, vdc, "vdcUpdateStorageProfiles", "Updating", "Updated", noun="Virtual Datacenter",
        effect=effect,
    )  # fmt: skip


def update_profile(
    cloud: Cloud, profile: StorageProfile, *, enabled: bool, default: bool, limit_mb: int
) -> StorageProfile:
    """Change a storage profile of an org VDC; the default changes by making another one the default."""
    if profile.default and not default:
        raise errors.not_allowed(f"The storage profile {profile.name} is the default; make another one the default.")
    if default and not enabled:
        raise errors.not_allowed(f"The default storage profile {profile.name} cannot be disabled.")
    if limit_mb < 0:
        raise errors.bad_request("Bad request: validation error, Limit is negative.")
    profile.enabled, profile.default, profile.limit_mb = enabled, default, limit_mb
    _make_default(cloud, profile)
    return profile


def _make_default(cloud: Cloud, profile: StorageProfile) -> None:
    """If this storage profile is the default, no other one is."""
    if profile.default:
        for one in cloud.profiles.find("vdc", profile.vdc_id):
            one.default = one is profile


def _check_additions(cloud: Cloud, vdc: Vdc, add: Sequence[ProfileSpec]) -> None:
    offered = {one.provider_profile_id for one in cloud.profiles.find("vdc", vdc.id)}
    for spec in add:
        profile = spec.provider_profile
        if profile.id in offered:
            raise errors.duplicate_name("vdcStorageProfile", profile.name)
        if profile.provider_vdc_id != vdc.provider_vdc_id:
            raise errors.no_access("providerVdcStorageProfile", profile.id)


def _check_removals(cloud: Cloud, vdc: Vdc, remove: Sequence[StorageProfile]) -> None:
    for one in remove:
        if one.vdc_id != vdc.id:
            raise errors.no_access("vdcStorageProfile", one.id)
        if one.default or one.enabled:
            raise errors.not_allowed(f"The storage profile {one.name} is enabled or the default; change that first.")
        if cloud.vms.count("profile", one.id):
            raise errors.not_allowed(f"The storage profile {one.name} is in use by VMs.")
