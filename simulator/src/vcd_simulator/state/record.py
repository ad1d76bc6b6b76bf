"""A saved state as it is written: JSON, with a version that says how to read it."""

from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from vcd_simulator.bulk import without_garbage_collection
from vcd_simulator.defined_entities.model import DefinedEntity, EntityType, Grant, Interface, RightsBundle
from vcd_simulator.guests.snapshot import GuestsRecord
from vcd_simulator.model.authorization import AclRule, ResourceClass, ResourceClassAction, ServiceResource
from vcd_simulator.model.cloud import Sequences
from vcd_simulator.model.compute import Catalog, CatalogItem, Vapp, VappTemplate, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.infrastructure import (
    Datastore,
    ExternalNetwork,
    Host,
    NetworkPool,
    PortGroup,
    ProviderStorageProfile,
    ProviderVdc,
    ResourcePool,
    VimServer,
)
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.model.services import ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import Org, Right, Role, User
from vcd_simulator.model.ui_plugins import UiPlugin
from vcd_simulator.sessions import SessionsRecord
from vcd_simulator.vcenter.record import VcenterRecord

FORMAT: Final = "vcd-simulator-state"
VERSION: Final = 1
"""Grows when older programs could not read what is written."""


class StateError(ValueError):
    """A saved state that cannot be used; the message says why. Nothing has changed."""


@dataclass(kw_only=True)
class Tables:
    """Every entity, by the name of its table in the cloud; in the order in which they came."""

    orgs: list[Org]
    rights: list[Right]
    roles: list[Role]
    users: list[User]
    vim_servers: list[VimServer]
    provider_vdcs: list[ProviderVdc]
    provider_profiles: list[ProviderStorageProfile]
    network_pools: list[NetworkPool]
    external_networks: list[ExternalNetwork]
    vdcs: list[Vdc]
    profiles: list[StorageProfile]
    networks: list[OrgVdcNetwork]
    catalogs: list[Catalog]
    items: list[CatalogItem]
    templates: list[VappTemplate]
    vapps: list[Vapp]
    vms: list[Vm]
    services: list[ExtensionService]
    api_filters: list[ApiFilter]
    service_links: list[ServiceLink]
    resource_pools: list[ResourcePool] = field(default_factory=list)
    port_groups: list[PortGroup] = field(default_factory=list)
    datastores: list[Datastore] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    resource_classes: list[ResourceClass] = field(default_factory=list)
    service_resources: list[ServiceResource] = field(default_factory=list)
    resource_class_actions: list[ResourceClassAction] = field(default_factory=list)
    acl_rules: list[AclRule] = field(default_factory=list)
    compute_policies: list[ComputePolicy] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    entity_types: list[EntityType] = field(default_factory=list)
    defined_entities: list[DefinedEntity] = field(default_factory=list)
    access_grants: list[Grant] = field(default_factory=list)
    rights_bundles: list[RightsBundle] = field(default_factory=list)
    ui_plugins: list[UiPlugin] = field(default_factory=list)


@dataclass(kw_only=True)
class StateRecord:
    """A whole cloud."""

    format: Literal["vcd-simulator-state"]
    version: Literal[1]
    saved: str
    """When, as ISO 8601."""
    sequences: Sequences
    tables: Tables
    metadata: dict[str, list[MetadataEntry]]
    tasks: list[Task]
    guests: GuestsRecord
    shared_pools: list[str] = field(default_factory=list)
    """Ids of the networks that take their addresses from the pool of their external network."""
    vcenters: dict[str, VcenterRecord] = field(default_factory=dict)
    """By name: what vCenters themselves keep."""
    sessions: SessionsRecord | None = field(default=None, repr=False)


_ADAPTER = TypeAdapter(StateRecord)
_MOST_FAULTS_TOLD = 5


def render(record: StateRecord) -> bytes:
    """A record as JSON."""
    return _ADAPTER.dump_json(record)


def parse(content: bytes) -> StateRecord:
    """Read JSON.

    Raises:
        StateError: it is not a saved state, or one of another version.
    """
    try:
        with without_garbage_collection():
            return _ADAPTER.validate_json(content)
    except ValidationError as exc:
        raise StateError(_explain(content, exc)) from exc


def _explain(content: bytes, error: ValidationError) -> str:
    try:
        document = from_json(content)
    except ValueError as exc:
        return f"the saved state is not JSON: {exc}"
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return f'this is not a saved state: it does not say "format": "{FORMAT}"'
    if document.get("version") != VERSION:
        return f"this state is of version {document.get('version')!r}, and only version {VERSION} can be read"
    faults = error.errors(include_url=False, include_input=False)
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults[:_MOST_FAULTS_TOLD])
    more = len(faults) - _MOST_FAULTS_TOLD
    return f"the saved state is damaged: {told}" + (f" (and {more} more)" if more > 0 else "")
