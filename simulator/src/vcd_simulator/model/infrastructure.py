"""What the provider has: vCenters, provider VDCs, external networks."""

from dataclasses import dataclass, field
from typing import ClassVar

from vcd_simulator.model import kinds
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.kinds import Kind


@dataclass(slots=True, kw_only=True)
class VimServer:
    """A registered vCenter; `url` is where clients reach it."""

    kind: ClassVar[Kind] = kinds.VIM_SERVER
    id: str
    name: str
    url: str
    username: str
    password: str = field(repr=False)
    enabled: bool = True
    connected: bool = True
    """Whether the cloud has found a vCenter there; nobody looks for those that are registered later."""
    storage_profiles: list[str] = field(default_factory=list)
    """Names of the classes of storage that it has."""


@dataclass(slots=True, kw_only=True)
class ResourcePool:
    """A part of a vCenter's machines; at most one provider VDC is made of it."""

    kind: ClassVar[Kind] = kinds.RESOURCE_POOL
    id: str
    vim_server_id: str
    name: str
    moref: str
    provider_vdc_id: str | None = None
    enabled: bool = True
    primary: bool = False
    """Whether it is the one that its provider VDC was made with."""


@dataclass(slots=True, kw_only=True)
class PortGroup:
    """A network of a vCenter; at most one external network is made of it."""

    kind: ClassVar[Kind] = kinds.PORT_GROUP
    id: str
    vim_server_id: str
    name: str
    moref: str
    type: str = "NETWORK"
    external_network_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Datastore:
    """Where disks lie; nothing here depends on which."""

    kind: ClassVar[Kind] = kinds.DATASTORE
    id: str
    vim_server_id: str
    name: str
    moref: str
    capacity_mb: int = 10_485_760
    enabled: bool = True


@dataclass(slots=True, kw_only=True)
class Host:
    """A machine that VMs run on; nothing here depends on which."""

    kind: ClassVar[Kind] = kinds.HOST
    id: str
    vim_server_id: str
    name: str
    moref: str
    enabled: bool = True


@dataclass(slots=True, kw_only=True)
class ProviderStorageProfile:
    """A class of storage that a provider VDC has."""

    kind: ClassVar[Kind] = kinds.PROVIDER_STORAGE_PROFILE
    id: str
    provider_vdc_id: str
    name: str
    capacity_mb: int = 10_485_760
    enabled: bool = True


@dataclass(slots=True, kw_only=True)
class ProviderVdc:
    """Resources of one vCenter that org VDCs are cut from."""

    kind: ClassVar[Kind] = kinds.PROVIDER_VDC
    id: str
    name: str
    vim_server_id: str
    description: str = ""
    enabled: bool = True
    ready: bool = True


@dataclass(slots=True, kw_only=True)
class NetworkPool:
    """Where isolated networks would come from."""

    kind: ClassVar[Kind] = kinds.NETWORK_POOL
    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class ExternalNetwork:
    """A network of the provider, with one subnet or several; direct networks share the addresses of the first."""

    kind: ClassVar[Kind] = kinds.EXTERNAL_NETWORK
    id: str
    name: str
    pool: IpPool
    description: str = ""
    more_pools: list[IpPool] = field(default_factory=list)
    """Its other subnets."""

    @property
    def pools(self) -> list[IpPool]:
        """All of its subnets, the first one first."""
        return [self.pool, *self.more_pools]
