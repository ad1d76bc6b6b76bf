"""Reading request documents into specifications.

Lenient: unknown elements, their order and foreign attributes do not matter.
"""

import re

from lxml import etree

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.tenancy import AccessControl, AccessSetting, User
from vcd_simulator.operations.connections import NO_NETWORK, NicSpec
from vcd_simulator.operations.customization import CustomizationSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.networks import ScopeChange
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec
from vcd_simulator.rest import jsonbody
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.vm_policies import read_vm_policies
from vcd_simulator.rest.xml import (
    RASD_NS,
    VCLOUD_NS,
    VMW_NS,
    Element,
    attribute_flag,
    child,
    children,
    flag_of,
    int_of,
    local_name,
    text_of,
    whole_number,
)

_PREFIX = re.compile(r"^(vappTemplate|vapp|vm)-(?=[0-9a-fA-F]{8}-)")
ACCESS_LEVELS = ("ReadOnly", "Change", "FullControl")
_CHECKOUT = "vApp Template: Checkout"
_DELETE = "vApp: Delete"


def id_in(reference: str | None) -> str:
    """The id that an href, a URN or a bare id stands for."""
    text = (reference or "").strip().partition("?")[0].rstrip("/")
    return _PREFIX.sub("", text.rpartition("/")[2].rpartition(":")[2])


def referenced_id(element: Element | None, what: str) -> str:
    """The id in an element's href.

    Raises:
        VcdError: 400, there is no such element or it has no href.
    """
    href = element.get("href") if element is not None else None
    if not href:
        raise errors.bad_request(f"Bad request: validation error, {what} needs an href.")
    return id_in(href)


def require_root(root: Element, *names: str) -> Element:
    """The root itself, if it is one of these documents.

    A document in JSON need not say what it is; then it is the first of these.

    Raises:
        VcdError: 400, it is another document.
    """
    if root.tag == jsonbody.ROOT:
        root.tag = f"{{{VCLOUD_NS}}}{_stated_name(root, names)}"
    if local_name(root) not in names:
        raise errors.bad_request(
            f"Bad request: validation error, the document is a {local_name(root)}, expected {' or '.join(names)}."
        )
    return root


def _stated_name(root: Element, names: tuple[str, ...]) -> str:
    """What a document in JSON says it is, among what it may be."""
    stated = root.get(jsonbody.TYPE)
    if stated is None:
        return names[0]
    for name in names:
        if stated.removeprefix("Admin") == f"{name.removeprefix('Admin')}Type":
            return name
    raise errors.bad_request(
        f"Bad request: validation error, the document is a {stated[:80]}, expected {' or '.join(names)}."
    )


def optional_text(parent: Element | None, path: str) -> str | None:
    found = child(parent, path)
    return None if found is None else (found.text or "").strip()


def optional_flag(parent: Element | None, path: str) -> bool | None:
    return None if child(parent, path) is None else flag_of(parent, path)


def customization(section: Element) -> CustomizationSpec:
    """A `GuestCustomizationSection`."""
    script = child(section, "CustomizationScript")
    return CustomizationSpec(
        enabled=optional_flag(section, "Enabled"),
        admin_password_enabled=optional_flag(section, "AdminPasswordEnabled"),
        admin_password_auto=optional_flag(section, "AdminPasswordAuto"),
        admin_password=optional_text(section, "AdminPassword"),
        reset_password_required=optional_flag(section, "ResetPasswordRequired"),
        script=None if script is None else script.text or "",
        computer_name=optional_text(section, "ComputerName") or None,
    )


def nics(section: Element) -> tuple[list[NicSpec], int | None]:
    """A `NetworkConnectionSection`: the connections, and the index of the primary one."""
    found = [
        NicSpec(
            index=int_of(connection, "NetworkConnectionIndex"),
            network=connection.get("network") or NO_NETWORK,
            mode=text_of(connection, "IpAddressAllocationMode", "NONE").upper(),
            ip_address=text_of(connection, "IpAddress") or None,
            connected=flag_of(connection, "IsConnected"),
            adapter_type=text_of(connection, "NetworkAdapterType") or "VMXNET3",
            mac_address=text_of(connection, "MACAddress") or None,
        )
        for connection in children(section, "NetworkConnection")
    ]
    primary = child(section, "PrimaryNetworkConnectionIndex")
    return found, None if primary is None else int_of(section, "PrimaryNetworkConnectionIndex")


