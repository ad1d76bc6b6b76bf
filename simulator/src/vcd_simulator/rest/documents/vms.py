"""VMs of vApps and of templates, and the sections that vApps share with them."""

from collections.abc import Hashable

from vcd_simulator.clock import timestamp
from vcd_simulator.model.compute import Status, Vapp, Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.operations.machines import guest_information
from vcd_simulator.operations.power import available_actions
from vcd_simulator.operations.settings import LATEST_HARDWARE_VERSION, datastore_of
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents import guest_customization, hardware, vm_sections
from vcd_simulator.rest.documents.common import METADATA, created, link, reference, running_tasks, tasks_element
from vcd_simulator.rest.documents.products import PRODUCT_SECTIONS
from vcd_simulator.rest.fragments import state_of
from vcd_simulator.rest.vm_policies import vm_policies
from vcd_simulator.rest.xml import OVF_NS, VE_NS, Element, document, ovf, ovfenv, qualified, vcloud, vmext


def power_links(context: Context, target: Vapp | Vm, status: Status, *, deployed: bool, starts: bool) -> list[Element]:
    """The links that a state allows, for a caller who may use them; `starts` is whether the VDC lets anything start."""
    path = target.kind.href_path(target.id)
    links = [
        link(context, "discardState" if name == "discardSuspendedState" else f"power:{name}", _power_path(path, name))
        for name in available_actions(target, status, deployed=deployed)
        if starts or name != "powerOn"
    ]
    if starts and not deployed and status not in (Status.UNRESOLVED, Status.FAILED_CREATION):
        links.append(link(context, "deploy", f"{path}/action/deploy", VCLOUD + "deployVAppParams+xml"))
    if deployed:
        links.append(link(context, "undeploy", f"{path}/action/undeploy", VCLOUD + "undeployVAppParams+xml"))
    return links


def _power_path(path: str, name: str) -> str:
    return f"{path}/action/{name}" if name == "discardSuspendedState" else f"{path}/power/action/{name}"


def lease_section(context: Context, path: str, vapp: Vapp | None, *, edits: bool) -> Element:
    """The leases of a vApp, and when the one that counts in its state is over; a template's never is."""
    media = VCLOUD + "leaseSettingsSection+xml"
    own = f"{path}/leaseSettingsSection/"
    running = vapp.deployment_lease_s if vapp is not None else None
    stored = vapp.storage_lease_s if vapp is not None else 0
    return vcloud(
        "LeaseSettingsSection",
        ovf("Info", "Lease settings section"),
        link(context, "edit", own, media) if edits else None,
        vcloud("DeploymentLeaseInSeconds", running) if running is not None else None,
        vcloud("StorageLeaseInSeconds", stored),
        _lease_end("DeploymentLeaseExpiration", vapp, running) if vapp is not None and vapp.deployed else None,
        _lease_end("StorageLeaseExpiration", vapp, stored) if vapp is not None and not vapp.deployed else None,
        qualified(OVF_NS, required=False),
        type=media,
        href=context.url(own),
    )


def _lease_end(tag: str, vapp: Vapp, seconds: int | None) -> Element | None:
    return vcloud(tag, timestamp(vapp.leases_from + seconds)) if seconds else None


