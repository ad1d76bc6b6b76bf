"""Capturing vApps as templates."""

from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, CatalogItem, Status, Vapp, VappTemplate, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.catalogs import add_item, check_free_item_name, drop_template, forget_template
from vcd_simulator.operations.machines import hypervisor_refusals
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.quotas import check_new_disks


@dataclass(kw_only=True)
class CaptureSpec:
    """A template to be made of a vApp; `target` is the catalog item whose template it replaces."""

    name: str
    description: str = ""
    customize_on_instantiate: bool = True
    target: CatalogItem | None = None


def capture(cloud: Cloud, user: User, catalog: Catalog, vapp: Vapp, spec: CaptureSpec) -> Task:
    """Make a template of a vApp. An item that is overwritten keeps its template until the new one is complete.

    Raises:
        VcdError: the name is taken, the vApp has no VMs, or something is busy.
    """
    name = check_name("vApp template", spec.name)
    vms = cloud.vms_of(vapp)
    if not vms or vapp.transient is not None:
        raise errors.bad_request(f"The vApp {vapp.name} has no VMs that could be captured.", "OPERATION_DENIED")
    old = cloud.templates[spec.target.template_id] if spec.target is not None else None
    affected: list[work.Named] = [vapp, *vms]
    if old is not None:
        affected.append(old)
    cloud.tasks.require_idle((one.id, one.name) for one in affected)
    if old is not None:
        cloud.tasks.require_unused([(old.id, old.name)])
    template = VappTemplate(
        id=cloud.new_id(),
        vdc_id=vapp.vdc_id,
        owner_id=user.id,
        name=name,
        description=spec.description,
        status=Status.UNRESOLVED,
        created=cloud.clock.now(),
        customize_on_instantiate=spec.customize_on_instantiate,
        networks={network.name: network.description for network in vapp.networks.values()},
        product_sections=list(vapp.product_sections),
    )
    version = catalog.version
    if spec.target is None:
        add_item(cloud, catalog, template, name, spec.description)
    else:
        check_free_item_name(cloud, catalog, name, except_for=spec.target)
        template.catalog_item_id = spec.target.id
    cloud.templates.add(template)

    def effect() -> None:
        _copy_machines(cloud, template, vms)
        cloud.metadata.copy(vapp.id, template.id)
        template.status = Status.POWERED_OFF
        if spec.target is not None and old is not None:
            _replace(cloud, spec.target, old, template, spec.description)

    def undo() -> None:
        if spec.target is None:
            forget_template(cloud, template)
        else:
            drop_template(cloud, template)

    def withdraw() -> None:
        undo()
        catalog.version = version

    return work.start(
        cloud, user, catalog.org_id, template, "vdcCaptureTemplate", "Capturing", "Captured",
        noun="Virtual Application Template", locks=affected,
        extra_s=cloud.latency.together("vm.clone", len(vms)), effect=effect, undo=undo, withdraw=withdraw,
    )  # fmt: skip


def _copy_machines(cloud: Cloud, template: VappTemplate, vms: list[Vm]) -> None:
    for vm in vms:
        with hypervisor_refusals(vm):
            image = cloud.hypervisor.capture(vm.moid)
        template.captured_images.append(image)
        copy = replace(
            vm,
            id=cloud.new_id(),
            moid=f"vm-{cloud.next_number('moid')}",
            image=image,
            vapp_id=None,
            template_id=template.id,
            status=Status.POWERED_OFF,
            deployed=False,
            guest_exists=False,
            cloned_from=None,
            hardware=vm.hardware.copy(),
            extra_config=dict(vm.extra_config),
            nics=[replace(nic, ip_address=None) for nic in vm.nics],
            customization=replace(vm.customization, pending=template.customize_on_instantiate, reported=False),
            created=cloud.clock.now(),
        )
        cloud.vms.add(copy)
        cloud.metadata.copy(vm.id, copy.id)
        template.vm_ids[copy.id] = None
        check_new_disks(cloud, copy)


def _replace(cloud: Cloud, item: CatalogItem, old: VappTemplate, new: VappTemplate, description: str) -> None:
    """Let a catalog item point to its new template, and drop the old one."""
    new.version = old.version + 1
    item.template_id, item.name, item.description = new.id, new.name, description
    item.version += 1
    cloud.catalogs[item.catalog_id].version += 1
    cloud.items.reindex(item)
    drop_template(cloud, old)
