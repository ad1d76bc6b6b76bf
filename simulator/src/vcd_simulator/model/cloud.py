"""The whole state of a simulated cloud, behind one lock."""

import random
import uuid
from dataclasses import dataclass
from typing import Any

from vcd_simulator.clock import Clock, SystemClock
from vcd_simulator.defined_entities.model import DefinedEntity, EntityType, Grant, Interface, RightsBundle
from vcd_simulator.faults import Faults
from vcd_simulator.hypervisor import Hypervisor
from vcd_simulator.latency import Latency
from vcd_simulator.model.authorization import AclRule, ResourceClass, ResourceClassAction, ServiceResource
from vcd_simulator.model.compute import Catalog, CatalogItem, Vapp, VappTemplate, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.download import Download
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
from vcd_simulator.model.lock import StateLock
from vcd_simulator.model.metadata import MetadataStore
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.model.services import ApiFilter, ExtensionService, ServiceLink
from vcd_simulator.model.table import Table
from vcd_simulator.model.tenancy import SYSTEM_ORG, Org, Right, Role, User
from vcd_simulator.model.transfer import Transfer
from vcd_simulator.model.ui_plugins import UiPlugin
from vcd_simulator.model.upload_files import UploadStore
from vcd_simulator.tasks import TaskEngine

_FIRST_NUMBERS = {"mac": 0, "moid": 100}


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Where a cloud's ids and numbers come from."""

    random: tuple[int, list[int], float | None]
    numbers: dict[str, int]


