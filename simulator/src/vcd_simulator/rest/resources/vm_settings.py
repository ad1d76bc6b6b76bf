"""Settings of VMs and vApps: capabilities, boot options, disks, products, compliance, maintenance."""

import math
from collections.abc import Callable

from vcd_simulator import errors
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.kinds import DATASTORE
from vcd_simulator.model.task import Task
from vcd_simulator.operations import settings
from vcd_simulator.operations.settings import DiskSpec
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import hardware, products, vm_sections
from vcd_simulator.rest.parsing import optional_text, referenced_id, require_root
from vcd_simulator.rest.requests.vm_sections import rasd_int, stated_capacity_mb
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import RASD_NS, VMW_NS, Element, child, children, flag_of, int_of, whole_number

router = Router()
_VM = "/api/vApp/vm-{vm_id}"
_VAPP = "/api/vApp/vapp-{vapp_id}"
_PROPERTIES = "vApp: Edit VM Properties"
_DISKS = "vApp: Edit VM Hard Disk"
_UPKEEP = "vApp: VM Migrate, Force Undeploy, Relocate, Consolidate"
_COMPLIANCE = "vApp: VM Check Compliance"
_MAINTENANCE = "vApp: Enter/Exit Maintenance Mode"


@router.put(f"{_VM}/vmCapabilities")
def set_capabilities(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    root = require_root(context.xml(), "VmCapabilities")
    task = settings.set_capabilities(
        context.cloud,
        context.session.user,
        vapp,
        vm,
        memory_hot_add=flag_of(root, "MemoryHotAddEnabled", vm.memory_hot_add),
        cpu_hot_add=flag_of(root, "CpuHotAddEnabled", vm.cpu_hot_add),
    )
    return accepted(context, task)


@router.post(f"{_VM}/action/bootOptions")
@router.put(f"{_VM}/bootOptions")
def set_boot_options(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, "vApp: VM Boot Options")
    root = require_root(context.xml(), "BootOptions")
    task = settings.set_boot_options(
        context.cloud,
        context.session.user,
        vapp,
        vm,
        boot_delay_ms=int_of(root, "BootDelay", vm.boot_delay_ms),
        enter_bios_setup=flag_of(root, "EnterBIOSSetup", vm.enter_bios_setup),
    )
    return accepted(context, task)


@router.put(f"{_VM}/operatingSystemSection")
def set_operating_system(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    root = require_root(context.xml(), "OperatingSystemSection")
    os_type = root.get(f"{{{VMW_NS}}}osType")
    description = optional_text(root, "Description")
    task = settings.set_operating_system(
        context.cloud, context.session.user, vapp, vm, os_type=os_type, description=description
    )
    return accepted(context, task)


@router.post(f"{_VM}/action/enableNestedHypervisor")
def enable_nested_hypervisor(context: Context, vm_id: str) -> Reply:
    return _nested(context, vm_id, enabled=True)


@router.post(f"{_VM}/action/disableNestedHypervisor")
def disable_nested_hypervisor(context: Context, vm_id: str) -> Reply:
    return _nested(context, vm_id, enabled=False)


def _nested(context: Context, vm_id: str, *, enabled: bool) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    task = settings.set_nested_hypervisor(context.cloud, context.session.user, vapp, vm, enabled=enabled)
    return accepted(context, task)


@router.put(f"{_VM}/virtualHardwareSection/disks")
def set_disks(context: Context, vm_id: str) -> Reply:
    """Let a VM have the hard disks that are listed; controllers are what they are."""
    vapp, vm = context.access.vm_to_change(vm_id, _DISKS)
    root = require_root(context.xml(), "RasdItemsList")
    disks = [item for item in children(root, "Item") if rasd_int(item, "ResourceType") == 17]
    specs = [_disk(vm, item) for item in disks]
    return accepted(context, settings.set_disks(context.cloud, context.session.user, vapp, vm, specs))


def _disk(vm: Vm, item: Element) -> DiskSpec:
    """A disk of the list. Its size is there twice: what a client has changed counts."""
    instance_id = whole_number(item.findtext(f"{{{RASD_NS}}}InstanceID") or "")
    known = next((disk for disk in vm.hardware.disks if disk.instance_id == instance_id), None)
    capacity = stated_capacity_mb(item)
    has_quantity = item.find(f"{{{RASD_NS}}}VirtualQuantity") is not None
    quantity = math.ceil(rasd_int(item, "VirtualQuantity") / 1024**2) if has_quantity else None
    if known is not None and quantity not in (None, known.capacity_mb):
        capacity = quantity
    return DiskSpec(instance_id=instance_id, capacity_mb=(quantity if capacity is None else capacity) or 0)


@router.get(f"{_VM}/virtualHardwareSection/media")
def get_media(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_by_id(vm_id)
    return Reply(content=hardware.rasd_items_list(context, vm, "media", hardware.drives()))


@router.put(f"{_VM}/virtualHardwareSection/media")
def set_media(context: Context, vm_id: str) -> Reply:
    context.access.vm_to_change(vm_id, _PROPERTIES)
    raise errors.not_allowed("Media are not available in this cloud.")


@router.post(f"{_VM}/screen/action/acquireTicket", f"{_VM}/screen/action/acquireMksTicket")
def acquire_ticket(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_to_change(vm_id, "vApp: Use Console")
    raise errors.not_allowed(f"The console of the VM {vm.name} is not available in this cloud.")


@router.get(f"{_VM}/complianceResult")
def get_compliance(context: Context, vm_id: str) -> Reply:
    _, vm = context.access.vm_by_id(vm_id)
    context.access.require(_COMPLIANCE)
    return Reply(content=vm_sections.compliance_result(context, vm))


Change = Callable[..., Task]


def _serve_action(name: str, right: str, change: Change) -> None:
    """An action on a VM that needs no document."""

    @router.post(f"{_VM}/action/{name}")
    def act(context: Context, vm_id: str) -> Reply:
        vapp, vm = context.access.vm_to_change(vm_id, right)
        return accepted(context, change(context.cloud, context.session.user, vapp, vm))


_serve_action("upgradeHardwareVersion", _PROPERTIES, settings.upgrade_hardware)
_serve_action("checkCompliance", _COMPLIANCE, settings.check_compliance)
_serve_action("consolidate", _UPKEEP, settings.consolidate)
_serve_action("reloadFromVc", _UPKEEP, settings.reload_from_vcenter)
_serve_action("installVMwareTools", _PROPERTIES, settings.install_tools)


@router.post(f"{_VM}/action/relocate")
def relocate(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _UPKEEP)
    root = require_root(context.xml(), "RelocateParams")
    datastore_id = referenced_id(child(root, "Datastore"), "Datastore")
    datastore = context.access.existing(DATASTORE, context.cloud.datastores, datastore_id)
    return accepted(context, settings.relocate(context.cloud, context.session.user, vapp, vm, datastore))


@router.get(f"{_VM}/productSections")
def get_vm_products(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_by_id(vm_id)
    return _products(context, vapp, vm, _PROPERTIES)


@router.get(f"{_VAPP}/productSections")
def get_vapp_products(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    return _products(context, vapp, vapp, "vApp: Edit Properties")


def _products(context: Context, vapp: Vapp, of: Vapp | Vm, right: str) -> Reply:
    edits = context.access.may_change_vapp(vapp) and context.access.has(right)
    return Reply(content=products.product_sections(context, of, edits=edits))


@router.put(f"{_VM}/productSections")
def set_vm_products(context: Context, vm_id: str) -> Reply:
    vapp, vm = context.access.vm_to_change(vm_id, _PROPERTIES)
    return _set_products(context, vapp, vm)


@router.put(f"{_VAPP}/productSections")
def set_vapp_products(context: Context, vapp_id: str) -> Reply:
    return _set_products(context, context.access.vapp_to_change(vapp_id, "vApp: Edit Properties"), None)


def _set_products(context: Context, vapp: Vapp, vm: Vm | None) -> Reply:
    root = require_root(context.xml(), "ProductSectionList")
    known = (vapp if vm is None else vm).product_sections
    sections = products.read_product_sections(root, known)
    return accepted(context, settings.set_product_sections(context.cloud, context.session.user, vapp, vm, sections))


@router.post(f"{_VAPP}/action/enterMaintenanceMode")
def enter_maintenance(context: Context, vapp_id: str) -> Reply:
    return _maintenance(context, vapp_id, entered=True)


@router.post(f"{_VAPP}/action/exitMaintenanceMode")
def exit_maintenance(context: Context, vapp_id: str) -> Reply:
    return _maintenance(context, vapp_id, entered=False)


def _maintenance(context: Context, vapp_id: str, *, entered: bool) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, _MAINTENANCE)
    settings.set_maintenance(context.cloud, vapp, entered=entered)
    return Reply(status=204)
