"""What state a vApp is in: its VMs decide."""

from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Status, Vapp


def status_of(cloud: Cloud, vapp: Vapp) -> Status:
    """The state of a vApp. One without VMs is resolved; VMs that are still being made do not count."""
    if vapp.transient is not None:
        return vapp.transient
    found: Status | None = None
    for vm_id in vapp.vm_ids:
        status = cloud.vms[vm_id].status
        if status is found or status is Status.UNRESOLVED:
            continue
        if found is not None:
            return Status.MIXED
        found = status
    return Status.RESOLVED if found is None else found