class Cloud:
    """Every entity, the clock, the task engine and the hypervisor.

    Whoever reads or changes it holds `lock`, which is re-entrant; nothing slow happens meanwhile. Ids are drawn from a
    seed, so that the same inventory yields the same ids.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        *,
        latency: Latency | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults if faults is not None else Faults()
        self.lock = StateLock()
        self.clock: Clock = clock or SystemClock()
        self.latency = latency or Latency(seed=seed)
        self.hypervisor = hypervisor
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311  # to be repeatable, not secret
        self._numbers = dict(_FIRST_NUMBERS)
        self.tasks = TaskEngine(self.lock, self.clock, self.latency, self.new_id)
        self.metadata = MetadataStore()
        self.upload_files = UploadStore()

        self.orgs: Table[Org] = Table(name=lambda org: org.name.lower())
        self.rights: Table[Right] = Table(name=lambda right: right.name, service=lambda right: right.service_id)
        self.roles: Table[Role] = Table(org=lambda role: role.org_id, name=lambda role: (role.org_id, role.name))
        self.users: Table[User] = Table(
            org=lambda user: user.org_id,
            name=lambda user: (user.org_id, user.name.lower()),
            role=lambda user: user.role_id,
        )
        self.vim_servers: Table[VimServer] = Table(name=lambda server: server.name)
        self.provider_vdcs: Table[ProviderVdc] = Table(name=lambda pvdc: pvdc.name)
        self.provider_profiles: Table[ProviderStorageProfile] = Table(pvdc=lambda profile: profile.provider_vdc_id)
        self.resource_pools: Table[ResourcePool] = Table(
            server=lambda pool: pool.vim_server_id, pvdc=lambda pool: pool.provider_vdc_id
        )
        self.port_groups: Table[PortGroup] = Table(
            server=lambda group: group.vim_server_id, network=lambda group: group.external_network_id
        )
        self.datastores: Table[Datastore] = Table(server=lambda one: one.vim_server_id)
        self.hosts: Table[Host] = Table(server=lambda one: one.vim_server_id)
        self.network_pools: Table[NetworkPool] = Table(name=lambda pool: pool.name)
        self.external_networks: Table[ExternalNetwork] = Table(name=lambda network: network.name)
        self.vdcs: Table[Vdc] = Table(
            org=lambda vdc: vdc.org_id, name=lambda vdc: (vdc.org_id, vdc.name), pvdc=lambda vdc: vdc.provider_vdc_id
        )
        self.profiles: Table[StorageProfile] = Table(vdc=lambda profile: profile.vdc_id)
        self.networks: Table[OrgVdcNetwork] = Table(
            org=lambda net: net.org_id, vdc=lambda net: net.vdc_id, name=lambda net: (net.org_id, net.name)
        )
        self.catalogs: Table[Catalog] = Table(
            org=lambda catalog: catalog.org_id, name=lambda catalog: (catalog.org_id, catalog.name)
        )
        self.items: Table[CatalogItem] = Table(
            catalog=lambda item: item.catalog_id,
            name=lambda item: (item.catalog_id, item.name),
            template=lambda item: item.template_id,
        )
        self.templates: Table[VappTemplate] = Table(
            vdc=lambda template: template.vdc_id, owner=lambda template: template.owner_id
        )
        self.downloads: Table[Download] = Table(vapp=lambda download: download.vapp_id)
        self.transfers: Table[Transfer] = Table(template=lambda transfer: transfer.template_id)
        self.vapps: Table[Vapp] = Table(
            vdc=lambda vapp: vapp.vdc_id,
            name=lambda vapp: vapp.name,
            vdc_name=lambda vapp: (vapp.vdc_id, vapp.name),
            owner=lambda vapp: vapp.owner_id,
        )
        self.vms: Table[Vm] = Table(
            vapp=lambda vm: vm.vapp_id,
            template=lambda vm: vm.template_id,
            name=lambda vm: vm.name,
            vapp_name=lambda vm: (vm.vapp_id, vm.name) if vm.vapp_id else None,
            profile=lambda vm: vm.storage_profile_id,
            guest=lambda vm: vm.moid if vm.guest_exists else None,
        )
        self.compute_policies: Table[ComputePolicy] = Table(name=lambda one: (one.of_provider, one.name))
        self.interfaces: Table[Interface] = Table()
        self.entity_types: Table[EntityType] = Table()
        self.defined_entities: Table[DefinedEntity] = Table(
            type=lambda entity: entity.type_id, org=lambda entity: entity.org_id, owner=lambda entity: entity.owner_id
        )
        self.access_grants: Table[Grant] = Table(object=lambda one: one.object_id)
        self.rights_bundles: Table[RightsBundle] = Table(name=lambda bundle: bundle.name)
        self.ui_plugins: Table[UiPlugin] = Table()
        self.services: Table[ExtensionService] = Table(
            name=lambda service: service.name, namespace=lambda service: service.namespace
        )
        self.api_filters: Table[ApiFilter] = Table(service=lambda one: one.service_id)
        self.service_links: Table[ServiceLink] = Table(service=lambda one: one.service_id)
        self.resource_classes: Table[ResourceClass] = Table(service=lambda one: one.service_id)
        self.service_resources: Table[ServiceResource] = Table(resource_class=lambda one: one.class_id)
        self.resource_class_actions: Table[ResourceClassAction] = Table(resource_class=lambda one: one.class_id)
        self.acl_rules: Table[AclRule] = Table(action=lambda one: one.action_id)

    def tables(self) -> dict[str, Table[Any]]:
        """All tables but that of tasks, by name."""
        return {name: table for name, table in vars(self).items() if isinstance(table, Table)}

    def clear(self) -> None:
        """Forget every entity, task and guest, as if nothing had ever happened; ids begin anew."""
        for table in self.tables().values():
            table.clear()
        self.metadata.clear()
        self.upload_files.clear()
        self.tasks.clear()
        self.hypervisor.clear()
        self._random.seed(self._seed)
        self._numbers = dict(_FIRST_NUMBERS)

    def sequences(self) -> "Sequences":
        """How far ids and numbers have come."""
        version, words, gauss = self._random.getstate()
        return Sequences(random=(version, list(words), gauss), numbers=dict(self._numbers))

    def continue_sequences(self, sequences: "Sequences") -> None:
        """Go on with ids and numbers where another cloud was. Raises ValueError: that cannot be."""
        version, words, gauss = sequences.random
        self._random.setstate((version, tuple(words), gauss))
        self._numbers = _FIRST_NUMBERS | sequences.numbers

    def new_id(self) -> str:
        """A new UUID; random, but the same for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def next_number(self, sequence: str) -> int:
        """The next number of one of the cloud's sequences: `mac` or `moid`."""
        self._numbers[sequence] += 1
        return self._numbers[sequence]

    @property
    def system_org(self) -> Org:
        org = self.orgs.first("name", SYSTEM_ORG.lower())
        if org is None:
            raise RuntimeError("the inventory made no System organisation")
        return org

    def vms_of(self, owner: Vapp | VappTemplate) -> list[Vm]:
        """The VMs of a vApp or a template, in the order they were added."""
        return [self.vms[vm_id] for vm_id in owner.vm_ids]
