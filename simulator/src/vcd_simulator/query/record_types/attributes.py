"""Attributes that records of several types have."""

from typing import Protocol

from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import VIM_SERVER, Kind
from vcd_simulator.query.columns import Attribute
from vcd_simulator.query.values import Pointer


class InVcenter(Protocol):
    """What a vCenter has."""

    @property
    def vim_server_id(self) -> str: ...


VCENTER: dict[str, Attribute[InVcenter]] = {
    "vc": lambda cloud, one: Pointer(VIM_SERVER, one.vim_server_id),
    "vcName": lambda cloud, one: cloud.vim_servers[one.vim_server_id].name,
}
"""Where something of a vCenter's is."""


def pointer(kind: Kind, entity_id: str | None) -> Pointer | None:
    """What points at an entity, if there is one."""
    return Pointer(kind, entity_id) if entity_id else None


def user_name(cloud: Cloud, user_id: str) -> str | None:
    """The name of a user, who may have been deleted meanwhile."""
    user = cloud.users.get(user_id)
    return user.name if user is not None else None


def org_name(cloud: Cloud, org_id: str) -> str | None:
    """The name of an organisation, which may have been deleted meanwhile."""
    org = cloud.orgs.get(org_id)
    return org.name if org is not None else None
