"""Deleting org VDCs and organisations, alone or with everything in them."""

from vcd_simulator import errors
from vcd_simulator.defined_entities import lifecycle as defined_entities
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, VappTemplate
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import Org, User
from vcd_simulator.operations import catalogs, datacenter, uploads, vapps, work


def delete_vdc(cloud: Cloud, user: User, vdc: Vdc, *, recursive: bool = False, force: bool = False) -> Task:
    """Delete a disabled org VDC that is empty; `recursive`, with what is in it; with `force`, whatever its state.

    Raises:
        VcdError: the VDC or something in it is busy, or its state forbids that.
    """
    force = force and recursive
    if not force:
        _require_deletable(cloud, vdc, recursive=recursive)
    elif recursive:
        _end_uploads(cloud, vdc)

    def effect() -> None:
        if not force:
            _require_deletable(cloud, vdc, recursive=recursive)
        _forget_vdc(cloud, vdc)

    return work.start(
        cloud, user, vdc.org_id, vdc, "vdcDeleteVdc", "Deleting", "Deleted", noun="Virtual Datacenter",
        locks=_inside(cloud, vdc), effect=effect,
    )  # fmt: skip


def _inside(cloud: Cloud, vdc: Vdc) -> list[work.Named]:
    """What a VDC holds: vApps, templates, all of their VMs, and networks."""
    holders: list[Vapp | VappTemplate] = [*cloud.vapps.find("vdc", vdc.id), *cloud.templates.find("vdc", vdc.id)]
    vms = [vm for one in holders for vm in cloud.vms_of(one)]
    return [*holders, *vms, *cloud.networks.find("vdc", vdc.id)]


def _require_deletable(cloud: Cloud, vdc: Vdc, *, recursive: bool) -> None:
    if vdc.enabled:
        raise errors.not_allowed(f"The VDC {vdc.name} is enabled; disable it before you delete it.")
    if recursive:
        for vapp in cloud.vapps.find("vdc", vdc.id):
            if vapp.deployed or any(vm.deployed for vm in cloud.vms_of(vapp)):
                raise errors.not_allowed(f"The vApp {vapp.name} in the VDC {vdc.name} is deployed; undeploy it first.")
        for template in cloud.templates.find("vdc", vdc.id):
            cloud.tasks.require_unused([(template.id, template.name)])
        return
    if cloud.vapps.count("vdc", vdc.id) or cloud.templates.count("vdc", vdc.id):
        raise errors.not_allowed(f"The VDC {vdc.name} is not empty; delete its vApps and templates first.")
    if cloud.networks.count("vdc", vdc.id):
        raise errors.not_allowed(f"The VDC {vdc.name} still has networks; delete them first.")


def _end_uploads(cloud: Cloud, vdc: Vdc) -> None:
    for template in cloud.templates.find("vdc", vdc.id):
        uploads.abort(cloud, template)


def _forget_vdc(cloud: Cloud, vdc: Vdc) -> None:
    for vapp in cloud.vapps.find("vdc", vdc.id):
        vapps.forget_vapp(cloud, vapp)
    for template in cloud.templates.find("vdc", vdc.id):
        catalogs.forget_template(cloud, template)
    for network in cloud.networks.find("vdc", vdc.id):
        datacenter.forget_network(cloud, network)
    datacenter.forget_vdc(cloud, vdc)


def delete_org(cloud: Cloud, user: User, org: Org, *, recursive: bool = False, force: bool = False) -> Task:
    """Delete a disabled and empty organisation; `recursive`, with what is in it; with `force`, whatever its state.

    The task fails if the state of the organisation, or of something in it, does not allow that.

    Raises:
        VcdError: it is the provider's own, or something in it is being worked on.
    """
    if org.is_system:
        raise errors.not_allowed("The System organization cannot be deleted.")
    force = force and recursive
    vdcs, own_catalogs = cloud.vdcs.find("org", org.id), cloud.catalogs.find("org", org.id)
    items = [item for catalog in own_catalogs for item in cloud.items.find("catalog", catalog.id)]
    templates = [cloud.templates[item.template_id] for item in items]
    if force:
        for template in templates:
            uploads.abort(cloud, template)
        for vdc in vdcs:
            _end_uploads(cloud, vdc)

    def effect() -> None:
        if not force:
            _require_org_deletable(cloud, org, recursive=recursive)
        _forget_org(cloud, org)

    inside = [one for vdc in vdcs for one in _inside(cloud, vdc)]
    return work.start(
        cloud, user, cloud.system_org.id, org, "orgDelete", "Deleting", "Deleted", noun="Organization",
        locks=[*vdcs, *inside, *own_catalogs, *items, *templates], effect=effect,
    )  # fmt: skip


def _require_org_deletable(cloud: Cloud, org: Org, *, recursive: bool) -> None:
    if org.enabled:
        raise errors.not_allowed(f"The organization {org.name} is enabled; disable it before you delete it.")
    vdcs = cloud.vdcs.find("org", org.id)
    if recursive:
        for vdc in vdcs:
            _require_deletable(cloud, vdc, recursive=True)
    elif vdcs or cloud.catalogs.count("org", org.id):
        raise errors.not_allowed(f"The organization {org.name} still has VDCs or catalogs; delete them first.")


def _forget_org(cloud: Cloud, org: Org) -> None:
    defined_entities.forget_org(cloud, org)
    for catalog in cloud.catalogs.find("org", org.id):
        catalogs.forget_catalog(cloud, catalog)
    for vdc in cloud.vdcs.find("org", org.id):
        _forget_vdc(cloud, vdc)
    for user in cloud.users.find("org", org.id):
        cloud.users.remove(user)
    for role in cloud.roles.find("org", org.id):
        cloud.roles.remove(role)
    for resource in [one for one in cloud.service_resources if one.org_id == org.id]:
        cloud.service_resources.remove(resource)
    for one in (*cloud.catalogs, *cloud.vdcs, *cloud.vapps):
        one.access.settings = [setting for setting in one.access.settings if setting.subject_id != org.id]
    cloud.metadata.remove_all(org.id)
    cloud.orgs.remove(org)
