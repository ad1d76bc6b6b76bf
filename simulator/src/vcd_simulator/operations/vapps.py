"""vApps that there are: renamed, networked, leased, owned, deleted."""

from collections.abc import Sequence

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import downloads, machines, quotas, work
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.power import stop_vm
from vcd_simulator.operations.vapp_networks import (
    NetworkConfigSpec,
    apply_changes,
    plan_changes,
)

NOUN = "Virtual Application"


def require_idle(cloud: Cloud, vapp: Vapp) -> None:
    cloud.tasks.require_idle([(vapp.id, vapp.name), *((vm.id, vm.name) for vm in cloud.vms_of(vapp))])


def require_made(vapp: Vapp) -> None:
    if vapp.transient is not None:
        raise errors.not_allowed(f"The vApp {vapp.name} could not be created; it can only be deleted.")


def require_undeployed(vm: Vm) -> None:
    if vm.deployed or vm.is_on:
        raise errors.bad_request(
            f"The requested operation could not be executed since VM {vm.name} is not stopped; undeploy it first.",
            "OPERATION_DENIED",
        )


def check_free_name(cloud: Cloud, vapp: Vapp, name: str) -> None:
    other = cloud.vapps.first("vdc_name", (vapp.vdc_id, check_name("vApp", name)))
    if other is not None and other is not vapp:
        raise errors.duplicate_name("vApp", name)


def rename(cloud: Cloud, vapp: Vapp, name: str | None, description: str | None) -> None:
    if name is not None and name != vapp.name:
        vapp.name = name.strip()
        cloud.vapps.reindex(vapp)
    if description is not None:
        vapp.description = description


def update_vapp(cloud: Cloud, user: User, vapp: Vapp, name: str | None, description: str | None) -> Task:
    """Rename a vApp or describe it anew."""
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    require_made(vapp)
    if name is not None:
        check_free_name(cloud, vapp, name)

    def effect() -> None:
        if name is not None:
            check_free_name(cloud, vapp, name)  # another one may have got it meanwhile
        rename(cloud, vapp, name, description)

    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vdcUpdateVapp", "Updating", "Updated", noun=NOUN,
        effect=effect,
    )  # fmt: skip


def change_owner(cloud: Cloud, vapp: Vapp, owner: User) -> None:
    """Give a vApp to somebody else of its organisation.

    Raises:
        VcdError: it is busy, or it has more VMs, or more that run, than he may have.
    """
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    if owner.id == vapp.owner_id:
        return
    quotas.check_owner(cloud, owner, cloud.vms_of(vapp))
    vapp.owner_id = owner.id
    cloud.vapps.reindex(vapp)


def set_leases(cloud: Cloud, user: User, vapp: Vapp, deployment_s: int, storage_s: int) -> Task:
    """Change the leases of a vApp, which begin anew. They are told of, and nothing happens when they are over."""
    if deployment_s < 0 or storage_s < 0:
        raise errors.bad_request("Bad request: validation error, a lease is not negative.")
    cloud.tasks.require_idle([(vapp.id, vapp.name)])
    require_made(vapp)

    def effect() -> None:
        vapp.deployment_lease_s, vapp.storage_lease_s = deployment_s, storage_s
        vapp.leases_from = cloud.clock.now()

    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vappUpdateLeaseSettings", "Updating", "Updated", noun=NOUN,
        effect=effect,
    )  # fmt: skip


def update_networks(cloud: Cloud, user: User, vapp: Vapp, specs: Sequence[NetworkConfigSpec]) -> Task:
    """Replace the networks of a vApp; VMs lose their connections to those that it does not have any more."""
    require_idle(cloud, vapp)
    require_made(vapp)
    changes = plan_changes(cloud, vapp, specs)
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vdcUpdateVappNetworkSection", "Updating", "Updated",
        noun=NOUN, locks=cloud.vms_of(vapp), uses=changes.parents(cloud),
        effect=lambda: apply_changes(cloud, vapp, changes),
    )  # fmt: skip


def delete_vapp(cloud: Cloud, user: User, vapp: Vapp, *, force: bool) -> Task:
    """Delete a vApp; one that is deployed only by force, which stops it first."""
    vms = cloud.vms_of(vapp)
    require_idle(cloud, vapp)
    if not force and (vapp.deployed or any(vm.deployed for vm in vms)):
        raise errors.bad_request(
            f"The requested operation could not be executed since vApp {vapp.name} is not stopped; undeploy it, "
            "or use force.",
            "OPERATION_DENIED",
        )

    running = sum(vm.is_on for vm in vms)
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vdcDeleteVapp", "Deleting", "Deleted", noun=NOUN,
        locks=vms, extra_s=cloud.latency.together("vm.power", running), effect=lambda: forget_vapp(cloud, vapp),
    )  # fmt: skip


def forget_vapp(cloud: Cloud, vapp: Vapp) -> None:
    """Drop a vApp with its VMs, running or not."""
    for vm in cloud.vms_of(vapp):
        if vm.guest_exists:
            stop_vm(cloud, vm)
        machines.forget(cloud, vapp, vm)
    cloud.metadata.remove_all(vapp.id)
    downloads.disable_download(cloud, vapp)
    cloud.vapps.remove(vapp)


def delete_vm(cloud: Cloud, user: User, vapp: Vapp, vm: Vm) -> Task:
    """Delete one VM of a vApp, which must be undeployed."""
    cloud.tasks.require_idle([(vm.id, vm.name), (vapp.id, vapp.name)])
    require_undeployed(vm)
    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vm, "vappDeleteVm", "Deleting", "Deleted", noun="Virtual Machine",
        idle=[vapp], effect=lambda: machines.forget(cloud, vapp, vm),
    )  # fmt: skip
