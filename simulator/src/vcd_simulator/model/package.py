"""What is in an OVF package."""

from dataclasses import dataclass, field

from vcd_simulator.model.compute import GuestCustomization, ProductSection


@dataclass(frozen=True, kw_only=True)
class OvfFile:
    """A file that the descriptor refers to; the size is absent where it does not say."""

    name: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class OvfNic:
    """A network card and the logical network that it is plugged into."""

    network: str
    adapter_type: str = "VMXNET3"


@dataclass(frozen=True, kw_only=True)
class OvfMachine:
    """One virtual system."""

    name: str
    description: str = ""
    os_type: str = "other3xLinux64Guest"
    cpu_count: int = 1
    cores_per_socket: int = 1
    memory_mb: int = 512
    disks_mb: tuple[int, ...] = ()
    nics: tuple[OvfNic, ...] = ()
    hardware_version: int = 11
    customization: GuestCustomization | None = None
    """What it says of guest customization, if it says anything."""
    products: tuple[ProductSection, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OvfPackage:
    """What a descriptor describes."""

    files: tuple[OvfFile, ...] = ()
    machines: tuple[OvfMachine, ...] = ()
    networks: dict[str, str] = field(default_factory=dict)
    customize_on_instantiate: bool = True
    gold_master: bool = False
    products: tuple[ProductSection, ...] = ()
    """Of the whole package; machines have their own."""
    words: str = ""
    """Everything it says about products and operating systems, in lower case."""
