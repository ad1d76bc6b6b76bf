"""Compute policies: a cloudapi collection, and what VDCs offer of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vcd_simulator import errors
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.operations import policies
from vcd_simulator.rest.cloudapi import json_reply, page_reply, read_body, read_list
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents.vdcs import COMPUTE_POLICIES
from vcd_simulator.rest.parsing import id_in, require_root
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import children, vcloud

router = Router()
_VIEW = "Organization vDC Compute Policy: View"
_MANAGE = "Organization vDC Compute Policy: Manage"
_VERSIONS = ("1.0.0", "2.0.0")


class _Named(BaseModel):
    """A reference to an entity."""

    id: str
    name: str | None = None


class _PolicyBody(BaseModel):
    """A policy as clients write it; what they send besides is left alone."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    name: str = ""
    description: str | None = None
    placed_by: _Named | None = Field(None, alias="pvdcComputePolicy")
    cpu_speed_mhz: int | None = Field(None, alias="cpuSpeed", ge=0)
    cpu_count: int | None = Field(None, alias="cpuCount", ge=1)
    cores_per_socket: int | None = Field(None, alias="coresPerSocket", ge=1)
    cpu_reservation: float | None = Field(None, alias="cpuReservationGuarantee", ge=0, le=1)
    cpu_limit: int | None = Field(None, alias="cpuLimit")
    cpu_shares: int | None = Field(None, alias="cpuShares")
    memory_mb: int | None = Field(None, alias="memory", ge=1)
    memory_reservation: float | None = Field(None, alias="memoryReservationGuarantee", ge=0, le=1)
    memory_limit: int | None = Field(None, alias="memoryLimit")
    memory_shares: int | None = Field(None, alias="memoryShares")


_SIZES = {
    field: info.alias or field
    for field, info in _PolicyBody.model_fields.items()
    if field not in ("name", "description", "placed_by")
}


def _serve(collection: str, *, of_provider: bool) -> None:
    """The same for both kinds of policies, in both versions of the API."""
    roots = [f"/cloudapi/{version}/{collection}" for version in _VERSIONS]
    members = [f"{root}/{{policy_id}}" for root in roots]

    @router.get(*roots)
    def list_policies(context: Context) -> Reply:
        _require_view(context, of_provider)
        policies.system_default(context.cloud)
        found = [one for one in context.cloud.compute_policies if one.of_provider is of_provider]
        return page_reply(context, [_shown(context, one) for one in found])

    @router.post(*roots)
    def create(context: Context) -> Reply:
        context.access.require_provider(_MANAGE)
        body = read_body(context, _PolicyBody)
        policy = ComputePolicy(
            id=context.cloud.new_id(),
            name=body.name,
            description=body.description or "",
            of_provider=of_provider,
            provider_policy_id=id_in(body.placed_by.id) if body.placed_by is not None else None,
            **{field: getattr(body, field) for field in _SIZES},
        )
        return json_reply(_shown(context, policies.add(context.cloud, policy)), 201)

    @router.get(*members)
    def read(context: Context, policy_id: str) -> Reply:
        _require_view(context, of_provider)
        return json_reply(_shown(context, _policy(context, policy_id, of_provider)))

    @router.put(*members)
    def update(context: Context, policy_id: str) -> Reply:
        context.access.require_provider(_MANAGE)
        policy, body = _policy(context, policy_id, of_provider), read_body(context, _PolicyBody)
        description = policy.description if body.description is None else body.description
        policies.change(context.cloud, policy, body.name or policy.name, description)
        return json_reply(_shown(context, policy))

    @router.delete(*members)
    def delete(context: Context, policy_id: str) -> Reply:
        context.access.require_provider(_MANAGE)
        policies.delete(context.cloud, _policy(context, policy_id, of_provider))
        return Reply(status=204)


_OF_POLICY = [f"/cloudapi/{version}/vdcComputePolicies/{{policy_id}}/vdcs" for version in _VERSIONS]


