"""Uploading vApp templates: the descriptor first, then the files that it names, then the import."""

import secrets
from dataclasses import replace

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
from vcd_simulator.model.datacenter import StorageProfile, Vdc
from vcd_simulator.model.package import OvfMachine, OvfPackage
from vcd_simulator.model.task import TaskError
from vcd_simulator.model.tenancy import User
from vcd_simulator.model.transfer import DESCRIPTOR, MANIFEST, Transfer, TransferFile
from vcd_simulator.operations import work
from vcd_simulator.operations.catalogs import add_item, forget_template
from vcd_simulator.operations.connections import new_mac
from vcd_simulator.operations.customization import computer_name_from
from vcd_simulator.operations.datacenter import default_profile
from vcd_simulator.operations.quotas import profile_used_mb

IDLE_S = 3600.0
"""How long an upload may stand still before it is given up."""
OPERATION = "vdcUploadOvfContents"
_IMAGES = {"photon": "photon-base"}
"""Which guest is in an uploaded disk, by a word in the descriptor or the name."""
_DEFAULT_IMAGE = "ubuntu-base"


def begin_upload(
    cloud: Cloud,
    user: User,
    catalog: Catalog,
    name: str,
    description: str,
    *,
    profile: StorageProfile | None = None,
    manifest: bool = False,
) -> CatalogItem:
    """Enter an empty template in a catalog and wait for its descriptor, and for its manifest if there has to be one.

    Raises:
        VcdError: the name is taken, or the organisation has no VDC to keep a template in.
    """
    vdc = cloud.vdcs[profile.vdc_id] if profile is not None else _home(cloud, catalog)
    template = VappTemplate(
        id=cloud.new_id(),
        vdc_id=vdc.id,
        owner_id=user.id,
        name=name.strip(),
        description=description,
        status=Status.UNRESOLVED,
        created=cloud.clock.now(),
        storage_profile_id=profile.id if profile is not None else None,
        ovf_descriptor_uploaded=False,
    )
    version = catalog.version
    item = add_item(cloud, catalog, template, name, description)
    cloud.templates.add(template)

    def withdraw() -> None:
        forget_template(cloud, template)
        catalog.version = version

    task = work.start(
        cloud, user, catalog.org_id, template, OPERATION, "Importing", "Imported", noun="Virtual Application Template",
        held=True, effect=lambda: _import(cloud, template), undo=lambda: _give_up(cloud, template),
        withdraw=withdraw,
    )  # fmt: skip
    cloud.transfers.add(
        Transfer(
            id=secrets.token_hex(16),
            template_id=template.id,
            task_id=task.id,
            files={name: TransferFile(name=name) for name in (DESCRIPTOR, *((MANIFEST,) if manifest else ()))},
            last_used=cloud.clock.now(),
        )
    )
    _watch(cloud, template.id, IDLE_S)
    return item


def _home(cloud: Cloud, catalog: Catalog) -> Vdc:
    """The VDC that keeps the templates of a catalog."""
    for vdc in cloud.vdcs.find("org", catalog.org_id):
        if vdc.enabled and vdc.ready:
            return vdc
    raise errors.not_allowed(
        f"The organization {cloud.orgs[catalog.org_id].name} has no enabled VDC; templates need one to be kept in."
    )


def _watch(cloud: Cloud, template_id: str, seconds: float) -> None:
    """Give an upload up that stands still."""

    def look() -> None:
        transfer = cloud.transfers.first("template", template_id)
        if transfer is None or transfer.complete:
            return
        left = transfer.last_used + IDLE_S - cloud.clock.now()
        if left > 0:
            _watch(cloud, template_id, left)
        else:
            _refuse(cloud, transfer, "TRANSFER_TIMEOUT", f"No file was uploaded for {IDLE_S:.0f} seconds.")

    cloud.tasks.later(seconds, look)


def _refuse(cloud: Cloud, transfer: Transfer, minor: str, message: str) -> None:
    task = cloud.tasks.tasks[transfer.task_id]
    cloud.tasks.fail(task, TaskError(major="400", minor=minor, message=message))


