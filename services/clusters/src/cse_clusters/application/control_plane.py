"""What a cluster's own Kubernetes is told about nodes that come and go: kubectl, on its control plane."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cse_clusters.application.guest_logins import GuestDirectory
from cse_clusters.application.guest_work import GuestWork, Limits
from cse_clusters.application.ports import OperationPorts
from cse_clusters.domain.cluster import Cluster, Role, role_of
from cse_clusters.domain.guest_scripts import CORDON, DRAIN, FORGET, SHOW_KEYS, UNCORDON, guest_script
from cse_clusters.domain.ssh_keys import public_keys
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import FailedPreconditionError
from cse_core.operations import OperationContext

_HASTE: Final = timedelta(seconds=30)
_ENDING_S: Final = 30.0
"""What a drain may take besides waiting for pods."""


class ControlPlane:
    """The control plane of a cluster that has been there for some time. Everything may be done twice.

    Nodes that Kubernetes does not know are passed over.
    """

    def __init__(self, ports: OperationPorts, cluster: Cluster, node: str, limits: Limits) -> None:
        password = ports.templates.admin_password(cluster.template)
        directory = GuestDirectory(ports.inventory, cluster.vapp_href, password, adopted=True)
        self.work = GuestWork(ports.guests, directory, limits)
        self.node = node
        self._limits = limits

    def cordon(self, ctx: OperationContext, nodes: Sequence[str]) -> None:
        """Keeps new pods from the nodes."""
        self._tell(ctx, CORDON, nodes)

    def uncordon(self, ctx: OperationContext, nodes: Sequence[str]) -> None:
        self._tell(ctx, UNCORDON, nodes)

    def drain(self, ctx: OperationContext, node: str, *, force: bool) -> None:
        """Has the pods of a node started elsewhere; with `force` also ends those that nobody would start.

        Raises:
            FailedPreconditionError: reason DRAIN_FAILED; the message holds what kubectl said.
        """
        within = self._limits.drain
        environment = {
            "CSE_NODES": node,
            "CSE_DRAIN_TIMEOUT_S": str(int(within.total_seconds())),
            "CSE_FORCE": "yes" if force else "",
        }
        script = guest_script(DRAIN, environment)
        try:
            self.work.run(ctx, self.node, script, within + timedelta(seconds=_ENDING_S))
        except FailedPreconditionError as exc:
            if exc.code != "GUEST_SCRIPT_FAILED":
                raise
            raise FailedPreconditionError(f"its pods did not leave: {exc.message}", reason="DRAIN_FAILED") from exc

    def forget(self, ctx: OperationContext, nodes: Sequence[str]) -> None:
        """Takes the nodes out of Kubernetes."""
        self._tell(ctx, FORGET, nodes)

    def ssh_keys(self, ctx: OperationContext) -> str:
        """The public keys that root's login accepts there, one a line."""
        return public_keys(self.work.run(ctx, self.node, guest_script(SHOW_KEYS, {}), self._limits.mint).stdout)

    def _tell(self, ctx: OperationContext, script: str, nodes: Sequence[str]) -> None:
        self.work.run(ctx, self.node, guest_script(script, {"CSE_NODES": " ".join(nodes)}), self._limits.mint)


def hasty(limits: Limits) -> Limits:
    """For what is worth a try, and no long wait."""
    return replace(limits, placing=min(limits.placing, _HASTE), outage=min(limits.outage, _HASTE))


def running_control_plane(cluster: Cluster, vapp: VappDetails) -> str:
    """The name of the machine that is the control plane.

    Raises:
        FailedPreconditionError: reason CONTROL_PLANE_UNREACHABLE; there is none, or it is off.
    """
    machines = sorted(
        (each for each in vapp.machines if role_of(each.name) is Role.CONTROL_PLANE), key=lambda each: each.name
    )
    if not machines:
        why = "it has none; delete the cluster"
    elif not machines[0].is_on:
        why = f"{machines[0].name} is {machines[0].status}; power it on"
    else:
        return machines[0].name
    raise FailedPreconditionError(
        f"the control plane of cluster {cluster.name!r} does not answer: {why}",
        reason="CONTROL_PLANE_UNREACHABLE",
        cluster=cluster.name,
    )
