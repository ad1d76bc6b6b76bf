"""Org VDCs, their storage profiles and networks."""

from dataclasses import dataclass, field
from typing import ClassVar

from vcd_simulator.model import kinds
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.tenancy import AccessControl


@dataclass(slots=True, kw_only=True)
class Capacity:
    """Processing power or memory of a VDC; 0 means without limit."""

    units: str
    allocated: int = 0
    limit: int = 0


@dataclass(slots=True, kw_only=True)
class Vdc:
    """A tenant's slice of a provider VDC."""

    kind: ClassVar[Kind] = kinds.VDC
    id: str
    org_id: str
    provider_vdc_id: str
    name: str
    description: str = ""
    enabled: bool = True
    ready: bool = True
    allocation_model: str = "AllocationVApp"
    cpu: Capacity = field(default_factory=lambda: Capacity(units="MHz"))
    memory: Capacity = field(default_factory=lambda: Capacity(units="MB"))
    nic_quota: int = 0
    network_quota: int = 100
    vm_quota: int = 0
    network_pool_id: str | None = None
    thin_provision: bool = True
    fast_provisioning: bool = True
    guaranteed_cpu: float = 1.0
    guaranteed_memory: float = 1.0
    """Shares, of what is allocated, that are kept free for this VDC: 0 to 1."""
    vcpu_mhz: int = 1000
    over_commit_allowed: bool = False
    vm_discovery: bool = False
    compute_policy_ids: list[str] = field(default_factory=list)
    """What it offers beside the system's default policy."""
    default_policy_id: str | None = None
    """What new VMs follow that are told nothing else; None: the system's default policy."""
    access: AccessControl = field(default_factory=lambda: AccessControl(everyone="ReadOnly"))


@dataclass(slots=True, kw_only=True)
class StorageProfile:
    """A storage profile as an org VDC offers it."""

    kind: ClassVar[Kind] = kinds.STORAGE_PROFILE
    id: str
    vdc_id: str
    provider_profile_id: str
    name: str
    limit_mb: int = 0
    enabled: bool = True
    default: bool = False


@dataclass(slots=True, kw_only=True)
class OrgVdcNetwork:
    """A network of an org VDC: `bridged` onto an external network (direct) or `isolated`."""

    kind: ClassVar[Kind] = kinds.NETWORK
    id: str
    org_id: str
    vdc_id: str
    name: str
    pool: IpPool
    description: str = ""
    fence_mode: str = "bridged"
    parent_id: str | None = None
    shared: bool = False
    ready: bool = True