def rasd_item(item: Element) -> tuple[int, int, int | None]:
    """An item of hardware: resource type, quantity, and cores per socket where given."""
    kind = rasd_int(item, "ResourceType")
    quantity = rasd_int(item, "VirtualQuantity")
    stated = item.findtext(f"{{{VMW_NS}}}CoresPerSocket")
    cores = whole_number(stated or "1") if stated is not None else None
    if stated is not None and cores is None:
        raise errors.bad_request("Bad request: validation error, vmw:CoresPerSocket is not a whole number.")
    return kind, quantity, cores


def rasd_int(item: Element, name: str) -> int:
    """A number of a hardware item; raises `VcdError` 400 when it is missing or none."""
    number = whole_number(item.findtext(f"{{{RASD_NS}}}{name}") or "")
    if number is None or number < 0:
        raise errors.bad_request(f"Bad request: validation error, rasd:{name} is missing or not a whole number.")
    return number


def _disk_size(item: Element) -> tuple[int, int] | None:
    """Instance id and capacity in MB of a hard disk item."""
    resource = item.find(f"{{{RASD_NS}}}HostResource")
    if resource is None:
        return None
    capacity = next(
        (value for name, value in resource.attrib.items() if etree.QName(name).localname == "capacity"), None
    )
    size_mb = whole_number(str(capacity or ""))
    return None if size_mb is None else (rasd_int(item, "InstanceID"), size_mb)


def apply_hardware(section: Element, spec: MachineSpec) -> None:
    """The processors, memory and disk sizes of an `ovf:VirtualHardwareSection`."""
    for item in children(section, "Item"):
        kind = (item.findtext(f"{{{RASD_NS}}}ResourceType") or "").strip()
        if kind == "3":
            _, spec.cpu_count, cores = rasd_item(item)
            spec.cores_per_socket = cores if cores is not None else spec.cores_per_socket
        elif kind == "4":
            _, spec.memory_mb, _ = rasd_item(item)
        elif kind == "17":
            size = _disk_size(item)
            if size is not None:
                spec.disk_sizes_mb = (spec.disk_sizes_mb or {}) | dict([size])


def sourced_items(context: Context, root: Element) -> list[MachineSpec]:
    """Every `SourcedItem`; one whose source is a template or a vApp stands for all of its VMs.

    Raises:
        VcdError: 400, one is wrong.
    """
    return [spec for item in children(root, "SourcedItem") for spec in _sourced_item(context, item)]


def _sourced_item(context: Context, item: Element) -> list[MachineSpec]:
    specs = []
    delete_source = attribute_flag(item, "sourceDelete")
    for source in _sources(context, child(item, "Source"), deleted=delete_source):
        spec = MachineSpec(source=source, delete_source=delete_source)
        general = child(item, "VmGeneralParams")
        spec.name = text_of(general, "Name") or None
        spec.description = optional_text(general, "Description")
        spec.needs_customization = flag_of(general, "NeedsCustomization")
        parameters = child(item, "InstantiationParams")
        _apply_parameters(parameters, spec)
        profile = child(item, "StorageProfile")
        if profile is not None:
            spec.storage_profile = context.access.profile_by_id(referenced_id(profile, "StorageProfile"))
        spec.policies = read_vm_policies(context, item)
        specs.append(spec)
    return specs


def _apply_parameters(parameters: Element | None, spec: MachineSpec) -> None:
    apply_connections(child(parameters, "NetworkConnectionSection"), spec)
    custom = child(parameters, "GuestCustomizationSection")
    if custom is not None:
        spec.customization = customization(custom)
    hardware = child(parameters, "VirtualHardwareSection")
    if hardware is not None:
        apply_hardware(hardware, spec)


def apply_connections(section: Element | None, spec: MachineSpec) -> None:
    """The connections of a `NetworkConnectionSection`, if there is one; without a primary one, the first is it."""
    if section is not None:
        spec.nics, spec.primary_nic = nics(section)
        if spec.primary_nic is None and spec.nics:
            spec.primary_nic = spec.nics[0].index


def _sources(context: Context, source: Element | None, *, deleted: bool) -> list[Vm]:
    href = source.get("href") if source is not None else None
    source_id = referenced_id(source, "Source")
    cloud, access = context.cloud, context.access
    segment = (href or "").rstrip("/").rpartition("/")[2]
    if segment.startswith("vappTemplate-"):
        access.require(_CHECKOUT)
        return cloud.vms_of(access.template_by_id(source_id))
    vm = cloud.vms.get(source_id)
    if vm is not None and vm.template_id is not None:
        access.require(_CHECKOUT)
        access.template_vm_by_id(source_id)
        return [vm]
    access.require("vApp: Copy")
    if segment.startswith("vapp-"):
        return cloud.vms_of(access.vapp_to_change(source_id, _DELETE) if deleted else access.vapp_by_id(source_id))
    return [access.vm_to_change(source_id, _DELETE)[1] if deleted else access.vm_by_id(source_id)[1]]


