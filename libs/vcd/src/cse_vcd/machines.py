"""Virtual machines as the documents of their vApps show them."""

from dataclasses import dataclass
from typing import Final

from cse_core.secret import Secret
from cse_vcd import hardware
from cse_vcd.documents import OVFENV, VCLOUD, VE, Element, attribute, bare_id, every, first, int_at, qualified, text_at

_STATUS: Final = {
    "-1": "FAILED_CREATION",
    "0": "UNRESOLVED",
    "1": "RESOLVED",
    "2": "DEPLOYED",
    "3": "SUSPENDED",
    "4": "POWERED_ON",
    "5": "WAITING_FOR_INPUT",
    "6": "UNKNOWN",
    "7": "UNRECOGNIZED",
    "8": "POWERED_OFF",
    "9": "INCONSISTENT_STATE",
    "10": "MIXED",
}
_NIC: Final = "10"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A VM of a vApp. What the session may not see, or what is not there yet, is None or 0."""

    id: str
    name: str
    href: str
    status: str
    """vCD's text, for example `POWERED_ON`."""
    is_deployed: bool
    ip_address: str | None
    cpu_count: int
    memory_mb: int
    computer_name: str
    storage_profile: str
    moid: str | None
    """How its vCenter calls it."""
    vcenter: str | None
    """Name of its vCenter in vCD; only system administrators see it."""
    admin_password: Secret | None
    """Root's password, as guest customization sets it."""
    created: str = ""
    """When it was made, as vCD writes it; texts of one vCD are in order of time."""
    description: str = ""


def status_text(code: str) -> str:
    """The text that vCD has for the number in `@status`; a text stays as it is."""
    return _STATUS.get(code, code)


def read_machine(document: Element) -> Machine:
    """A `Vm` element, inside a vApp's or on its own."""
    place = _placement(document)
    password = text_at(document, "v:GuestCustomizationSection/v:AdminPassword")
    profile = first(document, "v:StorageProfile")
    return Machine(
        id=bare_id(attribute(document, "id") or attribute(document, "href")),
        name=attribute(document, "name"),
        href=attribute(document, "href"),
        status=status_text(attribute(document, "status")),
        is_deployed=attribute(document, "deployed") == "true",
        ip_address=_address(document),
        cpu_count=int_at(document, "v:VmSpecSection/v:NumCpus") or hardware.cpu_count(document),
        memory_mb=int_at(document, "v:VmSpecSection/v:MemoryResourceMb/v:Configured") or hardware.memory_mb(document),
        computer_name=text_at(document, "v:GuestCustomizationSection/v:ComputerName"),
        storage_profile="" if profile is None else attribute(profile, "name"),
        moid=place[0],
        vcenter=place[1],
        admin_password=Secret(password) if password else None,
        created=text_at(document, "v:DateCreated"),
        description=text_at(document, "v:Description"),
    )


def _placement(document: Element) -> tuple[str | None, str | None]:
    """Its moid and vCenter: administrators get both from vCD's extension, others the moid while the machine is on."""
    for found in every(document, "v:VCloudExtension/vmext:VmVimInfo/*"):
        if text_at(found, "vmext:VimObjectType") == "VIRTUAL_MACHINE":
            server = first(found, "vmext:VimServerRef")
            return text_at(found, "vmext:MoRef") or None, None if server is None else server.get("name")
    environment = document.find(qualified(OVFENV, "Environment"))
    return (None if environment is None else environment.get(qualified(VE, "vCenterId")), None)


def _address(document: Element) -> str | None:
    """The address of the primary network adapter; of the first that has one if none is primary."""
    fallback = None
    for item in every(document, "ovf:VirtualHardwareSection/ovf:Item"):
        connection = first(item, "rasd:Connection")
        if connection is None or text_at(item, "rasd:ResourceType", _NIC) != _NIC:
            continue
        address = connection.get(qualified(VCLOUD, "ipAddress"))
        if address and connection.get(qualified(VCLOUD, "primaryNetworkConnection")) == "true":
            return address
        fallback = fallback or address
    return fallback or text_at(document, "v:NetworkConnectionSection/v:NetworkConnection/v:IpAddress") or None
