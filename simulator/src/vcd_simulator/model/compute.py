"""vApps, VMs and templates."""

import uuid
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import ClassVar

from vcd_simulator.model import kinds
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.policies import NO_POLICIES, AppliedPolicies
from vcd_simulator.model.tenancy import AccessControl


class Status(IntEnum):
    """The numbers that `status` attributes carry; the names are what the query service says."""

    FAILED_CREATION = -1
    UNRESOLVED = 0
    RESOLVED = 1
    SUSPENDED = 3
    POWERED_ON = 4
    POWERED_OFF = 8
    MIXED = 10
    UPLOADING = 12


@dataclass(slots=True, kw_only=True)
class Disk:
    """A virtual hard disk; `instance_id` is its place among the hardware items."""

    instance_id: int
    name: str
    capacity_mb: int
    unit_number: int = 0


@dataclass(slots=True, kw_only=True)
class Nic:
    """A network connection of a VM; `network` is the name of a network of its vApp."""

    index: int
    network: str = "none"
    mode: str = "NONE"
    ip_address: str | None = None
    mac_address: str = ""
    connected: bool = False
    adapter_type: str = "VMXNET3"


@dataclass(slots=True, kw_only=True)
class GuestCustomization:
    """What the cloud does to a guest when it boots for the first time, or is told to again."""

    enabled: bool = True
    admin_password_enabled: bool = True
    admin_password_auto: bool = True
    admin_password: str | None = field(default=None, repr=False)
    reset_password_required: bool = False
    script: str = field(default="", repr=False)
    computer_name: str = ""
    pending: bool = True
    """Whether the next power-on customizes the guest."""
    reported: bool = False
    """Whether the guest has reported that it was customized as this says."""


@dataclass(slots=True, kw_only=True)
class Hardware:
    """Processors, memory and disks."""

    cpu_count: int = 1
    cores_per_socket: int = 1
    memory_mb: int = 1024
    disks: list[Disk] = field(default_factory=list)

    @property
    def storage_kb(self) -> int:
        """What the disks hold, together."""
        total = 0
        for disk in self.disks:
            total += disk.capacity_mb
        return total * 1024

    def copy(self) -> "Hardware":
        return replace(self, disks=[replace(disk) for disk in self.disks])


@dataclass(slots=True, kw_only=True)
class Startup:
    """When a VM starts and stops with its vApp, and how; delays are in seconds."""

    order: int = 0
    start_action: str = "powerOn"
    start_delay_s: int = 0
    stop_action: str = "powerOff"
    stop_delay_s: int = 0


@dataclass(slots=True, kw_only=True)
class ProductProperty:
    """A setting of the software in a VM."""

    key: str
    value: str = field(default="", repr=False)
    type: str = "string"
    label: str = ""
    description: str = ""
    password: bool = False
    user_configurable: bool = False


