"""Compute policies: making them, changing them, offering them in VDCs."""

from collections.abc import Iterator, Sequence

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.policies import SYSTEM_DEFAULT, ComputePolicy
from vcd_simulator.operations.names import check_name

_DEFAULT_ID = "00000000-0000-4000-8000-000000000001"
"""The same everywhere: what comes from the inventory keeps its ids."""


def system_default(cloud: Cloud) -> ComputePolicy:
    """The policy that every VDC has; a state that was saved before there were policies gets it now."""
    found = cloud.compute_policies.get(_DEFAULT_ID)
    return found or cloud.compute_policies.add(ComputePolicy(id=_DEFAULT_ID, name=SYSTEM_DEFAULT))


def add(cloud: Cloud, policy: ComputePolicy) -> ComputePolicy:
    """Enter a policy beside the system's default.

    Raises:
        VcdError: 400, its name is taken or not valid, or it refers to a provider's policy that is none.
    """
    system_default(cloud)
    _check(cloud, policy)
    return cloud.compute_policies.add(policy)


def change(cloud: Cloud, policy: ComputePolicy, name: str, description: str) -> None:
    """Rename or describe a policy; what it demands of VMs never changes."""
    if policy is system_default(cloud):
        raise errors.not_allowed(f"The policy {SYSTEM_DEFAULT} cannot be changed.")
    if name != policy.name:
        check_name("compute policy", name)
        _require_free(cloud, policy.of_provider, name)
    policy.name, policy.description = name, description
    cloud.compute_policies.reindex(policy)


def delete(cloud: Cloud, policy: ComputePolicy) -> None:
    """Forget a policy that nobody uses."""
    used = any(policy.id in vdc.compute_policy_ids for vdc in cloud.vdcs) or any(
        one.provider_policy_id == policy.id for one in cloud.compute_policies
    )
    used = used or next(users_of(cloud, policy), None) is not None
    if used or policy is system_default(cloud):
        raise errors.not_allowed(f"The compute policy {policy.name} is in use.")
    cloud.compute_policies.remove(policy)


def of_vdc(cloud: Cloud, vdc: Vdc) -> list[ComputePolicy]:
    """What a VDC offers; the system's default first."""
    offered = [cloud.compute_policies[policy_id] for policy_id in vdc.compute_policy_ids]
    return [system_default(cloud), *offered]


def default_of(cloud: Cloud, vdc: Vdc) -> ComputePolicy:
    """What new VMs in a VDC follow if neither they nor their template say otherwise."""
    return cloud.compute_policies.get(vdc.default_policy_id) or system_default(cloud)


def require_offered(cloud: Cloud, vdc: Vdc, policy_id: str) -> None:
    """Check that a VDC offers a policy.

    Raises:
        VcdError: 400, it does not.
    """
    if all(one.id != policy_id for one in of_vdc(cloud, vdc)):
        raise errors.bad_request(f"The VDC {vdc.name} does not offer the compute policy {policy_id[:80]!r}.")


def offer(cloud: Cloud, vdc: Vdc, policy_ids: Sequence[str]) -> None:
    """Let a VDC offer these policies and no others.

    Raises:
        VcdError: 400, one is unknown, or the VDC's default or the system's is not among them.
    """
    default = system_default(cloud)
    if default.id not in policy_ids:
        raise errors.not_allowed(
            f"The policy {SYSTEM_DEFAULT} is the default of every VDC and cannot be taken from it."
        )
    own = default_of(cloud, vdc)
    if own.id not in policy_ids:
        raise errors.not_allowed(
            f"The policy {own.name} is the default of the VDC {vdc.name} and cannot be taken from it."
        )
    for policy_id in policy_ids:
        policy = cloud.compute_policies.get(policy_id)
        if policy is None or policy.of_provider:
            raise errors.bad_request(f"There is no VDC compute policy {policy_id[:80]!r}.")
    for policy_id in set(vdc.compute_policy_ids).difference(policy_ids):
        vm = next(users_of(cloud, cloud.compute_policies[policy_id], vdc), None)
        if vm is not None:
            name = cloud.compute_policies[policy_id].name
            raise errors.not_allowed(f"The policy {name} cannot be taken from the VDC {vdc.name}: {vm.name} uses it.")
    vdc.compute_policy_ids = [one for one in dict.fromkeys(policy_ids) if one != default.id]


def users_of(cloud: Cloud, policy: ComputePolicy, vdc: Vdc | None = None) -> Iterator[Vm]:
    """The VMs that follow a policy; with a VDC, those of its vApps."""
    for vm in cloud.vms:
        if policy.id not in (vm.policies.sizing_id, vm.policies.placement_id):
            continue
        if vdc is None or (vm.vapp_id is not None and cloud.vapps[vm.vapp_id].vdc_id == vdc.id):
            yield vm


def _check(cloud: Cloud, policy: ComputePolicy) -> None:
    policy.name = check_name("compute policy", policy.name)
    _require_free(cloud, policy.of_provider, policy.name)
    placed_by = policy.provider_policy_id
    if placed_by is not None:
        other = cloud.compute_policies.get(placed_by)
        if other is None or not other.of_provider:
            raise errors.bad_request(f"There is no provider VDC compute policy {placed_by[:80]!r}.")


def _require_free(cloud: Cloud, of_provider: bool, name: str) -> None:
    if cloud.compute_policies.first("name", (of_provider, name)) is not None:
        raise errors.duplicate_name("compute policy", name)
