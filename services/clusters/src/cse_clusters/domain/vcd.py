"""What the cluster manager knows of vCD, in its own words.

Ids are bare UUIDs; an href is used as it is, never taken apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cse_core.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Vdc:
    """An org VDC with what a cluster may use of it."""

    id: str
    name: str
    href: str
    org: str
    org_id: str
    is_enabled: bool = True
    """Whether anything can be created or started in it."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Href by name of the networks that its vApps may be connected to."""
    storage_profiles: Mapping[str, str] = field(default_factory=dict)
    """Href by name."""


@dataclass(frozen=True, kw_only=True)
class VmTemplate:
    """The machine inside a catalog item that nodes are made from."""

    href: str
    name: str
    hardware: tuple[str, ...] = ()
    """How vCD describes its CPUs and memory; opaque to us, wanted back when machines are made from it."""
    cpu_count: int = 0
    """0: not known, here and below."""
    memory_mb: int = 0


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """A machine to be made; it is also the guest's host name."""

    name: str
    cpu_count: int = 0
    """0 takes the template's, here and below."""
    memory_mb: int = 0
    storage_profile: str | None = None
    """Href; None takes the VDC's default."""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A VM of a vApp. What could not be read is None."""

    name: str
    id: str
    href: str
    status: str
    """vCD's status text, for example `POWERED_ON`."""
    ip_address: str | None = None
    cpu_count: int | None = None
    memory_mb: int | None = None
    storage_profile: str = ""
    """Name."""
    is_deployed: bool = True
    """Whether it holds resources of a host; only what is not deployed can be deleted."""
    created: str = ""
    """When, in a form whose order is that of time."""
    description: str = ""

    @property
    def is_on(self) -> bool:
        return self.status == "POWERED_ON"


@dataclass(frozen=True, kw_only=True)
class GuestMachine:
    """Where a machine's guest is reached, and its administrator's password. Read with the service account."""

    name: str
    vcenter: str
    """Name of the vCenter as registered in vCD."""
    moid: str
    ip_address: str | None
    password: Secret | None
    """From guest customization; None if vCD made none."""


@dataclass(frozen=True, kw_only=True)
class VappRecord:
    """A vApp as the query service shows it, with the metadata of ours that was asked for.

    To a tenant the query does not show the org: both fields are empty then, and it is his own.
    """

    id: str
    name: str
    href: str
    status: str
    vdc: str
    vdc_href: str
    vm_count: int
    org: str = ""
    org_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VappDetails:
    """A vApp as one GET of it shows it."""

    id: str
    name: str
    href: str
    status: str
    description: str
    machines: tuple[Machine, ...] = ()
    networks: tuple[str, ...] = ()
    """Names of those that its machines may be connected to."""
    task_hrefs: tuple[str, ...] = ()
    """vCD's tasks that work on it now."""
    is_being_deleted: bool = False
    """Whether one of them deletes it."""
    owner_id: str = ""
    """The owner's UUID, bare."""
    may_change: bool | None = True
    """Whether who asked may add and delete machines; None if another change keeps vCD from saying so."""

    def machine(self, name: str) -> Machine | None:
        """The machine of this name, if there is one."""
        return next((each for each in self.machines if each.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Started:
    """Something vCD has begun to make, and the task that ends when it is there."""

    id: str
    href: str
    task_href: str
