"""vApp templates and the VMs in them."""

from collections.abc import Callable

from vcd_simulator import errors
from vcd_simulator.model.compute import VappTemplate, Vm
from vcd_simulator.model.policies import NO_POLICIES, AppliedPolicies
from vcd_simulator.operations import catalogs, templates, uploads
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import catalogs as documents
from vcd_simulator.rest.documents import guest_customization, hardware, vm_sections
from vcd_simulator.rest.documents import vms as vm_documents
from vcd_simulator.rest.parsing import optional_text, referenced_id, require_root
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.vm_policies import POLICIES_SINCE, read_vm_policies
from vcd_simulator.rest.xml import Element, attribute_flag, child, children

router = Router()
_VIEW = "vApp Template / Media: View"


@router.get("/api/vAppTemplate/vappTemplate-{template_id}")
def get_template(context: Context, template_id: str) -> Reply:
    template = context.access.template_by_id(template_id)
    context.access.require(_VIEW)
    return Reply(content=documents.template(context, template))


@router.get("/api/vAppTemplate/vm-{vm_id}")
def get_template_vm(context: Context, vm_id: str) -> Reply:
    return Reply(content=vm_documents.vm(context, _vm(context, vm_id)))


def _vm(context: Context, vm_id: str) -> Vm:
    vm = context.access.template_vm_by_id(vm_id)[1]
    context.access.require(_VIEW)
    return vm


@router.put("/api/vAppTemplate/vappTemplate-{template_id}")
def update_template(context: Context, template_id: str) -> Reply:
    """Rename or describe a template, and say which compute policies VMs follow that are made from its VMs."""
    template = _template_to_change(context, template_id)
    root = require_root(context.xml(), "VAppTemplate")
    change = templates.TemplateChange(
        name=root.get("name"),
        description=optional_text(root, "Description"),
        gold_master=attribute_flag(root, "goldMaster", template.gold_master),
        policies=_policies(context, template, root),
    )
    return accepted(context, templates.update(context.cloud, context.session.user, template, change))


def _policies(context: Context, template: VappTemplate, root: Element) -> dict[str, AppliedPolicies]:
    """The policies of those VMs that the document names, by id; versions without policies say nothing of them."""
    if context.version < POLICIES_SINCE:
        return {}
    found = {}
    for element in children(child(root, "Children"), "Vm"):
        vm_id = referenced_id(element, "Vm")
        if vm_id not in template.vm_ids:
            raise errors.bad_request(f"The vApp template {template.name} has no VM {vm_id[:80]!r}.")
        found[vm_id] = read_vm_policies(context, element) or NO_POLICIES
    return found


@router.delete("/api/vAppTemplate/vappTemplate-{template_id}")
def delete_template(context: Context, template_id: str) -> Reply:
    template = _template_to_change(context, template_id)
    uploads.abort(context.cloud, template)
    return accepted(context, catalogs.delete_template(context.cloud, context.session.user, template))


def _template_to_change(context: Context, template_id: str) -> VappTemplate:
    template = context.access.template_by_id(template_id)
    item = context.cloud.items.get(template.catalog_item_id)
    if item is None:
        raise errors.no_access("vAppTemplate", template_id)
    context.access.catalog_to_change(item.catalog_id, "vApp Template / Media: Edit")
    return template


Section = Callable[[Context, Vm], Element]
_SECTIONS: dict[str, Section] = {
    "virtualHardwareSection": lambda context, vm: hardware.virtual_hardware_section(context, vm, edits=False),
    "virtualHardwareSection/cpu": lambda context, vm: hardware.cpu_item(context, vm, root=True),
    "virtualHardwareSection/memory": lambda context, vm: hardware.memory_item(context, vm, root=True),
    "virtualHardwareSection/disks": lambda context, vm: hardware.rasd_items_list(
        context, vm, "disks", hardware.disks(vm)
    ),
    "virtualHardwareSection/media": lambda context, vm: hardware.rasd_items_list(
        context, vm, "media", hardware.drives()
    ),
    "virtualHardwareSection/networkCards": lambda context, vm: hardware.rasd_items_list(
        context, vm, "networkCards", hardware.network_cards(vm)
    ),
    "networkConnectionSection": lambda context, vm: vm_sections.network_connection_section(context, vm, edits=False),
    "guestCustomizationSection": lambda context, vm: guest_customization.guest_customization_section(
        context, vm, edits=False, shows_password=True
    ),
    "operatingSystemSection": vm_sections.operating_system_section,
}


def _serve(path: str, section: Section) -> None:
    @router.get(f"/api/vAppTemplate/vm-{{vm_id}}/{path}")
    def show(context: Context, vm_id: str) -> Reply:
        vm = _vm(context, vm_id)
        media_type = hardware.RASD_ITEM if path.endswith(("cpu", "memory")) else None
        return Reply(content=section(context, vm), media_type=media_type)


for _path, _section in _SECTIONS.items():
    _serve(_path, _section)
