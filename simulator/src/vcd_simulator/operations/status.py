"""What state a vApp is in: its VMs decide."""

from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Status, Vapp


def status_of(cloud: Cloud, vapp: Vapp) -> Status:
    """The state of a vApp. One without VMs is resolved; VMs that are still being made do not count."""
    if vapp.transient is not None:
        return vapp.transient
    states = {vm.status for vm in cloud.vms_of(vapp) if vm.status is not Status.UNRESOLVED}
    if not states:
        return Status.RESOLVED
    return states.pop() if len(states) == 1 else Status.MIXED
