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


@dataclass(slots=True, kw_only=True)
class NetworkPool:
    """Where isolated networks would come from."""

    kind: ClassVar[Kind] = kinds.NETWORK_POOL
    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class ExternalNetwork:
    """A network of the provider; direct networks share its addresses."""

    kind: ClassVar[Kind] = kinds.EXTERNAL_NETWORK
    id: str
    name: str
    pool: IpPool
    description: str = ""
