"""Org VDCs below `/cloudapi`: no more than where they are and what kind they are."""

from typing import Any

from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.rest.cloudapi import json_reply, page_reply
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import id_in
from vcd_simulator.rest.routing import Router

router = Router()
_ALLOCATIONS = {
    "AllocationVApp": "ALLOCATION_VAPP",
    "AllocationPool": "ALLOCATION_POOL",
    "ReservationPool": "RESERVATION_POOL",
    "Flex": "FLEX",
}


@router.get("/cloudapi/1.0.0/vdcs")
def list_vdcs(context: Context) -> Reply:
    return page_reply(context, [_shown(context, one) for one in context.access.vdcs()])


@router.get("/cloudapi/1.0.0/vdcs/{vdc_id}")
def read(context: Context, vdc_id: str) -> Reply:
    return json_reply(_shown(context, context.access.vdc_by_id(id_in(vdc_id))))


def _shown(context: Context, vdc: Vdc) -> dict[str, Any]:
    org = context.cloud.orgs[vdc.org_id]
    return {
        "id": context.urn(vdc),
        "name": vdc.name,
        "description": vdc.description,
        "allocationType": _ALLOCATIONS[vdc.allocation_model],
        "org": {"name": org.name, "id": context.urn(org)},
    }
