"""Making a cloud of an inventory."""

from vcd_simulator.bulk import without_garbage_collection
from vcd_simulator.errors import VcdError
from vcd_simulator.guests.errors import GuestError
from vcd_simulator.inventory import (
    CatalogSection,
    Inventory,
    InventoryError,
    UserSection,
    VappsSection,
    VdcSection,
)
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
