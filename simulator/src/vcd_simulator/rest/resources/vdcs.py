"""Org VDCs and their storage profiles."""

from vcd_simulator import errors
from vcd_simulator.model.datacenter import Capacity
from vcd_simulator.model.kinds import NETWORK_POOL, PROVIDER_STORAGE_PROFILE, PROVIDER_VDC
from vcd_simulator.operations import datacenter, removal, storage
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import vdcs as documents
from vcd_simulator.rest.documents.common import task_element
from vcd_simulator.rest.parsing import optional_flag, optional_text, referenced_id, require_root
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.vm_policies import referenced_policy
from vcd_simulator.rest.xml import Element, child, children, flag_of, int_of, text_of

router = Router()


@router.get("/api/vdc/{vdc_id}")
def get_vdc(context: Context, vdc_id: str) -> Reply:
    return Reply(content=documents.vdc(context, context.access.vdc_by_id(vdc_id)))


@router.get("/api/admin/vdc/{vdc_id}")
def get_admin_vdc(context: Context, vdc_id: str) -> Reply:
    vdc = context.access.vdc_by_id(vdc_id)
    context.access.require("General: Administrator View")
    return Reply(content=documents.vdc(context, vdc, admin=True))


@router.post("/api/admin/org/{org_id}/vdcsparams")
def create_vdc(context: Context, org_id: str) -> Reply:
    context.access.require_provider("Organization vDC: Create")
    org = context.access.org_by_id(org_id)
    root = require_root(context.xml(), "CreateVdcParams")
    vdc, task = datacenter.create_vdc(context.cloud, context.session.user, org, _vdc_spec(context, root))
    document = documents.vdc(context, vdc, admin=True)
    del task  # the document shows it among the running ones
    return Reply(status=201, content=document, headers={"location": context.href(vdc, admin=True)})


def _vdc_spec(context: Context, root: Element) -> datacenter.VdcSpec:
    cloud = context.cloud
    pvdc_id = referenced_id(child(root, "ProviderVdcReference"), "ProviderVdcReference")
    pvdc = context.access.existing(PROVIDER_VDC, cloud.provider_vdcs, pvdc_id)
    pool = child(root, "NetworkPoolReference")
    pool_id = referenced_id(pool, "NetworkPoolReference") if pool is not None else None
    if pool_id is not None:
        context.access.existing(NETWORK_POOL, cloud.network_pools, pool_id)
    return datacenter.VdcSpec(
        name=root.get("name") or "",
        provider_vdc=pvdc,
        description=text_of(root, "Description"),
        allocation_model=text_of(root, "AllocationModel", "AllocationVApp"),
        enabled=flag_of(root, "IsEnabled", True),
        cpu=_capacity(root, "Cpu", "MHz"),
        memory=_capacity(root, "Memory", "MB"),
        nic_quota=int_of(root, "NicQuota"),
        network_quota=int_of(root, "NetworkQuota", 100),
        vm_quota=int_of(root, "VmQuota"),
        network_pool_id=pool_id,
        thin_provision=flag_of(root, "IsThinProvision"),
        fast_provisioning=flag_of(root, "UsesFastProvisioning"),
        guaranteed_cpu=_share(root, "ResourceGuaranteedCpu", 1.0),
        guaranteed_memory=_share(root, "ResourceGuaranteedMemory", 1.0),
        vcpu_mhz=int_of(root, "VCpuInMhz", 1000),
        over_commit_allowed=flag_of(root, "OverCommitAllowed"),
        vm_discovery=flag_of(root, "VmDiscoveryEnabled"),
        profiles=[_profile_spec(context, one) for one in children(root, "VdcStorageProfile")],
    )


_UNITS = {"MHz": {"MHz": 1, "GHz": 1000}, "MB": {"MB": 1, "GB": 1024, "TB": 1024 * 1024}}


def _factor(element: Element | None, what: str, units: str) -> int:
    """By what to multiply the numbers in an element, which says in which units they are."""
    given = text_of(element, "Units", units)
    factor = _UNITS[units].get(given)
    if factor is None:
        raise errors.bad_request(f"Bad request: validation error, Units of {what} cannot be {given[:40]!r}.")
    return factor


def _capacity(root: Element, name: str, units: str) -> Capacity:
    element = child(root, f"ComputeCapacity/{name}")
    factor = _factor(element, name, units)
    return Capacity(
        units=units, allocated=int_of(element, "Allocated") * factor, limit=int_of(element, "Limit") * factor
    )


def _share(root: Element, name: str, default: float) -> float:
    """A share of the whole, between 0 and 1."""
    text = text_of(root, name)
    try:
        share = float(text) if text else default
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise errors.bad_request(f"Bad request: validation error, {name} is not between 0 and 1.")
    return share