def vm(context: Context, entity: Vm, vapp: Vapp | None = None) -> Element:
    """A VM; without a vApp, one of a template, which has no power and no place in vCenter."""
    access = context.access
    edits = vapp is not None and access.may_change_vapp(vapp)
    shows_password = edits or vapp is None or access.has("vApp: Manage VM Password Settings")
    profile = context.cloud.profiles.get(entity.storage_profile_id)
    may_edit_properties = edits and access.has("vApp: Edit VM Properties")
    return document(
        "Vm",
        _vim_info(context, entity) if vapp is not None and access.is_sysadmin else None,
        _links(context, entity, vapp, edits) if vapp is not None else _template_links(context, entity),
        vcloud("Description", entity.description),
        tasks_element(context, running_tasks(context, entity.id)),
        hardware.virtual_hardware_section(context, entity, edits=edits),
        vm_sections.operating_system_section(context, entity, edits=may_edit_properties),
        vm_sections.network_connection_section(context, entity, edits=edits and access.has("vApp: Edit VM Network")),
        guest_customization.guest_customization_section(
            context, entity, edits=may_edit_properties, shows_password=shows_password
        ),
        vm_sections.runtime_info_section() if vapp is not None else None,
        vm_sections.vm_spec_section(context, entity),
        vcloud("VAppScopedLocalId", entity.id),
        _environment(entity) if entity.is_on else None,
        vm_sections.capabilities(context, entity, edits=may_edit_properties) if vapp is not None else None,
        reference(context, "StorageProfile", profile, with_id=True) if profile is not None else None,
        vm_policies(context, entity),
        vm_sections.boot_options(context, entity) if vapp is not None else None,
        created(entity.created),
        needsCustomization=entity.customization.pending,
        nestedHypervisorEnabled=entity.nested_hypervisor,
        deployed=entity.deployed if vapp is not None else None,
        status=entity.status.value,
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def vms(context: Context, entities: list[Vm], vapp: Vapp) -> list[Element]:
    """The VMs of a vApp; in XML, those about which nothing has changed since are as they were rendered before."""
    if context.json:
        return [vm(context, one, vapp) for one in entities]
    access = context.access
    starts = context.cloud.vdcs[vapp.vdc_id].enabled
    viewer = (
        context.base,
        context.version,
        access.is_sysadmin,
        access.may_change_vapp(vapp),
        starts,
        *access.right_ids(),
    )
    return [_embedded(context, one, vapp, viewer) for one in entities]


def _embedded(context: Context, entity: Vm, vapp: Vapp, viewer: Hashable) -> Element:
    cloud = context.cloud
    if running_tasks(context, entity.id):
        return vm(context, entity, vapp)
    server, datastore = cloud.vim_servers[entity.vim_server_id], datastore_of(cloud, entity)
    policies = [cloud.compute_policies.get(one) for one in (entity.policies.sizing_id, entity.policies.placement_id)]
    profile = cloud.profiles.get(entity.storage_profile_id)
    elsewhere = profile, server, datastore, policies, guest_information(cloud, entity)
    state = viewer, state_of(entity), state_of(elsewhere)
    place = entity.id, context.base, context.access.user.id
    return xml.embed(context.embedded, context.fragments.get(place, state, lambda: vm(context, entity, vapp)))


def _links(context: Context, entity: Vm, vapp: Vapp, edits: bool) -> list[Element | None]:
    path = entity.kind.href_path(entity.id)
    access = context.access
    media = entity.kind.media_type
    settled = entity.status not in (Status.UNRESOLVED, Status.FAILED_CREATION)
    powers = edits and access.has("vApp: Power Operations")
    starts = context.cloud.vdcs[vapp.vdc_id].enabled
    properties = edits and settled and access.has("vApp: Edit VM Properties")
    return [
        *(power_links(context, entity, entity.status, deployed=entity.deployed, starts=starts) if powers else []),
        link(context, "up", vapp.kind.href_path(vapp.id), vapp.kind.media_type),
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "edit", path, media) if properties else None,
        link(context, "reconfigureVm", f"{path}/action/reconfigureVm", media, name=entity.name) if properties else None,
        link(context, "customizeAtNextPowerOn", f"{path}/action/customizeAtNextPowerOn") if properties else None,
        link(context, "down", f"{path}/productSections/", PRODUCT_SECTIONS),
        *(_upkeep_links(context, entity, path) if edits and settled else []),
        link(context, "remove", path)
        if edits and settled and not entity.deployed and access.has("vApp: Delete")
        else None,
    ]


def _upkeep_links(context: Context, entity: Vm, path: str) -> list[Element | None]:
    """What can be done about a VM's hardware and its place in vCenter."""
    access = context.access
    upkeep = access.has("vApp: VM Migrate, Force Undeploy, Relocate, Consolidate")
    checks = access.has("vApp: VM Check Compliance")
    outdated = entity.hardware_version < LATEST_HARDWARE_VERSION and not entity.is_on
    upgrades = outdated and access.has("vApp: Edit VM Properties")
    nested = "disable" if entity.nested_hypervisor else "enable"
    return [
        link(context, "upgrade", f"{path}/action/upgradeHardwareVersion") if upgrades else None,
        link(context, f"{nested}NestedHypervisor", f"{path}/action/{nested}NestedHypervisor")
        if not entity.is_on and access.has("vApp: Edit VM Properties")
        else None,
        link(context, "consolidate", f"{path}/action/consolidate") if upkeep and not entity.is_on else None,
        link(context, "reloadFromVc", f"{path}/action/reloadFromVc") if upkeep else None,
        link(context, "relocate", f"{path}/action/relocate", VCLOUD + "relocateVmParams+xml") if upkeep else None,
        link(context, "installVmwareTools", f"{path}/action/installVMwareTools")
        if entity.is_on and access.has("vApp: Edit VM Properties")
        else None,
        link(context, "checkCompliance", f"{path}/action/checkCompliance") if checks else None,
        link(context, "down", f"{path}/complianceResult", vm_sections.COMPLIANCE_RESULT) if checks else None,
    ]


def _template_links(context: Context, entity: Vm) -> list[Element | None]:
    template = context.cloud.templates[entity.template_id or ""]
    return [
        link(context, "up", template.kind.href_path(template.id), template.kind.media_type),
        link(context, "down", f"{entity.kind.href_path(entity.id)}/metadata", METADATA),
    ]


def _vim_info(context: Context, entity: Vm) -> Element:
    """Where the VM is in vCenter; for system administrators."""
    server, datastore = context.cloud.vim_servers[entity.vim_server_id], datastore_of(context.cloud, entity)
    return vcloud(
        "VCloudExtension",
        vmext(
            "VmVimInfo",
            vmext(
                "VmVimObjectRef",
                reference(context, "VimServerRef", server, with_id=True, build=vmext),
                vmext("MoRef", entity.moid),
                vmext("VimObjectType", "VIRTUAL_MACHINE"),
            ),
            vmext(
                "DatastoreVimObjectRef",
                reference(context, "VimServerRef", server, with_id=True, build=vmext),
                vmext("MoRef", datastore.moref),
                vmext("VimObjectType", "DATASTORE"),
            )
            if datastore is not None
            else None,
        ),
        required=False,
    )


def _environment(entity: Vm) -> Element:
    properties = ovfenv("PropertySection")
    return ovfenv("Environment", properties, qualified(VE_NS, vCenterId=entity.moid))
