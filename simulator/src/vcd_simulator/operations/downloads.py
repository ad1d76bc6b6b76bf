"""Packages of vApps, made for clients to fetch."""

import secrets
from collections.abc import Callable

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp
from vcd_simulator.model.download import Download
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work

MAX_TOTAL_MB = 512 * 2**20
"""The largest disks that a package can have, together: what describes them is kept in memory."""


def enable_download(cloud: Cloud, user: User, vapp: Vapp, make: Callable[[], dict[str, bytes]]) -> Task:
    """Let the package of a vApp be fetched, in place of one that was made before; `make` makes its files.

    Raises:
        VcdError: the vApp is deployed, busy, too large, or was never complete.
    """
    vms = cloud.vms_of(vapp)
    if sum(disk.capacity_mb for vm in vms for disk in vm.hardware.disks) > MAX_TOTAL_MB:
        raise errors.not_allowed(f"The disks of the vApp {vapp.name} are too large to be downloaded.")
    cloud.tasks.require_idle([(vapp.id, vapp.name), *((vm.id, vm.name) for vm in vms)])
    if vapp.deployed or vapp.transient is not None or any(vm.deployed for vm in vms):
        raise errors.not_allowed(f"The vApp {vapp.name} must be stopped and undeployed before it can be downloaded.")

    files = make()

    def effect() -> None:
        disable_download(cloud, vapp)
        cloud.downloads.add(Download(id=secrets.token_hex(16), vapp_id=vapp.id, files=files))

    return work.start(
        cloud, user, cloud.vdcs[vapp.vdc_id].org_id, vapp, "vappEnableDownload", "Enabling download of",
        "Enabled download of", noun="Virtual Application", locks=vms, effect=effect,
    )  # fmt: skip


def disable_download(cloud: Cloud, vapp: Vapp) -> None:
    """Forget a vApp's package, if there is one."""
    for download in cloud.downloads.find("vapp", vapp.id):
        cloud.downloads.remove(download)