def network_configs(context: Context, section: Element | None) -> list[NetworkConfigSpec]:
    """The `NetworkConfig` elements of a section, but for the one that stands for no network."""
    named = [(one, one.get("networkName") or "") for one in children(section, "NetworkConfig")]
    return [network_config(context, one, name) for one, name in named if name != NO_NETWORK]


def network_config(context: Context, element: Element, name: str) -> NetworkConfigSpec:
    """A network of a vApp, as a `NetworkConfig` or a `VAppNetwork` has it."""
    configuration = child(element, "Configuration")
    parent = child(configuration, "ParentNetwork")
    fence_mode = text_of(configuration, "FenceMode", "bridged")
    parent_id = referenced_id(parent, "ParentNetwork") if parent is not None else None
    if parent_id is not None:
        context.access.network_by_id(parent_id)
    scopes = child(configuration, "IpScopes")
    scope = child(scopes, "IpScope") if scopes is not None else child(configuration, "IpScope")
    return NetworkConfigSpec(
        name=name,
        description=text_of(element, "Description"),
        fence_mode=fence_mode,
        parent_id=parent_id,
        pool=ip_pool(scope) if scope is not None and fence_mode == "isolated" else None,
        network_id=_network_id(element),
    )


def _network_id(config: Element) -> str | None:
    """Which network of a vApp a `NetworkConfig` is about: its link for the repair tells."""
    for link in children(config, "Link"):
        if link.get("rel") == "repair":
            return id_in((link.get("href") or "").removesuffix("/action/reset"))
    return None


def ip_ranges(scope: Element | None) -> list[tuple[str, str]]:
    return [
        (text_of(one, "StartAddress"), text_of(one, "EndAddress"))
        for one in children(child(scope, "IpRanges"), "IpRange")
    ]


def ip_scope(scope: Element) -> ScopeChange:
    """An `IpScope` that a network is to have."""
    return ScopeChange(
        gateway=text_of(scope, "Gateway"),
        netmask=text_of(scope, "Netmask"),
        ranges=ip_ranges(scope),
        dns1=text_of(scope, "Dns1"),
        dns2=text_of(scope, "Dns2"),
        dns_suffix=text_of(scope, "DnsSuffix"),
        enabled=flag_of(scope, "IsEnabled", True),
    )


def ip_pool(scope: Element) -> IpPool:
    """An `IpScope` of a vApp network, whose ranges may lie outside of its subnet.

    Raises:
        VcdError: 400, the addresses do not fit together.
    """
    try:
        return IpPool(
            gateway=text_of(scope, "Gateway"),
            netmask=text_of(scope, "Netmask"),
            ranges=ip_ranges(scope),
            dns1=text_of(scope, "Dns1"),
            dns2=text_of(scope, "Dns2"),
            dns_suffix=text_of(scope, "DnsSuffix"),
            strict=False,
        )
    except ValueError as exc:
        raise errors.bad_request(f"Bad request: validation error, the IpScope is wrong: {exc}.") from exc


def access_control(context: Context, root: Element) -> AccessControl:
    """A `ControlAccessParams` document."""
    require_root(root, "ControlAccessParams")
    everyone = None
    if flag_of(root, "IsSharedToEveryone"):
        everyone = _level(text_of(root, "EveryoneAccessLevel", "ReadOnly"))
    settings = []
    for setting in children(child(root, "AccessSettings"), "AccessSetting"):
        subject_id = referenced_id(child(setting, "Subject"), "Subject")
        subject = context.cloud.users.get(subject_id) or context.cloud.orgs.get(subject_id)
        if isinstance(subject, User) and not (context.access.is_sysadmin or subject.org_id == context.access.org.id):
            raise errors.no_access("user", subject_id)
        if subject is None:
            raise errors.bad_request(f"The subject {subject_id} of an AccessSetting is no user and no organization.")
        level = _level(text_of(setting, "AccessLevel"))
        settings.append(AccessSetting(subject_kind=subject.kind, subject_id=subject.id, level=level))
    return AccessControl(everyone=everyone, settings=settings)


def _level(text: str) -> str:
    if text not in ACCESS_LEVELS:
        raise errors.bad_request(
            f"Bad request: validation error, AccessLevel is not one of {', '.join(ACCESS_LEVELS)}."
        )
    return text