def transfer_by_id(cloud: Cloud, transfer_id: str) -> Transfer:
    """An upload under way.

    Raises:
        VcdError: 404, there is none, or it is over.
    """
    transfer = cloud.transfers.get(transfer_id)
    if transfer is None:
        raise errors.not_found("/transfer")
    return transfer


def check_under_way(cloud: Cloud, transfer: Transfer) -> None:
    """Look whether an upload goes on after a file has come, which takes its time.

    Raises:
        VcdError: 404, it is over; what came since is deleted.
    """
    if cloud.transfers.get(transfer.id) is None:
        cloud.upload_files.discard(transfer.id)
        raise errors.not_found("/transfer")


def describe(cloud: Cloud, transfer: Transfer, size: int, package: OvfPackage) -> None:
    """Take the descriptor: from now on the files that it names are wanted."""
    if transfer.package is not None:
        raise errors.not_allowed("The descriptor has been uploaded already.")
    template = cloud.templates[transfer.template_id]
    wanted = sum(one.size or 0 for one in package.files)
    profile = _profile(cloud, template)
    if profile.limit_mb and profile_used_mb(cloud, profile) * 2**20 + wanted > profile.limit_mb * 2**20:
        raise errors.bad_request(f"The storage profile {profile.name} has no room left for the files.", "STORAGE_LIMIT")
    transfer.package = package
    transfer.last_used = cloud.clock.now()
    transfer.files[DESCRIPTOR].size = size
    transfer.files[DESCRIPTOR].take(0, size)
    for one in package.files:
        transfer.files[one.name] = TransferFile(name=one.name, size=one.size)
    template.ovf_descriptor_uploaded = True
    template.status = Status.UPLOADING
    template.networks = dict(package.networks)
    _proceed(cloud, transfer)


def reject(cloud: Cloud, transfer: Transfer, why: str) -> None:
    """Fail the upload because of its descriptor or manifest; nobody waits for an answer to it, so the task tells."""
    _refuse(cloud, transfer, "BAD_REQUEST", why)


def take_manifest(cloud: Cloud, transfer: Transfer, size: int, digests: tuple[tuple[str, str, str], ...]) -> None:
    """Note what the files have to be; they are checked when all are there."""
    file = transfer.files.setdefault(MANIFEST, TransferFile(name=MANIFEST))
    file.size = size
    file.take(0, size)
    transfer.digests = tuple(
        (DESCRIPTOR if name.endswith(".ovf") else name, algorithm, digest) for name, algorithm, digest in digests
    )
    transfer.last_used = cloud.clock.now()


def note_verified(cloud: Cloud, transfer: Transfer, wrong: str | None) -> None:
    """Go on with an upload whose files have been compared with its manifest; `wrong` is one that differs."""
    if wrong is not None:
        reject(
            cloud, transfer, f"Validation failed for the OVF package: the digest of {wrong!r} is not the manifest's."
        )
        return
    transfer.verified = True
    _proceed(cloud, transfer)


def file_wanted(transfer: Transfer, name: str) -> TransferFile:
    """A file that may be uploaded now.

    Raises:
        VcdError: 404, the package has no such file.
    """
    if name.endswith(".mf"):
        name = MANIFEST
    wanted = transfer.files.get(name)
    if name == MANIFEST and not transfer.digests:
        return wanted or TransferFile(name=MANIFEST)
    if wanted is None or name == MANIFEST or (name == DESCRIPTOR and transfer.package is not None):
        raise errors.not_found("/transfer")
    return wanted


def receive(cloud: Cloud, transfer: Transfer, wanted: TransferFile, start: int, length: int) -> None:
    """Note that bytes have come; when all have, the import begins."""
    wanted.take(start, length)
    transfer.last_used = cloud.clock.now()
    cloud.tasks.tasks[transfer.task_id].progress = min(99, transfer.percent)
    _proceed(cloud, transfer)


