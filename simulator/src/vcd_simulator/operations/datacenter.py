"""Org VDCs, their storage profiles and networks."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.datacenter import Capacity, OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.infrastructure import ExternalNetwork, ProviderStorageProfile, ProviderVdc, VimServer
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import Org, User
from vcd_simulator.operations import policies, work
from vcd_simulator.operations.names import check_name

ALLOCATION_MODELS = ("AllocationVApp", "AllocationPool", "ReservationPool", "Flex")


@dataclass(kw_only=True)
class ProfileSpec:
    """A storage profile that a new VDC is to offer."""

    provider_profile: ProviderStorageProfile
    limit_mb: int = 0
    default: bool = False
    enabled: bool = True


@dataclass(kw_only=True)
class VdcSpec:
    """What a new org VDC is to be."""

    name: str
    provider_vdc: ProviderVdc
    description: str = ""
    allocation_model: str = "AllocationVApp"
    enabled: bool = True
    cpu: Capacity = field(default_factory=lambda: Capacity(units="MHz"))
    memory: Capacity = field(default_factory=lambda: Capacity(units="MB"))
    nic_quota: int = 0
    network_quota: int = 100
    vm_quota: int = 0
    network_pool_id: str | None = None
    thin_provision: bool = False
    fast_provisioning: bool = False
    guaranteed_cpu: float = 1.0
    guaranteed_memory: float = 1.0
    vcpu_mhz: int = 1000
    over_commit_allowed: bool = False
    vm_discovery: bool = False
    profiles: list[ProfileSpec] = field(default_factory=list)


def add_vdc(cloud: Cloud, org: Org, spec: VdcSpec) -> Vdc:
    """Make an org VDC at once.

    Raises:
        VcdError: the name is taken, or the specification contradicts itself.
    """
    name = check_name("VDC", spec.name)
    if cloud.vdcs.first("name", (org.id, name)) is not None:
        raise errors.duplicate_name("vdc", name)
    if not spec.provider_vdc.enabled or not spec.provider_vdc.ready:
        raise errors.not_allowed(f"The provider VDC {spec.provider_vdc.name} is disabled.")
    check_limits(spec.cpu, spec.memory)
    if spec.allocation_model not in ALLOCATION_MODELS:
        raise errors.bad_request(
            f"Bad request: validation error, the allocation model is not one of {', '.join(ALLOCATION_MODELS)}."
        )
    _check_profiles(spec)
    vdc = cloud.vdcs.add(
        Vdc(
            id=cloud.new_id(),
            org_id=org.id,
            provider_vdc_id=spec.provider_vdc.id,
            name=name,
            description=spec.description,
            enabled=spec.enabled,
            allocation_model=spec.allocation_model,
            cpu=spec.cpu,
            memory=spec.memory,
            nic_quota=spec.nic_quota,
            network_quota=spec.network_quota,
            vm_quota=spec.vm_quota,
            network_pool_id=spec.network_pool_id,
            thin_provision=spec.thin_provision,
            fast_provisioning=spec.fast_provisioning,
            guaranteed_cpu=spec.guaranteed_cpu,
            guaranteed_memory=spec.guaranteed_memory,
            vcpu_mhz=spec.vcpu_mhz,
            over_commit_allowed=spec.over_commit_allowed,
            vm_discovery=spec.vm_discovery,
        )
    )
    chosen = next((profile for profile in spec.profiles if profile.default), spec.profiles[0])
    for profile in spec.profiles:
        add_profile(cloud, vdc, profile, default=profile is chosen)
    return vdc


def check_limits(*capacities: Capacity | None) -> None:
    """Check what a VDC is to get. Raises VcdError: 400, it is negative, or less than what is set apart for the VDC."""
    for one in capacities:
        if one is not None and (one.allocated < 0 or one.limit < 0 or 0 < one.limit < one.allocated):
            raise errors.bad_request(
                f"Bad request: validation error, the limit of {one.limit} {one.units} is less than the allocated "
                f"{one.allocated} {one.units}; 0 is no limit."
            )


def add_profile(cloud: Cloud, vdc: Vdc, spec: ProfileSpec, *, default: bool) -> StorageProfile:
    return cloud.profiles.add(
        StorageProfile(
            id=cloud.new_id(),
            vdc_id=vdc.id,
            provider_profile_id=spec.provider_profile.id,
            name=spec.provider_profile.name,
            limit_mb=spec.limit_mb,
            enabled=spec.enabled,
            default=default,
        )
    )


def _check_profiles(spec: VdcSpec) -> None:
    if not spec.profiles:
        raise errors.bad_request("Bad request: validation error, a VDC needs at least one storage profile.")
    for profile in spec.profiles:
        if profile.provider_profile.provider_vdc_id != spec.provider_vdc.id:
            name = profile.provider_profile.name
            raise errors.bad_request(f"The provider VDC {spec.provider_vdc.name} has no storage profile {name}.")


def require_usable(vdc: Vdc) -> None:
    """Check that something new can be made or started in a VDC.

    Raises:
        VcdError: it is disabled, or not there yet.
    """
    if not vdc.enabled or not vdc.ready:
        raise errors.not_allowed(f"The VDC {vdc.name} is disabled; nothing can be created or started in it.")


def create_vdc(cloud: Cloud, user: User, org: Org, spec: VdcSpec) -> tuple[Vdc, Task]:
    vdc = add_vdc(cloud, org, spec)
    vdc.ready = False
    task = work.start(
        cloud, user, org.id, vdc, "vdcCreateVdc", "Creating", "Created", noun="Virtual Datacenter",
        idle=[spec.provider_vdc], effect=lambda: _set_ready(vdc), undo=lambda: forget_vdc(cloud, vdc),
    )  # fmt: skip
    return vdc, task


def _set_ready(entity: Vdc | OrgVdcNetwork) -> None:
    entity.ready = True


def forget_vdc(cloud: Cloud, vdc: Vdc) -> None:
    """Drop an empty VDC with its storage profiles."""
    for profile in cloud.profiles.find("vdc", vdc.id):
        cloud.metadata.remove_all(profile.id)
        cloud.profiles.remove(profile)
    cloud.metadata.remove_all(vdc.id)
    cloud.vdcs.remove(vdc)


@dataclass(kw_only=True)
class VdcChanges:
    """What is to change in an org VDC; None leaves things as they are."""

    name: str | None = None
    description: str | None = None
    cpu: Capacity | None = None
    memory: Capacity | None = None
    nic_quota: int | None = None
    network_quota: int | None = None
    vm_quota: int | None = None
    guaranteed_cpu: float | None = None
    guaranteed_memory: float | None = None
    vcpu_mhz: int | None = None
    thin_provision: bool | None = None
    fast_provisioning: bool | None = None
    enabled: bool | None = None
    default_policy_id: str | None = None
    """Of a compute policy that it offers."""


def update_vdc(cloud: Cloud, user: User, vdc: Vdc, changes: VdcChanges) -> Task:
    """Change an org VDC.

    Raises:
        VcdError: a limit makes no sense, the name is taken, or the VDC does not offer the policy.
    """
    values = {name: value for name, value in vars(changes).items() if value is not None}
    check_limits(changes.cpu, changes.memory)
    if changes.name is not None:
        values["name"] = check_name("VDC", changes.name)
        other = cloud.vdcs.first("name", (vdc.org_id, values["name"]))
        if other is not None and other is not vdc:
            raise errors.duplicate_name("vdc", changes.name)
    _check_policy(cloud, vdc, changes)

    def effect() -> None:
        _check_policy(cloud, vdc, changes)  # somebody may have taken it from the VDC meanwhile
        for name, value in values.items():
            setattr(vdc, name, value)
        cloud.vdcs.reindex(vdc)

    return work.start(
        cloud, user, vdc.org_id, vdc, "vdcUpdateVdc", "Updating", "Updated", noun="Virtual Datacenter", effect=effect
    )


def _check_policy(cloud: Cloud, vdc: Vdc, changes: VdcChanges) -> None:
    if changes.default_policy_id is not None:
        policies.require_offered(cloud, vdc, changes.default_policy_id)


def set_enabled(cloud: Cloud, vdc: Vdc, *, enabled: bool) -> None:
    """Let things be made and started in a VDC, or not.

    Raises:
        VcdError: it is being changed or deleted.
    """
    cloud.tasks.require_idle([(vdc.id, vdc.name)])
    vdc.enabled = enabled


def enable_vim_server(cloud: Cloud, user: User, server: VimServer, *, enabled: bool) -> Task:
    """Let a vCenter be used for new things, or not."""

    def effect() -> None:
        server.enabled = enabled

    return work.start(
        cloud, user, cloud.system_org.id, server, "vimServerUpdate", "Updating", "Updated", noun="Virtual Center",
        effect=effect,
    )  # fmt: skip


def default_profile(cloud: Cloud, vdc: Vdc) -> StorageProfile:
    profiles = cloud.profiles.find("vdc", vdc.id)
    return next((profile for profile in profiles if profile.default), profiles[0])


@dataclass(kw_only=True)
class NetworkSpec:
    """What a new network of an org VDC is to be; a direct one takes its addresses from `parent`."""

    name: str
    description: str = ""
    parent: ExternalNetwork | None = None
    gateway: str = ""
    netmask: str = ""
    ranges: Iterable[tuple[str, str]] = ()
    dns1: str = ""
    dns2: str = ""
    dns_suffix: str = ""
    shared: bool = False


def add_network(cloud: Cloud, vdc: Vdc, spec: NetworkSpec) -> OrgVdcNetwork:
    """Make a direct or isolated network at once."""
    name = check_name("network", spec.name)
    if cloud.networks.first("name", (vdc.org_id, name)) is not None:
        raise errors.duplicate_name("network", name)
    if vdc.network_quota and cloud.networks.count("vdc", vdc.id) >= vdc.network_quota:
        raise errors.bad_request(f"The VDC {vdc.name} has reached its quota of {vdc.network_quota} networks.")
    return cloud.networks.add(
        OrgVdcNetwork(
            id=cloud.new_id(),
            org_id=vdc.org_id,
            vdc_id=vdc.id,
            name=name,
            description=spec.description,
            fence_mode="bridged" if spec.parent is not None else "isolated",
            parent_id=spec.parent.id if spec.parent is not None else None,
            shared=spec.shared,
            pool=_pool_of(spec),
        )
    )


def _pool_of(spec: NetworkSpec) -> IpPool:
    if spec.parent is not None and not spec.gateway:
        return spec.parent.pool
    try:
        return IpPool(
            gateway=spec.gateway,
            netmask=spec.netmask,
            ranges=spec.ranges,
            dns1=spec.dns1,
            dns2=spec.dns2,
            dns_suffix=spec.dns_suffix,
        )
    except ValueError as exc:
        raise errors.bad_request(f"Bad request: validation error, the network's addresses are wrong: {exc}.") from exc


def create_network(cloud: Cloud, user: User, vdc: Vdc, spec: NetworkSpec) -> tuple[OrgVdcNetwork, Task]:
    cloud.tasks.require_idle((one.id, one.name) for one in (vdc, spec.parent) if one is not None)
    network = add_network(cloud, vdc, spec)
    network.ready = False
    task = work.start(
        cloud, user, vdc.org_id, network, "networkCreateOrgVdcNetwork", "Creating", "Created", noun="Network",
        effect=lambda: _set_ready(network), undo=lambda: forget_network(cloud, network),
    )  # fmt: skip
    return network, task


def forget_network(cloud: Cloud, network: OrgVdcNetwork) -> None:
    """Drop a network that nobody is connected to."""
    cloud.metadata.remove_all(network.id)
    cloud.networks.remove(network)


def delete_network(cloud: Cloud, user: User, network: OrgVdcNetwork) -> Task:
    """Delete a network that no vApp is connected to, or is about to be."""
    cloud.tasks.require_unused([(network.id, network.name)])
    for vdc in cloud.vdcs.find("org", network.org_id):
        for vapp in cloud.vapps.find("vdc", vdc.id):
            if any(one.parent_id == network.id for one in vapp.networks.values()):
                raise errors.not_allowed(f"The network {network.name} is in use by the vApp {vapp.name}.")
    return work.start(
        cloud, user, network.org_id, network, "networkDelete", "Deleting", "Deleted", noun="Network",
        effect=lambda: forget_network(cloud, network),
    )  # fmt: skip
