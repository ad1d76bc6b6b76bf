"""Compute policies of VMs: which of those that a VDC offers a VM follows, and what that makes of its hardware."""

from dataclasses import replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Hardware, Vm
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.policies import NO_POLICIES, AppliedPolicies, ComputePolicy
from vcd_simulator.operations.policies import default_of, of_vdc, system_default


def of_new_vm(cloud: Cloud, vdc: Vdc, source: Vm, wanted: AppliedPolicies | None) -> AppliedPolicies:
    """What a VM that is made from another one follows: what is wanted, what its source follows, or the VDC's default.

    Where the source is a VM of a vApp, that follows the system's default if it follows nothing else, and policies that
    the VDC does not offer give way to the VDC's default.

    Raises:
        VcdError: 400, the VDC does not offer a policy, or it would take the place of one that the template insists on.
    """
    inherited, wanted, default = source.policies, wanted or NO_POLICIES, _default(cloud, vdc)
    if source.vapp_id is not None:
        offered = {None, *(one.id for one in of_vdc(cloud, vdc))}
        inherited = replace(
            inherited,
            sizing_id=inherited.sizing_id if inherited.sizing_id in offered else default.sizing_id,
            placement_id=inherited.placement_id if inherited.placement_id in offered else default.placement_id,
        )
        default = NO_POLICIES
    _require_final(source.name, inherited, wanted, given_up=False)
    chosen = replace(
        inherited,
        sizing_id=wanted.sizing_id or inherited.sizing_id or default.sizing_id,
        placement_id=wanted.placement_id or inherited.placement_id or default.placement_id,
    )
    return _offered(cloud, vdc, chosen)


def _default(cloud: Cloud, vdc: Vdc) -> AppliedPolicies:
    """What the default of a VDC means for a VM: a size, or a place."""
    policy = default_of(cloud, vdc)
    if policy.provider_policy_id is not None:
        return AppliedPolicies(placement_id=policy.id)
    return AppliedPolicies(sizing_id=policy.id)


def of_changed_vm(cloud: Cloud, vdc: Vdc, vm: Vm, wanted: AppliedPolicies) -> AppliedPolicies:
    """What a VM of a vApp is to follow from now on.

    Raises:
        VcdError: 400, the VDC does not offer a policy, or the VM must keep the one that it has.
    """
    chosen = replace(vm.policies, sizing_id=wanted.sizing_id, placement_id=wanted.placement_id)
    chosen = _offered(cloud, vdc, chosen)
    _require_final(vm.name, vm.policies, chosen, given_up=True)
    return chosen


def differs(cloud: Cloud, vm: Vm, wanted: AppliedPolicies) -> bool:
    """Whether a VM of a vApp does not follow these policies yet."""
    sizing_id = vm.policies.sizing_id or system_default(cloud).id
    return (wanted.sizing_id or system_default(cloud).id, wanted.placement_id) != (sizing_id, vm.policies.placement_id)


def of_template_vm(cloud: Cloud, wanted: AppliedPolicies) -> AppliedPolicies:
    """What VMs that are made from a template's are to follow.

    Raises:
        VcdError: 400, there is no such policy.
    """
    return _checked(cloud, wanted)


def sizing_of(cloud: Cloud, vm: Vm) -> ComputePolicy:
    """The policy that says how large a VM of a vApp is; the system's default leaves that to others."""
    found = cloud.compute_policies.get(vm.policies.sizing_id)
    return found or system_default(cloud)


def size(cloud: Cloud, hardware: Hardware, policies: AppliedPolicies) -> None:
    """Give a machine the processors and the memory that its policy names."""
    policy = cloud.compute_policies.get(policies.sizing_id)
    if policy is None:
        return
    if policy.cpu_count is not None:
        hardware.cpu_count = policy.cpu_count
    if policy.cores_per_socket is not None:
        hardware.cores_per_socket = policy.cores_per_socket
    if hardware.cpu_count % hardware.cores_per_socket:
        hardware.cores_per_socket = 1
    if policy.memory_mb is not None:
        hardware.memory_mb = policy.memory_mb


def require_own_choice(cloud: Cloud, vm: Vm, *, cpus: int | None = None, memory_mb: int | None = None) -> None:
    """Check that no policy says otherwise.

    Raises:
        VcdError: 400, the policy of the VM names another number of CPUs or another size of the memory.
    """
    policy, hardware = sizing_of(cloud, vm), vm.hardware
    for what, named, wanted, present in (
        ("CPUs", policy.cpu_count, cpus, hardware.cpu_count),
        ("memory", policy.memory_mb, memory_mb, hardware.memory_mb),
    ):
        if named is not None and wanted not in (None, named, present):
            raise errors.not_allowed(
                f"The {what} of the VM {vm.name} cannot be changed: its sizing policy {policy.name} says {named}."
            )


def _require_final(name: str, kept: AppliedPolicies, wanted: AppliedPolicies, *, given_up: bool) -> None:
    """Check that what is final stays; with `given_up`, that nothing is wanted means to give it up."""
    for what, final, own, other in (
        ("sizing", kept.sizing_final, kept.sizing_id, wanted.sizing_id),
        ("placement", kept.placement_final, kept.placement_id, wanted.placement_id),
    ):
        if final and own is not None and other != own and (given_up or other is not None):
            raise errors.not_allowed(f"The {what} policy of the VM {name} is final and cannot be replaced.")


def _offered(cloud: Cloud, vdc: Vdc, wanted: AppliedPolicies) -> AppliedPolicies:
    checked = _checked(cloud, wanted)
    offered = {one.id for one in of_vdc(cloud, vdc)}
    for policy_id in (checked.sizing_id, checked.placement_id):
        if policy_id is not None and policy_id not in offered:
            name = cloud.compute_policies[policy_id].name
            raise errors.bad_request(f"The compute policy {name} is not available in the VDC {vdc.name}.")
    return checked


def _checked(cloud: Cloud, wanted: AppliedPolicies) -> AppliedPolicies:
    """The same, if the policies exist and are of the right kinds; the system's default is no policy of one's own."""
    default = system_default(cloud).id
    sizing_id = None if wanted.sizing_id == default else wanted.sizing_id
    for policy_id, places in ((sizing_id, False), (wanted.placement_id, True)):
        if policy_id is None:
            continue
        policy = cloud.compute_policies.get(policy_id)
        if policy is None or policy.of_provider:
            raise errors.bad_request(f"There is no VDC compute policy {policy_id[:80]!r}.")
        if (policy.provider_policy_id is not None) is not places:
            kind = "placement" if places else "sizing"
            raise errors.bad_request(f"The compute policy {policy.name} is no {kind} policy.")
    return replace(wanted, sizing_id=sizing_id)