@router.get(*_OF_POLICY)
def vdcs_of(context: Context, policy_id: str) -> Reply:
    """The VDCs that offer a policy, as far as the caller sees them."""
    context.access.require(_VIEW)
    policy = _policy(context, policy_id, of_provider=False)
    found = [vdc for vdc in context.access.vdcs() if policy in policies.of_vdc(context.cloud, vdc)]
    return json_reply([{"name": vdc.name, "id": context.urn(vdc)} for vdc in found])


@router.post(*_OF_POLICY)
def offer_in_vdcs(context: Context, policy_id: str) -> Reply:
    """Let VDCs offer a policy besides what they offer already."""
    context.access.require_provider(_MANAGE)
    policy = _policy(context, policy_id, of_provider=False)
    for vdc in [context.access.vdc_by_id(id_in(one.id)) for one in read_list(context, _Named)]:
        offered = [one.id for one in policies.of_vdc(context.cloud, vdc)]
        policies.offer(context.cloud, vdc, [*offered, policy.id])
    return vdcs_of(context, policy_id)


@router.get(*[f"/cloudapi/{version}/vdcs/{{vdc_id}}/computePolicies" for version in _VERSIONS])
def collection_of_vdc(context: Context, vdc_id: str) -> Reply:
    context.access.require(_VIEW)
    vdc = context.access.vdc_by_id(id_in(vdc_id))
    return page_reply(context, [_shown(context, one) for one in policies.of_vdc(context.cloud, vdc)])


_serve("vdcComputePolicies", of_provider=False)
_serve("pvdcComputePolicies", of_provider=True)


@router.get("/api/vdc/{vdc_id}/computePolicies", "/api/admin/vdc/{vdc_id}/computePolicies")
def of_vdc(context: Context, vdc_id: str) -> Reply:
    vdc = context.access.vdc_by_id(vdc_id)
    base = context.url("/cloudapi/1.0.0/vdcComputePolicies/")
    references = [
        vcloud("VdcComputePolicyReference", name=one.name, id=context.urn(one), href=base + context.urn(one))
        for one in policies.of_vdc(context.cloud, vdc)
    ]
    href = context.url(f"/api/vdc/{vdc.id}/computePolicies")
    return Reply(content=vcloud("VdcComputePolicyReferences", references, href=href, type=COMPUTE_POLICIES))


@router.put("/api/vdc/{vdc_id}/computePolicies", "/api/admin/vdc/{vdc_id}/computePolicies")
def offer_in_vdc(context: Context, vdc_id: str) -> Reply:
    context.access.require_provider(_MANAGE)
    root = require_root(context.xml(), "VdcComputePolicyReferences")
    wanted = [id_in(one.get("href")) for one in children(root, "VdcComputePolicyReference")]
    policies.offer(context.cloud, context.access.vdc_by_id(vdc_id), wanted)
    return of_vdc(context, vdc_id)


def _require_view(context: Context, of_provider: bool) -> None:
    if of_provider:
        context.access.require_provider(_VIEW)
    context.access.require(_VIEW)


def _policy(context: Context, policy_id: str, of_provider: bool) -> ComputePolicy:
    policies.system_default(context.cloud)
    policy = context.cloud.compute_policies.get(id_in(policy_id))
    if policy is None or policy.of_provider is not of_provider:
        raise errors.no_access("vdcComputePolicy", id_in(policy_id))
    return policy


def _shown(context: Context, policy: ComputePolicy) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": context.urn(policy),
        "name": policy.name,
        "description": policy.description or None,
    }
    if context.path.startswith("/cloudapi/2.0.0/"):
        shown["policyType"] = "PvdcVmPolicy" if policy.of_provider else "VdcVmPolicy"
    if policy.of_provider:
        return shown | {"providerVdc": None, "vmGroups": None}
    placed_by = context.cloud.compute_policies.get(policy.provider_policy_id)
    reference = {"name": placed_by.name, "id": context.urn(placed_by)} if placed_by is not None else None
    sizes = {alias: getattr(policy, field) for field, alias in _SIZES.items()}
    return shown | sizes | {"pvdcComputePolicy": reference, "isSizingOnly": placed_by is None}
