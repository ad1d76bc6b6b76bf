"""The inventory: what a simulated cloud holds when it starts."""

from importlib import resources
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from vcd_simulator.bulk import without_garbage_collection
from vcd_simulator.errors import VcdError
from vcd_simulator.guests.errors import GuestError
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.infrastructure import (
    ExternalNetwork,
    NetworkPool,
    ProviderStorageProfile,
    ProviderVdc,
    VimServer,
)
from vcd_simulator.model.tenancy import Org, User
from vcd_simulator.operations import catalogs, datacenter, external_networks, load, tenancy, vcenters


class InventoryError(ValueError):
    """The inventory cannot be made; the message says which part, and why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VcenterSection(_Section):
    """A vCenter with its one account."""

    name: str
    username: str
    password: SecretStr
    url: str = ""
    """Where clients reach it. Empty: where the simulator lets it listen."""
    resource_pools: list[str] = []
    """Names of resource pools that no provider VDC is made of yet."""
    storage_profiles: list[str] = []
    """Classes of storage that it has, besides those that provider VDCs use."""
    port_groups: list[str] = []
    """Networks that no external network is made of yet."""
    distributed_port_groups: list[str] = []
    """The same, of distributed switches."""
    datastores: list[str] = []
    """Where disks lie."""
    hosts: list[str] = []
    """What VMs run on."""


class ProviderVdcSection(_Section):
    """A provider VDC on one vCenter."""

    name: str
    vcenter: str
    storage_profiles: list[str] = Field(min_length=1)


class PoolSection(_Section):
    """Addresses of a network."""

    gateway: str = ""
    netmask: str = ""
    ranges: list[tuple[str, str]] = []
    dns1: str = ""
    dns2: str = ""
    dns_suffix: str = ""


class ExternalNetworkSection(PoolSection):
    """A network of the provider, which direct networks are bridged onto."""

    name: str
    description: str = ""


class UserSection(_Section):
    """A local user; the role is one of the predefined ones."""

    name: str
    password: SecretStr
    role: str
    full_name: str = ""
    email: str = ""


class NetworkSection(PoolSection):
    """Direct with `external_network` (and its addresses, unless there are some here), isolated without."""

    name: str
    description: str = ""
    external_network: str | None = None
    shared: bool = False


class VdcSection(_Section):
    """An org VDC."""

    name: str
    provider_vdc: str
    network_pool: str | None = None
    description: str = ""
    storage_profiles: list[str] = []
    """Empty: all that the provider VDC has. The first one is the default."""
    vm_quota: int = 0
    networks: list[NetworkSection] = []


class ItemSection(_Section):
    """A ready-made template with one VM; `image` names what is inside of it."""

    name: str
    image: str
    description: str = ""
    os_type: str = "other3xLinux64Guest"
    cpu_count: int = 2
    memory_mb: int = 2048
    disk_mb: int = 16384
    vm_name: str = ""


class CatalogSection(_Section):
    """A catalog; its templates are kept in one of the organisation's VDCs."""

    name: str
    owner: str
    vdc: str
    description: str = ""
    published: bool = False
    items: list[ItemSection] = []


class VappsSection(_Section):
    """Many vApps of one kind, powered off, to put load on clients and on queries."""

    name: str = "load-{number}"
    count: int = Field(ge=1, le=100_000)
    vms: int = Field(default=4, ge=0, le=128)
    vdc: str
    owner: str
    catalog: str
    """Of this organisation, or a published one of another."""
    item: str
    network: str | None = None
    """Of the VDC's organisation; without one, VMs have no network."""


class SystemSection(_Section):
    """The provider's own organisation."""

    users: list[UserSection] = Field(min_length=1)


class OrgSection(_Section):
    """A tenant."""

    name: str
    full_name: str = ""
    description: str = ""
    users: list[UserSection] = []
    vdcs: list[VdcSection] = []
    catalogs: list[CatalogSection] = []
    vapps: list[VappsSection] = []