@dataclass(slots=True, kw_only=True)
class ProductSection:
    """What is known of a product in a VM or a vApp; class and instance together name it."""

    class_name: str = ""
    instance: str = ""
    info: str = ""
    product: str = ""
    vendor: str = ""
    version: str = ""
    full_version: str = ""
    product_url: str = ""
    vendor_url: str = ""
    app_url: str = ""
    category: str = ""
    properties: list[ProductProperty] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Vm:
    """A virtual machine: of a vApp when `vapp_id` is set, otherwise of a template."""

    id: str
    name: str
    moid: str
    vim_server_id: str
    image: str
    vapp_id: str | None = None
    template_id: str | None = None
    description: str = ""
    status: Status = Status.POWERED_OFF
    deployed: bool = False
    guest_exists: bool = False
    hardware: Hardware = field(default_factory=Hardware)
    nics: list[Nic] = field(default_factory=list)
    primary_nic: int = 0
    customization: GuestCustomization = field(default_factory=GuestCustomization)
    cloned_from: str | None = None
    """The moid of another VM, whose disk this one's will be a copy of; None: the image's."""
    storage_profile_id: str | None = None
    policies: AppliedPolicies = NO_POLICIES
    resource_pool_id: str | None = None
    """Where it was moved to; None: it is in the primary pool of its provider VDC."""
    os_type: str = "other3xLinux64Guest"
    hardware_version: int = 11
    os_description: str = ""
    boot_delay_ms: int = 0
    enter_bios_setup: bool = False
    memory_hot_add: bool = False
    cpu_hot_add: bool = False
    nested_hypervisor: bool = False
    extra_config: dict[str, str] = field(default_factory=dict, repr=False)
    """Settings of the virtual machine in vCenter by their keys; what begins with `guestinfo.` is for the guest."""
    datastore_id: str | None = None
    """Where it was relocated to; None: its vCenter's first datastore."""
    compliance_checked: float | None = None
    """When somebody last had it checked that the VM is where its storage profile wants it."""
    product_sections: list[ProductSection] = field(default_factory=list)
    startup: Startup = field(default_factory=Startup)
    created: float = 0.0

    @property
    def kind(self) -> Kind:
        return kinds.VM if self.vapp_id is not None else kinds.TEMPLATE_VM

    @property
    def is_on(self) -> bool:
        return self.status is Status.POWERED_ON


@dataclass(slots=True, kw_only=True)
class VappNetwork:
    """A network inside a vApp: bridged onto an org VDC network, or isolated with a pool of its own."""

    kind: ClassVar[Kind] = kinds.VAPP_NETWORK
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Saved states of earlier releases have none."""
    name: str
    fence_mode: str
    parent_id: str | None = None
    pool: IpPool | None = None
    description: str = ""


@dataclass(slots=True, kw_only=True)
class Vapp:
    """VMs that belong together, and the networks between them."""

    kind: ClassVar[Kind] = kinds.VAPP
    id: str
    vdc_id: str
    owner_id: str
    name: str
    description: str = ""
    created: float = 0.0
    deployed: bool = False
    transient: Status | None = Status.UNRESOLVED
    """UNRESOLVED while it is being made, FAILED_CREATION when that failed, None once its VMs decide."""
    networks: dict[str, VappNetwork] = field(default_factory=dict)
    vm_ids: dict[str, None] = field(default_factory=dict)
    access: AccessControl = field(default_factory=AccessControl)
    deployment_lease_s: int = 0
    storage_lease_s: int = 0
    leases_from: float = 0.0
    """When the lease began that counts now: that for running, or that for being there."""
    in_maintenance: bool = False
    product_sections: list[ProductSection] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class VappTemplate:
    """What a vApp can be made from."""

    kind: ClassVar[Kind] = kinds.VAPP_TEMPLATE
    id: str
    vdc_id: str
    owner_id: str
    name: str
    catalog_item_id: str | None = None
    description: str = ""
    status: Status = Status.POWERED_OFF
    created: float = 0.0
    version: int = 1
    gold_master: bool = False
    ovf_descriptor_uploaded: bool = True
    customize_on_instantiate: bool = True
    vm_ids: dict[str, None] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    """Names and descriptions of the networks its VMs were connected to."""
    storage_profile_id: str | None = None
    """Where its disks go; None for the VDC's default."""
    product_sections: list[ProductSection] = field(default_factory=list)
    captured_images: list[str] = field(default_factory=list)
    """Images that exist for this template only."""


@dataclass(slots=True, kw_only=True)
class Catalog:
    """A collection of templates, with an owner and an access control list."""

    kind: ClassVar[Kind] = kinds.CATALOG
    id: str
    org_id: str
    owner_id: str
    name: str
    description: str = ""
    published: bool = False
    created: float = 0.0
    version: int = 1
    access: AccessControl = field(default_factory=AccessControl)


@dataclass(slots=True, kw_only=True)
class CatalogItem:
    """The entry of a template in a catalog."""

    kind: ClassVar[Kind] = kinds.CATALOG_ITEM
    id: str
    catalog_id: str
    template_id: str
    name: str
    description: str = ""
    created: float = 0.0
    version: int = 1
