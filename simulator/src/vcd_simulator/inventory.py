"""The inventory: what a simulated cloud holds when it starts."""

from importlib import resources
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


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
    """An inventory file; `vcd_simulator.population` makes a cloud of it."""

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
