"""Catalogs, their items and the templates behind them."""

from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import (
    Catalog,
    CatalogItem,
    Disk,
    GuestCustomization,
    Hardware,
    Nic,
    Status,
    VappTemplate,
    Vm,
)
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import AccessControl, Org, User
from vcd_simulator.operations import work
from vcd_simulator.operations.datacenter import default_profile
from vcd_simulator.operations.names import check_name


def add_catalog(cloud: Cloud, org: Org, owner: User, name: str, description: str = "") -> Catalog:
    """Make a catalog at once."""
    name = check_name("catalog", name)
    if cloud.catalogs.first("name", (org.id, name)) is not None:
        raise errors.duplicate_name("catalog", name)
    return cloud.catalogs.add(
        Catalog(
            id=cloud.new_id(),
            org_id=org.id,
            owner_id=owner.id,
            name=name,
            description=description,
            created=cloud.clock.now(),
        )
    )


def create_catalog(cloud: Cloud, user: User, org: Org, name: str, description: str) -> tuple[Catalog, Task]:
    catalog = add_catalog(cloud, org, user, name, description)
    task = work.start(
        cloud, user, org.id, catalog, "catalogCreateCatalog", "Creating", "Created", noun="Catalog",
        undo=lambda: _take_back(cloud, catalog),
    )  # fmt: skip
    return catalog, task


def _take_back(cloud: Cloud, catalog: Catalog) -> None:
    """Forget a catalog that could not be made, unless somebody has put something into it already."""
    if not cloud.items.count("catalog", catalog.id):
        forget_catalog(cloud, catalog)


def update_catalog(cloud: Cloud, catalog: Catalog, name: str, description: str) -> None:
    name = check_name("catalog", name)
    other = cloud.catalogs.first("name", (catalog.org_id, name))
    if other is not None and other is not catalog:
        raise errors.duplicate_name("catalog", name)
    catalog.name, catalog.description = name, description
    catalog.version += 1
    cloud.catalogs.reindex(catalog)


def publish_catalog(cloud: Cloud, catalog: Catalog, published: bool) -> None:
    """Show a catalog to all organisations, or hide it again."""
    if published and not cloud.orgs[catalog.org_id].can_publish_catalogs:
        raise errors.not_allowed("The organization may not publish catalogs.")
    catalog.published = published
    catalog.version += 1


def set_catalog_access(catalog: Catalog, access: AccessControl) -> None:
    catalog.access = access
    catalog.version += 1


def delete_catalog(cloud: Cloud, catalog: Catalog, *, recursive: bool) -> None:
    """Delete a catalog; one with items only when `recursive`, and only if all of them can be deleted."""
    items = cloud.items.find("catalog", catalog.id)
    if items and not recursive:
        raise errors.not_allowed(f"The catalog {catalog.name} is not empty; delete its items first.")
    cloud.tasks.require_idle([(catalog.id, catalog.name)])
    for item in items:
        _require_deletable(cloud, item)
    forget_catalog(cloud, catalog)


def forget_catalog(cloud: Cloud, catalog: Catalog) -> None:
    """Drop a catalog with everything in it."""
    for item in cloud.items.find("catalog", catalog.id):
        forget_template(cloud, cloud.templates[item.template_id])
    cloud.metadata.remove_all(catalog.id)
    cloud.catalogs.remove(catalog)


@dataclass(kw_only=True)
class TemplateSpec:
    """A template with one VM, as an inventory describes it."""

    name: str
    image: str
    description: str = ""
    os_type: str = "other3xLinux64Guest"
    cpu_count: int = 2
    memory_mb: int = 2048
    disk_mb: int = 16384
    vm_name: str = ""


