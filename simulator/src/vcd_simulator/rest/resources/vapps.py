"""vApps: composing, recomposing, power, networks, owner, deletion."""

from vcd_simulator import errors
from vcd_simulator.model.compute import Startup, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.operations import changes, clones, composition, power, vapps
from vcd_simulator.operations.composition import VappSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import vapps as documents
from vcd_simulator.rest.documents.common import task_element
from vcd_simulator.rest.documents.vms import lease_section
from vcd_simulator.rest.parsing import optional_text, referenced_id, require_root
from vcd_simulator.rest.requests.networks import network_configs
from vcd_simulator.rest.requests.vm_items import created_items, sourced_items
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import OVF_NS, Element, attribute_flag, child, children, flag_of, int_of, text_of

router = Router()
_COMPOSE = "vApp: Create / Reconfigure"
_POWER = "vApp: Power Operations"


def accepted(context: Context, task: Task) -> Reply:
    return Reply(status=202, content=task_element(context, task), headers={"location": context.href(task)})


@router.get("/api/vApp/vapp-{vapp_id}")
def get_vapp(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    power.notice_guests(context.cloud, context.cloud.vms_of(vapp))
    return Reply(content=documents.vapp(context, vapp))


@router.post("/api/vdc/{vdc_id}/action/composeVApp")
def compose(context: Context, vdc_id: str) -> Reply:
    _require_composer(context, vdc_id)
    root = require_root(context.xml(), "ComposeVAppParams")
    machines = [*sourced_items(context, root), *created_items(context, root)]
    return _create(context, vdc_id, root, machines, "vdcComposeVapp")


@router.post("/api/vdc/{vdc_id}/action/instantiateVAppTemplate")
def instantiate(context: Context, vdc_id: str) -> Reply:
    """Instantiate a template: its VMs, each changed as a `SourcedItem` may ask."""
    _require_composer(context, vdc_id)
    context.access.require("vApp Template: Checkout")
    root = require_root(context.xml(), "InstantiateVAppTemplateParams")
    template = context.access.template_by_id(referenced_id(child(root, "Source"), "Source"))
    if template.status is not Status.POWERED_OFF:
        raise errors.bad_request(
            f"The vApp template {template.name} is not ready; wait until its upload or capture is over.",
            "OPERATION_DENIED",
        )
    asked = {spec.source.id: spec for spec in sourced_items(context, root)}
    machines = [asked.get(vm.id) or MachineSpec(source=vm) for vm in context.cloud.vms_of(template)]
    if not template.customize_on_instantiate:
        for spec in machines:
            spec.identical = not spec.needs_customization
    return _create(context, vdc_id, root, machines, "vdcInstantiateVapp", template=template)


@router.post("/api/vdc/{vdc_id}/action/cloneVApp")
def clone(context: Context, vdc_id: str) -> Reply:
    """Copy a vApp with its VMs, or move it: then the source goes when the task ends."""
    vdc = context.access.vdc_by_id(vdc_id)
    context.access.require("vApp: Copy")
    root = require_root(context.xml(), "CloneVAppParams")
    moves = flag_of(root, "IsSourceDelete")
    source_id = referenced_id(child(root, "Source"), "Source")
    access = context.access
    source = access.vapp_to_change(source_id, "vApp: Delete") if moves else access.vapp_by_id(source_id)
    description = optional_text(root, "Description")
    vapp, task = clones.clone_vapp(
        context.cloud, context.session.user, vdc, source, root.get("name") or "", description, moves=moves
    )
    document = documents.vapp(context, vapp, tasks=[task])
    return Reply(status=201, content=document, headers={"location": context.href(vapp)})


def _require_composer(context: Context, vdc_id: str) -> None:
    """Say who may not make vApps before looking at what they want."""
    context.access.vdc_by_id(vdc_id)
    context.access.require(_COMPOSE)


def _create(
    context: Context,
    vdc_id: str,
    root: Element,
    machines: list[MachineSpec],
    operation_name: str,
    *,
    template: VappTemplate | None = None,
) -> Reply:
    vdc = context.access.vdc_by_id(vdc_id)
    section = child(root, "InstantiationParams/NetworkConfigSection")
    spec = VappSpec(
        name=root.get("name") or "",
        description=text_of(root, "Description"),
        deploy=attribute_flag(root, "deploy"),
        power_on=attribute_flag(root, "powerOn"),
        networks=network_configs(context, section),
        machines=machines,
        template_id=template.id if template is not None else None,
        product_sections=template.product_sections if template is not None else [],
    )
    vapp, task = composition.create_vapp(context.cloud, context.session.user, vdc, spec, operation_name=operation_name)
    document = documents.vapp(context, vapp, tasks=[task])
    return Reply(status=201, content=document, headers={"location": context.href(vapp)})


@router.post("/api/vApp/vapp-{vapp_id}/action/recomposeVApp")
def recompose(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, _COMPOSE)
    root = require_root(context.xml(), "RecomposeVAppParams")
    section = child(root, "InstantiationParams/NetworkConfigSection")
    change = composition.Recomposition(
        add=[*sourced_items(context, root), *created_items(context, root)],
        delete=[_vm_to_delete(context, vapp, item) for item in children(root, "DeleteItem")],
        name=root.get("name"),
        description=optional_text(root, "Description"),
        networks=network_configs(context, section) if section is not None else None,
        deploy=attribute_flag(root, "deploy"),
        power_on=attribute_flag(root, "powerOn"),
    )
    return accepted(context, composition.recompose(context.cloud, context.session.user, vapp, change))


def _vm_to_delete(context: Context, vapp: Vapp, item: Element) -> Vm:
    vm_id = referenced_id(item, "DeleteItem")
    owner, vm = context.access.vm_by_id(vm_id)
    if owner is not vapp:
        raise errors.no_access("vm", vm_id)
    return vm


@router.put("/api/vApp/vapp-{vapp_id}")
def update(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, "vApp: Edit Properties")
    root = require_root(context.xml(), "VApp")
    task = vapps.update_vapp(
        context.cloud, context.session.user, vapp, root.get("name"), optional_text(root, "Description")
    )
    return accepted(context, task)


@router.delete("/api/vApp/vapp-{vapp_id}")
def delete(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, "vApp: Delete")
    return accepted(context, vapps.delete_vapp(context.cloud, context.session.user, vapp, force=context.flag("force")))


@router.post("/api/vApp/vapp-{vapp_id}/power/action/{action}")
def power_action(context: Context, vapp_id: str, action: str) -> Reply:
    return accepted(context, power_task(context, context.access.vapp_to_change(vapp_id, _POWER), None, action))


def power_task(context: Context, vapp: Vapp, vm: Vm | None, action: str) -> Task:
    user = context.session.user
    power.notice_guests(context.cloud, context.cloud.vms_of(vapp))
    if action == "powerOn":
        return power.power_on(context.cloud, user, vapp, vm)
    if action not in power.ACTIONS:
        raise errors.not_found(context.path)
    return power.act(context.cloud, user, vapp, vm, action)


@router.post("/api/vApp/vapp-{vapp_id}/action/discardSuspendedState")
def discard_suspended_state(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, _POWER)
    return accepted(context, power.discard_suspended_state(context.cloud, context.session.user, vapp, None))


@router.post("/api/vApp/vapp-{vapp_id}/action/deploy")
def deploy(context: Context, vapp_id: str) -> Reply:
    return accepted(context, deploy_task(context, context.access.vapp_to_change(vapp_id, _POWER), None))


def deploy_task(context: Context, vapp: Vapp, vm: Vm | None) -> Task:
    root = require_root(context.xml(), "DeployVAppParams")
    return power.power_on(
        context.cloud,
        context.session.user,
        vapp,
        vm,
        deploy=True,
        power=attribute_flag(root, "powerOn", True),
        force_customization=attribute_flag(root, "forceCustomization"),
    )


@router.post("/api/vApp/vapp-{vapp_id}/action/undeploy")
def undeploy(context: Context, vapp_id: str) -> Reply:
    return accepted(context, undeploy_task(context, context.access.vapp_to_change(vapp_id, _POWER), None))


def undeploy_task(context: Context, vapp: Vapp, vm: Vm | None) -> Task:
    root = require_root(context.xml(), "UndeployVAppParams")
    action = text_of(root, "UndeployPowerAction", "default") or "default"
    return power.undeploy(context.cloud, context.session.user, vapp, vm, action)


@router.get("/api/vApp/vapp-{vapp_id}/startupSection")
def get_startup(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    edits = documents.edits_properties(context, vapp)
    return Reply(content=documents.startup_section(context, vapp, edits=edits), media_type=documents.STARTUP)


@router.put("/api/vApp/vapp-{vapp_id}/startupSection")
def set_startup(context: Context, vapp_id: str) -> Reply:
    """Remember in which order VMs start. Here they start together."""
    vapp = context.access.vapp_to_change(vapp_id, "vApp: Edit Properties")
    root = require_root(context.xml(), "StartupSection")
    wanted = {item.get(f"{{{OVF_NS}}}id") or "": _startup(item) for item in children(root, "Item")}
    return accepted(context, changes.set_startup(context.cloud, context.session.user, vapp, wanted))


def _startup(item: Element) -> Startup:
    def number(name: str) -> int:
        text = item.get(f"{{{OVF_NS}}}{name}") or "0"
        if not (text.isascii() and text.isdigit() and len(text) < 7):
            raise errors.bad_request(f"Bad request: validation error, {name} is not a whole number.")
        return int(text)

    return Startup(
        order=number("order"),
        start_action=item.get(f"{{{OVF_NS}}}startAction") or "powerOn",
        start_delay_s=number("startDelay"),
        stop_action=item.get(f"{{{OVF_NS}}}stopAction") or "powerOff",
        stop_delay_s=number("stopDelay"),
    )


@router.get("/api/vApp/vapp-{vapp_id}/leaseSettingsSection")
def get_leases(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_by_id(vapp_id)
    edits = documents.edits_properties(context, vapp)
    path = vapp.kind.href_path(vapp.id)
    return Reply(content=lease_section(context, path, vapp, edits=edits))


@router.put("/api/vApp/vapp-{vapp_id}/leaseSettingsSection")
def set_leases(context: Context, vapp_id: str) -> Reply:
    """Remember the leases. They never run out here: 0, which means never, is the organisation's default."""
    vapp = context.access.vapp_to_change(vapp_id, "vApp: Edit Properties")
    root = require_root(context.xml(), "LeaseSettingsSection")
    deployment = int_of(root, "DeploymentLeaseInSeconds", vapp.deployment_lease_s)
    storage = int_of(root, "StorageLeaseInSeconds", vapp.storage_lease_s)
    task = vapps.set_leases(context.cloud, context.session.user, vapp, deployment, storage)
    return accepted(context, task)