class Inventory(_Section):
    """An inventory file. `populate` makes a cloud of it."""

    vcenters: list[VcenterSection] = Field(min_length=1)
    provider_vdcs: list[ProviderVdcSection] = Field(min_length=1)
    network_pools: list[str] = []
    external_networks: list[ExternalNetworkSection] = []
    system: SystemSection
    orgs: list[OrgSection] = []

    @classmethod
    def lab(cls) -> "Inventory":
        """The default: one vCenter, a provider's organisation with ready-made templates, and two tenants."""
        return cls.parse(lab_text(), "the lab's inventory")

    @classmethod
    def load(cls, path: Path) -> "Inventory":
        """Read a file.

        Raises:
            InventoryError: the file cannot be read or is no inventory.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"), str(path))
        except OSError as exc:
            raise InventoryError(f"cannot read the inventory {path}: {exc.strerror}") from exc

    @classmethod
    def parse(cls, text: str, source: str) -> "Inventory":
        try:
            return cls.model_validate(yaml.safe_load(text))
        except ValidationError as exc:
            faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
            raise InventoryError(f"{source} is not a valid inventory: {faults}") from exc
        except yaml.YAMLError as exc:
            raise InventoryError(f"{source} is not valid YAML: {exc}") from exc


def lab_text() -> str:
    """The default inventory as it is written."""
    return resources.files(__package__).joinpath("inventories", "lab.yaml").read_text(encoding="utf-8")


def populate(cloud: Cloud, inventory: Inventory, vcenter_urls: dict[str, str] | None = None) -> None:
    """Make everything that an inventory names.

    Args:
        cloud: an empty one.
        inventory: what to make.
        vcenter_urls: where vCenters listen, by name; for those that the inventory gives no URL.

    Raises:
        InventoryError: a name is taken twice or refers to nothing.
    """
    try:
        with cloud.lock, without_garbage_collection():
            _Populator(cloud, inventory, vcenter_urls or {}).run()
    except VcdError as exc:
        raise InventoryError(f"the inventory contradicts itself: {exc.message}") from exc
    except GuestError as exc:
        raise InventoryError(f"the inventory names something that guests do not have: {exc}") from exc


class _Populator:
    def __init__(self, cloud: Cloud, inventory: Inventory, vcenter_urls: dict[str, str]) -> None:
        self.cloud = cloud
        self.inventory = inventory
        self.vcenter_urls = vcenter_urls

    def run(self) -> None:
        self._infrastructure()
        system = tenancy.create_system(self.cloud)
        for user in self.inventory.system.users:
            self._user(system, user)
        for section in self.inventory.orgs:
            org = tenancy.create_org(
                self.cloud, section.name, full_name=section.full_name, description=section.description
            )
            for user in section.users:
                self._user(org, user)
            for vdc in section.vdcs:
                self._vdc(org, vdc)
            for catalog in section.catalogs:
                self._catalog(org, catalog)
        for section in self.inventory.orgs:
            for vapps in section.vapps:
                self._vapps(section.name, vapps)
        self._backing()

    def _infrastructure(self) -> None:
        cloud, new_id = self.cloud, self.cloud.new_id
        for vcenter in self.inventory.vcenters:
            url = vcenter.url or self.vcenter_urls.get(vcenter.name, f"https://{vcenter.name}:443")
            password = vcenter.password.get_secret_value()
            cloud.vim_servers.add(
                VimServer(
                    id=new_id(),
                    name=vcenter.name,
                    url=url,
                    username=vcenter.username,
                    password=password,
                    storage_profiles=list(vcenter.storage_profiles),
                )
            )
        for pvdc in self.inventory.provider_vdcs:
            server = cloud.vim_servers.first("name", pvdc.vcenter)
            if server is None:
                raise InventoryError(f"provider VDC {pvdc.name!r} names an unknown vCenter {pvdc.vcenter!r}")
            made = cloud.provider_vdcs.add(ProviderVdc(id=new_id(), name=pvdc.name, vim_server_id=server.id))
            for name in pvdc.storage_profiles:
                cloud.provider_profiles.add(ProviderStorageProfile(id=new_id(), provider_vdc_id=made.id, name=name))
                if name not in server.storage_profiles:
                    server.storage_profiles.append(name)
        for name in self.inventory.network_pools:
            cloud.network_pools.add(NetworkPool(id=new_id(), name=name))
        for network in self.inventory.external_networks:
            try:
                pool = IpPool(**network.model_dump(exclude={"name", "description"}))
            except ValueError as exc:
                raise InventoryError(f"external network {network.name!r}: {exc}") from exc
            cloud.external_networks.add(
                ExternalNetwork(id=new_id(), name=network.name, description=network.description, pool=pool)
            )

    def _backing(self) -> None:
        """A pool for every provider VDC and a port group for every external network, and those that are free."""
        first = next(iter(self.cloud.vim_servers))
        for network in self.cloud.external_networks:
            external_networks.add_port_group(self.cloud, first, network.name, network=network)
        for pvdc in self.cloud.provider_vdcs:
            server = self.cloud.vim_servers[pvdc.vim_server_id]
            vcenters.add_resource_pool(self.cloud, server, pvdc.name, pvdc=pvdc)
        for section in self.inventory.vcenters:
            server = next(one for one in self.cloud.vim_servers if one.name == section.name)
            for name in section.resource_pools:
                vcenters.add_resource_pool(self.cloud, server, name)
            for name in section.port_groups:
                external_networks.add_port_group(self.cloud, server, name)
            for name in section.distributed_port_groups:
                external_networks.add_port_group(self.cloud, server, name, distributed=True)
            for name in section.datastores:
                vcenters.add_datastore(self.cloud, server, name)
            for name in section.hosts:
                vcenters.add_host(self.cloud, server, name)

    def _user(self, org: Org, section: UserSection) -> User:
        role = self.cloud.roles.first("name", (org.id, section.role))
        if role is None:
            raise InventoryError(f"user {section.name!r} of {org.name!r} has an unknown role {section.role!r}")
        return tenancy.create_user(
            self.cloud,
            org,
            role,
            section.name,
            section.password.get_secret_value(),
            full_name=section.full_name,
            email=section.email,
        )

    def _vdc(self, org: Org, section: VdcSection) -> None:
        cloud = self.cloud
        pvdc = cloud.provider_vdcs.first("name", section.provider_vdc)
        if pvdc is None:
            raise InventoryError(f"VDC {section.name!r} names an unknown provider VDC {section.provider_vdc!r}")
        offered = {profile.name: profile for profile in cloud.provider_profiles.find("pvdc", pvdc.id)}
        names = section.storage_profiles or list(offered)
        if not set(names) <= set(offered):
            raise InventoryError(f"VDC {section.name!r} names a storage profile that {pvdc.name!r} does not have")
        pool = cloud.network_pools.first("name", section.network_pool) if section.network_pool else None
        vdc = datacenter.add_vdc(
            cloud,
            org,
            datacenter.VdcSpec(
                name=section.name,
                provider_vdc=pvdc,
                description=section.description,
                vm_quota=section.vm_quota,
                network_pool_id=pool.id if pool is not None else None,
                thin_provision=True,
                fast_provisioning=True,
                profiles=[datacenter.ProfileSpec(provider_profile=offered[name]) for name in names],
            ),
        )
        for network in section.networks:
            parent = cloud.external_networks.first("name", network.external_network)
            if network.external_network is not None and parent is None:
                raise InventoryError(
                    f"network {network.name!r} names an unknown external network {network.external_network!r}"
                )
            fields = network.model_dump(exclude={"external_network"})
            datacenter.add_network(cloud, vdc, datacenter.NetworkSpec(parent=parent, **fields))

    def _catalog(self, org: Org, section: CatalogSection) -> None:
        cloud = self.cloud
        owner = cloud.users.first("name", (org.id, section.owner.lower()))
        vdc = cloud.vdcs.first("name", (org.id, section.vdc))
        if owner is None or vdc is None:
            raise InventoryError(f"catalog {section.name!r} names an owner or a VDC that {org.name!r} does not have")
        catalog = catalogs.add_catalog(cloud, org, owner, section.name, section.description)
        catalog.published = section.published
        for item in section.items:
            catalogs.add_ready_template(cloud, catalog, vdc, owner, catalogs.TemplateSpec(**item.model_dump()))

    def _vapps(self, org_name: str, section: VappsSection) -> None:
        cloud = self.cloud
        org = cloud.orgs.first("name", org_name.lower())
        if org is None:
            raise InventoryError(f"vApps are for an unknown organisation {org_name!r}")
        owner = cloud.users.first("name", (org.id, section.owner.lower()))
        vdc = cloud.vdcs.first("name", (org.id, section.vdc))
        network = cloud.networks.first("name", (org.id, section.network))
        source = self._source(org, section)
        if owner is None or vdc is None or source is None or (network is None and section.network is not None):
            raise InventoryError(
                f"the vApps {section.name!r} of {org_name!r} name an owner, a VDC, a network or a catalog item that is "
                "not there"
            )
        spec = load.LoadSpec(name=section.name, count=section.count, vms=section.vms, source=source, network=network)
        load.add_vapps(cloud, vdc, owner, spec)

    def _source(self, org: Org, section: VappsSection) -> Vm | None:
        """The VM of the template that vApps are made from."""
        for catalog in self.cloud.catalogs:
            if catalog.name == section.catalog and (catalog.org_id == org.id or catalog.published):
                item = self.cloud.items.first("name", (catalog.id, section.item))
                if item is not None:
                    return next(iter(self.cloud.vms_of(self.cloud.templates[item.template_id])), None)
        return None
