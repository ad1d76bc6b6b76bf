"""Compute policies of VMs in documents: `VdcComputePolicy` at API 32.0 and 33.0, `ComputePolicy` from 33.0 on."""

from vcd_simulator.model.compute import Vm
from vcd_simulator.model.policies import AppliedPolicies, ComputePolicy
from vcd_simulator.operations.vm_policies import sizing_of
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.versions import V33, ApiVersion
from vcd_simulator.rest.xml import Element, child, flag_of, vcloud

POLICIES_SINCE = ApiVersion(32, 0)


def vm_policies(context: Context, vm: Vm) -> list[Element | None]:
    """What a VM follows. One of a vApp always has a size from somewhere; one of a template may leave it open."""
    if context.version < POLICIES_SINCE:
        return []
    policies = context.cloud.compute_policies
    placement = policies.get(vm.policies.placement_id)
    sizing = policies.get(vm.policies.sizing_id)
    if sizing is None and vm.template_id is None:
        sizing = sizing_of(context.cloud, vm)
    found: list[Element | None] = []
    if context.version <= V33:
        one = placement if placement is not None and vm.policies.sizing_id is None else sizing
        found.append(policy_reference(context, "VdcComputePolicy", one) if one is not None else None)
    if context.since_33 and (sizing is not None or placement is not None):
        found.append(_compute_policy(context, vm.policies, sizing, placement))
    return found


def _compute_policy(
    context: Context, applied: AppliedPolicies, sizing: ComputePolicy | None, placement: ComputePolicy | None
) -> Element:
    return vcloud(
        "ComputePolicy",
        policy_reference(context, "VmPlacementPolicy", placement) if placement is not None else None,
        vcloud("VmPlacementPolicyFinal", applied.placement_final) if placement is not None else None,
        policy_reference(context, "VmSizingPolicy", sizing) if sizing is not None else None,
        vcloud("VmSizingPolicyFinal", applied.sizing_final) if sizing is not None else None,
    )


def policy_reference(context: Context, tag: str, policy: ComputePolicy) -> Element:
    """What points at a policy, which is a document of the cloudapi's."""
    urn = context.urn(policy)
    href = context.url(f"/cloudapi/1.0.0/vdcComputePolicies/{urn}")
    return vcloud(tag, href=href, id=urn, type="application/json", name=policy.name)


def read_vm_policies(context: Context, parent: Element) -> AppliedPolicies | None:
    """What a document wants a VM to follow; None where it does not say."""
    element = child(parent, "ComputePolicy") if context.since_33 else None
    if element is not None:
        return AppliedPolicies(
            sizing_id=referenced_policy(child(element, "VmSizingPolicy")),
            placement_id=referenced_policy(child(element, "VmPlacementPolicy")),
            sizing_final=flag_of(element, "VmSizingPolicyFinal"),
            placement_final=flag_of(element, "VmPlacementPolicyFinal"),
        )
    old = child(parent, "VdcComputePolicy") if context.version >= POLICIES_SINCE else None
    if old is None:
        return None
    policy_id = referenced_policy(old)
    policy = context.cloud.compute_policies.get(policy_id)
    if policy is not None and policy.provider_policy_id is not None:
        return AppliedPolicies(placement_id=policy_id)
    return AppliedPolicies(sizing_id=policy_id)


def referenced_policy(reference: Element | None) -> str | None:
    """The id of the policy that an element points at; None without an element, or if it names none."""
    if reference is None:
        return None
    urn = (reference.get("href") or reference.get("id") or "").rstrip("/").rpartition("/")[2]
    return urn.rpartition(":")[2] or None