@router.put("/api/admin/vdc/{vdc_id}")
def update_vdc(context: Context, vdc_id: str) -> Reply:
    context.access.require_provider("Organization vDC: Edit")
    vdc = context.access.vdc_by_id(vdc_id)
    root = require_root(context.xml(), "AdminVdc", "Vdc")
    model = text_of(root, "AllocationModel") or vdc.allocation_model
    if model != vdc.allocation_model:
        raise errors.not_allowed("The allocation model of a VDC cannot be changed.")
    changes = datacenter.VdcChanges(
        name=root.get("name"),
        description=optional_text(root, "Description"),
        cpu=_capacity(root, "Cpu", "MHz") if child(root, "ComputeCapacity/Cpu") is not None else None,
        memory=_capacity(root, "Memory", "MB") if child(root, "ComputeCapacity/Memory") is not None else None,
        nic_quota=int_of(root, "NicQuota", vdc.nic_quota),
        network_quota=int_of(root, "NetworkQuota", vdc.network_quota),
        vm_quota=int_of(root, "VmQuota", vdc.vm_quota),
        guaranteed_cpu=_share(root, "ResourceGuaranteedCpu", vdc.guaranteed_cpu),
        guaranteed_memory=_share(root, "ResourceGuaranteedMemory", vdc.guaranteed_memory),
        vcpu_mhz=int_of(root, "VCpuInMhz", vdc.vcpu_mhz),
        thin_provision=optional_flag(root, "IsThinProvision"),
        fast_provisioning=optional_flag(root, "UsesFastProvisioning"),
        enabled=optional_flag(root, "IsEnabled"),
        default_policy_id=referenced_policy(child(root, "DefaultComputePolicy")) if context.since_33 else None,
    )
    return accepted(context, datacenter.update_vdc(context.cloud, context.session.user, vdc, changes))


@router.post("/api/admin/vdc/{vdc_id}/vdcStorageProfiles")
def change_storage_profiles(context: Context, vdc_id: str) -> Reply:
    context.access.require_provider("Organization vDC: Edit")
    vdc = context.access.vdc_by_id(vdc_id)
    root = require_root(context.xml(), "UpdateVdcStorageProfiles")
    add = [_profile_spec(context, one) for one in children(root, "AddStorageProfile")]
    remove = [
        context.access.profile_by_id(referenced_id(one, "RemoveStorageProfile"))
        for one in children(root, "RemoveStorageProfile")
    ]
    return accepted(context, storage.change_profiles(context.cloud, context.session.user, vdc, add, remove))


@router.put("/api/admin/vdcStorageProfile/{profile_id}")
def update_storage_profile(context: Context, profile_id: str) -> Reply:
    context.access.require_provider("Organization vDC: Edit")
    profile = context.access.profile_by_id(profile_id)
    root = require_root(context.xml(), "AdminVdcStorageProfile")
    storage.update_profile(
        context.cloud,
        profile,
        enabled=flag_of(root, "Enabled", profile.enabled),
        default=flag_of(root, "Default", profile.default),
        limit_mb=_storage_limit(root, profile.limit_mb),
    )
    return Reply(content=documents.storage_profile(context, profile, admin=True))


def _profile_spec(context: Context, element: Element) -> datacenter.ProfileSpec:
    profile_id = referenced_id(child(element, "ProviderVdcStorageProfile"), "ProviderVdcStorageProfile")
    profile = context.access.existing(PROVIDER_STORAGE_PROFILE, context.cloud.provider_profiles, profile_id)
    return datacenter.ProfileSpec(
        provider_profile=profile,
        limit_mb=_storage_limit(element, 0),
        default=flag_of(element, "Default"),
        enabled=flag_of(element, "Enabled", True),
    )


def _storage_limit(element: Element, unstated: int) -> int:
    """The limit of a storage profile, in MB."""
    if child(element, "Limit") is None:
        return unstated
    limit = int_of(element, "Limit") * _factor(element, "a storage profile", "MB")
    if limit < 0:
        raise errors.bad_request("Bad request: validation error, Limit is negative.")
    return limit


@router.post("/api/admin/vdc/{vdc_id}/action/enable")
def enable_vdc(context: Context, vdc_id: str) -> Reply:
    return _switch(context, vdc_id, enabled=True)


@router.post("/api/admin/vdc/{vdc_id}/action/disable")
def disable_vdc(context: Context, vdc_id: str) -> Reply:
    return _switch(context, vdc_id, enabled=False)


def _switch(context: Context, vdc_id: str, *, enabled: bool) -> Reply:
    context.access.require_provider("Organization vDC: Enable / Disable")
    datacenter.set_enabled(context.cloud, context.access.vdc_by_id(vdc_id), enabled=enabled)
    return Reply(status=204)


@router.delete("/api/admin/vdc/{vdc_id}", "/api/vdc/{vdc_id}")
def delete_vdc(context: Context, vdc_id: str) -> Reply:
    context.access.require_provider("Organization vDC: Delete")
    vdc = context.access.vdc_by_id(vdc_id)
    task = removal.delete_vdc(
        context.cloud, context.session.user, vdc, recursive=context.flag("recursive"), force=context.flag("force")
    )
    return Reply(status=202, content=task_element(context, task))


@router.get("/api/vdcStorageProfile/{profile_id}")
def get_storage_profile(context: Context, profile_id: str) -> Reply:
    return Reply(content=documents.storage_profile(context, context.access.profile_by_id(profile_id)))


@router.get("/api/admin/vdcStorageProfile/{profile_id}")
def get_admin_storage_profile(context: Context, profile_id: str) -> Reply:
    profile = context.access.profile_by_id(profile_id)
    context.access.require("General: Administrator View")
    return Reply(content=documents.storage_profile(context, profile, admin=True))