def add_ready_template(cloud: Cloud, catalog: Catalog, vdc: Vdc, owner: User, spec: TemplateSpec) -> CatalogItem:
    """Put a template that is there from the start into a catalog."""
    template = VappTemplate(
        id=cloud.new_id(),
        vdc_id=vdc.id,
        owner_id=owner.id,
        name=spec.name,
        description=spec.description,
        created=cloud.clock.now(),
        networks={"VM Network": "The VM Network network"},
    )
    cloud.templates.add(template)
    item = add_item(cloud, catalog, template, spec.name, spec.description)
    vm_name = spec.vm_name or spec.name
    vm = Vm(
        id=cloud.new_id(),
        name=vm_name,
        moid=f"vm-{cloud.next_number('moid')}",
        vim_server_id=cloud.provider_vdcs[vdc.provider_vdc_id].vim_server_id,
        image=spec.image,
        template_id=template.id,
        hardware=Hardware(
            cpu_count=spec.cpu_count,
            memory_mb=spec.memory_mb,
            disks=[Disk(instance_id=2000, name="Hard disk 1", capacity_mb=spec.disk_mb)],
        ),
        nics=[Nic(index=0, network="VM Network", mode="DHCP", connected=True)],
        customization=GuestCustomization(
            admin_password=cloud.hypervisor.image_password(spec.image), computer_name=_computer_name(vm_name)
        ),
        storage_profile_id=default_profile(cloud, vdc).id,
        os_type=spec.os_type,
        created=cloud.clock.now(),
    )
    cloud.vms.add(vm)
    template.vm_ids[vm.id] = None
    return item


def _computer_name(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in name)[:63].strip("-") or "vm"


def add_item(cloud: Cloud, catalog: Catalog, template: VappTemplate, name: str, description: str = "") -> CatalogItem:
    """Enter a template in a catalog."""
    name = check_free_item_name(cloud, catalog, check_name("catalog item", name))
    item = CatalogItem(
        id=cloud.new_id(),
        catalog_id=catalog.id,
        template_id=template.id,
        name=name,
        description=description,
        created=cloud.clock.now(),
    )
    template.catalog_item_id = item.id
    catalog.version += 1
    return cloud.items.add(item)


def check_free_item_name(cloud: Cloud, catalog: Catalog, name: str, *, except_for: CatalogItem | None = None) -> str:
    """The name, if no other item of the catalog has it.

    Raises:
        VcdError: DUPLICATE_NAME.
    """
    other = cloud.items.first("name", (catalog.id, name))
    if other is not None and other is not except_for:
        raise errors.duplicate_name("catalogItem", name)
    return name


def delete_item(cloud: Cloud, item: CatalogItem) -> None:
    """Delete a catalog item with its template."""
    _require_deletable(cloud, item)
    forget_template(cloud, cloud.templates[item.template_id])


def _require_deletable(cloud: Cloud, item: CatalogItem) -> None:
    template = cloud.templates[item.template_id]
    vms = [(vm.id, vm.name) for vm in cloud.vms_of(template)]
    cloud.tasks.require_idle([(item.id, item.name), (template.id, template.name), *vms])
    cloud.tasks.require_unused([(template.id, template.name)])


def delete_template(cloud: Cloud, user: User, template: VappTemplate) -> Task:
    """Delete a template with its catalog item.

    Raises:
        VcdError: it is busy, or something is being made from it.
    """
    item = cloud.items.get(template.catalog_item_id)
    if item is not None:
        _require_deletable(cloud, item)
    org_id = cloud.vdcs[template.vdc_id].org_id
    return work.start(
        cloud, user, org_id, template, "vdcDeleteTemplate", "Deleting", "Deleted", noun="Virtual Application Template",
        effect=lambda: forget_template(cloud, template),
    )  # fmt: skip


def forget_template(cloud: Cloud, template: VappTemplate) -> None:
    """Drop a template, its VMs and its catalog item."""
    item = cloud.items.get(template.catalog_item_id)
    if item is not None:
        cloud.catalogs[item.catalog_id].version += 1
        cloud.metadata.remove_all(item.id)
        cloud.items.remove(item)
    drop_template(cloud, template)


def drop_template(cloud: Cloud, template: VappTemplate) -> None:
    """Drop a template with its VMs and the images that were captured for it."""
    for vm in cloud.vms_of(template):
        cloud.metadata.remove_all(vm.id)
        cloud.vms.remove(vm)
    for image in template.captured_images:
        cloud.hypervisor.delete_image(image)
    cloud.metadata.remove_all(template.id)
    template.vm_ids.clear()
    template.captured_images.clear()
    template.status = Status.UNRESOLVED
    cloud.templates.remove(template)
