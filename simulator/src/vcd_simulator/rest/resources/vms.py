"""VMs of vApps: power, hardware, connections, customization."""

from collections.abc import Callable

from vcd_simulator import errors
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.operations import changes, power, vapps, vm_policies
from vcd_simulator.operations.machines import MachineSpec, guest_information
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import guest_customization, hardware, vm_sections
from vcd_simulator.rest.documents import vms as documents
from vcd_simulator.rest.parsing import optional_text, referenced_id, require_root
from vcd_simulator.rest.requests.vm_sections import apply_hardware, customization, nics, rasd_item
from vcd_simulator.rest.resources.vapps import accepted, deploy_task, power_task, undeploy_task
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.vm_policies import read_vm_policies
from vcd_simulator.rest.xml import VMW_NS, Element, child, children, flag_of, int_of

router = Router()
_POWER = "vApp: Power Operations"
_PROPERTIES = "vApp: Edit VM Properties"
_VM = "/api/vApp/vm-{vm_id}"


@router.get(_VM)
def get_vm(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    power.notice_guests(context.cloud, [vm])
    return Reply(content=documents.vm(context, vm, vapp))


@router.delete(_VM)
def delete_vm(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, "vApp: Delete")
    return accepted(context, vapps.delete_vm(context.cloud, context.session.user, vapp, vm))


@router.post(f"{_VM}/power/action/{{action}}")
def power_action(context: Context, vm_id: str, action: str) -> Reply:
    return accepted(context, power_task(context, *context.access.vm_to_change(vm_id, _POWER), action))


@router.post(f"{_VM}/action/discardSuspendedState")
def discard_suspended_state(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _POWER)
    return accepted(context, power.discard_suspended_state(context.cloud, context.session.user, vapp, vm))


@router.post(f"{_VM}/action/deploy")
def deploy(context: Context, vm_id: str) -> Reply:
    return accepted(context, deploy_task(context, *context.access.vm_to_change(vm_id, _POWER)))


@router.post(f"{_VM}/action/undeploy")
def undeploy(context: Context, vm_id: str) -> Reply:
    return accepted(context, undeploy_task(context, *context.access.vm_to_change(vm_id, _POWER)))


@router.post(f"{_VM}/action/customizeAtNextPowerOn")
def customize_at_next_power_on(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    changes.customize_at_next_power_on(vm)
    return Reply(status=204)


@router.put(_VM)
def update(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    root = require_root(context.xml(), "Vm")
    return accepted(context, _rename(context, vapp, vm, root))


def _rename(context: Context, vapp: Vapp, vm: Vm, root: Element) -> Task:
    description = optional_text(root, "Description")
    return changes.rename(context.cloud, context.session.user, vapp, vm, root.get("name"), description)


@router.post(f"{_VM}/action/reconfigureVm")
def reconfigure(context: Context, vm_id: str) -> Reply:
    """Change what the document names, in one task: hardware, connections, customization, storage, boot, name."""
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    root = require_root(context.xml(), "Vm")
    spec = MachineSpec(source=vm)
    section = child(root, "VirtualHardwareSection")
    if section is not None:
        apply_hardware(section, spec)
        spec.extra_config = _extra_config(context, vm, section)
    custom = child(root, "GuestCustomizationSection")
    if custom is not None:
        spec.customization = customization(custom)
    spec.name, spec.description = root.get("name"), optional_text(root, "Description")
    _read_placement(context, vm, root, spec)
    return accepted(context, changes.reconfigure(context.cloud, context.session.user, vapp, vm, spec))


def _extra_config(context: Context, vm: Vm, section: Element) -> dict[str, str]:
    """The settings of a hardware section that differ from what is shown; they need a right of their own.

    What the guest tells is not among them: it may have told something else since the section was read.
    """
    shown, told = hardware.extra_config(context, vm), guest_information(context.cloud, vm)
    found = {}
    for element in children(section, "ExtraConfig"):
        key, value = (element.get(f"{{{VMW_NS}}}{name}") or element.get(name) or "" for name in ("key", "value"))
        if key not in told and shown.get(key, "") != value:
            found[key] = value
    if found:
        context.access.require("vApp: Allow All Extra Config")
    return found


def _read_placement(context: Context, vm: Vm, root: Element, spec: MachineSpec) -> None:
    """Connections, storage profile, compute policies and boot options; what stays as it is needs no right."""
    connections = child(root, "NetworkConnectionSection")
    if connections is not None:
        wanted, primary = nics(connections)
        if changes.differs(vm, wanted, primary):
            context.access.require("vApp: Edit VM Network")
            spec.nics, spec.primary_nic = wanted, primary
    profile = child(root, "StorageProfile")
    if profile is not None:
        spec.storage_profile = context.access.profile_by_id(referenced_id(profile, "StorageProfile"))
    policies = read_vm_policies(context, root)
    if policies is not None and vm_policies.differs(context.cloud, vm, policies):
        context.access.require("vApp: Edit VM Compute Policy")
        spec.policies = policies
    boot = child(root, "BootOptions")
    if boot is not None:
        spec.boot_delay_ms = int_of(boot, "BootDelay", vm.boot_delay_ms)
        spec.enter_bios_setup = flag_of(boot, "EnterBIOSSetup", vm.enter_bios_setup)


def _edits(context: Context, vapp: Vapp, right: str) -> bool:
    return context.access.may_change_vapp(vapp) and context.access.has(right)


@router.get(f"{_VM}/virtualHardwareSection")
def get_hardware(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    edits = _edits(context, vapp, _PROPERTIES)
    return Reply(content=hardware.virtual_hardware_section(context, vm, edits=edits))


@router.get(f"{_VM}/virtualHardwareSection/cpu")
def get_cpu(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    edits = _edits(context, vapp, "vApp: Edit VM CPU")
    return Reply(content=hardware.cpu_item(context, vm, root=True, edits=edits), media_type=hardware.RASD_ITEM)


@router.get(f"{_VM}/virtualHardwareSection/memory")
def get_memory(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    edits = _edits(context, vapp, "vApp: Edit VM Memory")
    return Reply(content=hardware.memory_item(context, vm, root=True, edits=edits), media_type=hardware.RASD_ITEM)


@router.get(f"{_VM}/virtualHardwareSection/disks")
def get_disks(context: Context, vm_id: str) -> Reply:
    return _items(context, vm_id, "disks", hardware.disks)


@router.get(f"{_VM}/virtualHardwareSection/networkCards")
def get_network_cards(context: Context, vm_id: str) -> Reply:
    return _items(context, vm_id, "networkCards", hardware.network_cards)


def _items(context: Context, vm_id: str, part: str, make: Callable[[Vm], list[Element]]) -> Reply:
    _, vm = context.access.vm_by_id(vm_id)
    return Reply(content=hardware.rasd_items_list(context, vm, part, make(vm)))


@router.put(f"{_VM}/virtualHardwareSection/cpu")
def set_cpu(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, "vApp: Edit VM CPU")
    kind, quantity, cores = rasd_item(require_root(context.xml(), "Item"))
    _require_kind(kind, 3)
    return accepted(context, changes.set_cpus(context.cloud, context.session.user, vapp, vm, quantity, cores))


@router.put(f"{_VM}/virtualHardwareSection/memory")
def set_memory(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, "vApp: Edit VM Memory")
    kind, quantity, _ = rasd_item(require_root(context.xml(), "Item"))
    _require_kind(kind, 4)
    return accepted(context, changes.set_memory(context.cloud, context.session.user, vapp, vm, quantity))


def _require_kind(kind: int, expected: int) -> None:
    if kind != expected:
        raise errors.bad_request(f"Bad request: validation error, rasd:ResourceType is {kind}, expected {expected}.")


@router.get(f"{_VM}/networkConnectionSection")
def get_connections(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    edits = _edits(context, vapp, "vApp: Edit VM Network")
    return Reply(content=vm_sections.network_connection_section(context, vm, edits=edits))


@router.put(f"{_VM}/networkConnectionSection")
def set_connections(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, "vApp: Edit VM Network")
    specs, primary = nics(require_root(context.xml(), "NetworkConnectionSection"))
    chosen = vm.primary_nic if primary is None else primary
    return accepted(context, changes.set_nics(context.cloud, context.session.user, vapp, vm, specs, chosen))


@router.get(f"{_VM}/guestCustomizationSection")
def get_customization(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    edits = _edits(context, vapp, _PROPERTIES)
    shows = edits or context.access.has("vApp: Manage VM Password Settings")
    return Reply(
        content=guest_customization.guest_customization_section(context, vm, edits=edits, shows_password=shows)
    )


@router.put(f"{_VM}/guestCustomizationSection")
def set_customization(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    spec = customization(require_root(context.xml(), "GuestCustomizationSection"))
    return accepted(context, changes.set_customization(context.cloud, context.session.user, vapp, vm, spec))


@router.get(f"{_VM}/guestcustomizationstatus", f"{_VM}/guestCustomizationStatus")
def get_customization_status(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_by_id(vm_id)
    return Reply(content=guest_customization.customization_status(vm))


@router.get(f"{_VM}/checkpostcustomizationscript", f"{_VM}/checkPostCustomizationScript")
def get_post_customization(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_by_id(vm_id)
    return Reply(content=guest_customization.post_customization(vm))


@router.get(f"{_VM}/vmCapabilities")
def get_capabilities(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    return Reply(content=vm_sections.capabilities(context, vm, edits=_edits(context, vapp, _PROPERTIES)))


@router.get(f"{_VM}/bootOptions")
def get_boot_options(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    return Reply(content=vm_sections.boot_options(context, vm, edits=_edits(context, vapp, "vApp: VM Boot Options")))


@router.get(f"{_VM}/operatingSystemSection")
def get_operating_system(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    return Reply(content=vm_sections.operating_system_section(context, vm, edits=_edits(context, vapp, _PROPERTIES)))


@router.get(f"{_VM}/runtimeInfoSection")
def get_runtime_info(context: Context, vm_id: str) -> Reply:
    context.access.vm_by_id(vm_id)
    return Reply(content=vm_sections.runtime_info_section())