def _proceed(cloud: Cloud, transfer: Transfer) -> None:
    if transfer.ready:
        cloud.tasks.proceed(cloud.tasks.tasks[transfer.task_id])


def abort(cloud: Cloud, template: VappTemplate) -> None:
    """Cancel the upload of a template, if one is waiting for files."""
    transfer = cloud.transfers.first("template", template.id)
    if transfer is not None and not transfer.complete:
        cloud.tasks.cancel(cloud.tasks.tasks[transfer.task_id])


def _give_up(cloud: Cloud, template: VappTemplate) -> None:
    """What failed stays in its catalog, to be looked at and deleted."""
    _forget_transfer(cloud, template)
    template.status = Status.FAILED_CREATION


def _forget_transfer(cloud: Cloud, template: VappTemplate) -> None:
    for transfer in cloud.transfers.find("template", template.id):
        cloud.transfers.remove(transfer)
        cloud.upload_files.discard(transfer.id)


def _import(cloud: Cloud, template: VappTemplate) -> None:
    """Make the machines that the descriptor describes."""
    transfer = cloud.transfers.first("template", template.id)
    package = transfer.package if transfer is not None else None
    if package is None:
        raise errors.not_allowed(f"The upload of {template.name} is not complete.")
    image = image_of(f"{template.name.lower()} {package.words}")
    template.customize_on_instantiate, template.gold_master = package.customize_on_instantiate, package.gold_master
    template.product_sections = list(package.products)
    made = [_machine(cloud, template, machine, image) for machine in package.machines]
    profile = _profile(cloud, template)
    wanted_mb = sum(disk.capacity_mb for vm in made for disk in vm.hardware.disks)
    if profile.limit_mb and profile_used_mb(cloud, profile) + wanted_mb > profile.limit_mb:
        raise errors.bad_request(f"The storage profile {profile.name} has no room left for the disks.", "STORAGE_LIMIT")
    for vm in made:
        cloud.vms.add(vm)
        template.vm_ids[vm.id] = None
    _forget_transfer(cloud, template)
    template.status = Status.POWERED_OFF


def image_of(words: str) -> str:
    """The guest that stands in for what an uploaded disk holds."""
    return next((image for word, image in _IMAGES.items() if word in words), _DEFAULT_IMAGE)


def _profile(cloud: Cloud, template: VappTemplate) -> StorageProfile:
    return cloud.profiles.get(template.storage_profile_id) or default_profile(cloud, cloud.vdcs[template.vdc_id])


def _machine(cloud: Cloud, template: VappTemplate, machine: OvfMachine, image: str) -> Vm:
    vdc = cloud.vdcs[template.vdc_id]
    custom = replace(machine.customization) if machine.customization is not None else GuestCustomization()
    custom.computer_name, custom.pending = computer_name_from(machine.name), template.customize_on_instantiate
    return Vm(
        id=cloud.new_id(),
        name=machine.name[:80],
        description=machine.description,
        moid=f"vm-{cloud.next_number('moid')}",
        vim_server_id=cloud.provider_vdcs[vdc.provider_vdc_id].vim_server_id,
        image=image,
        template_id=template.id,
        hardware=Hardware(
            cpu_count=machine.cpu_count,
            cores_per_socket=machine.cores_per_socket,
            memory_mb=machine.memory_mb,
            disks=[
                Disk(instance_id=2000 + number, name=f"Hard disk {number + 1}", capacity_mb=size, unit_number=number)
                for number, size in enumerate(machine.disks_mb)
            ],
        ),
        nics=[
            Nic(
                index=number,
                network=nic.network,
                mode="DHCP",
                connected=True,
                adapter_type=nic.adapter_type,
                mac_address=new_mac(cloud),
            )
            for number, nic in enumerate(machine.nics)
        ],
        customization=custom,
        product_sections=list(machine.products),
        storage_profile_id=_profile(cloud, template).id,
        os_type=machine.os_type,
        hardware_version=machine.hardware_version,
        created=cloud.clock.now(),
    )
