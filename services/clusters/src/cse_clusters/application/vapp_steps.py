"""The vApp of a new cluster and its machines. Every step looks before it acts."""

from collections.abc import Mapping

from cse_clusters.application.changes import carry_out, delete_vapp, settle
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.ledger import VappNote
from cse_clusters.application.machine_steps import MachineSteps
from cse_clusters.application.node_data import NodeMake
from cse_clusters.application.operation_data import CreateInput, cluster_to_json
from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import (
    CLUSTER_ID,
    CONTROL_PLANE_IP,
    FAILED_CREATION,
    OPERATION_ID,
    TEMPLATE,
    VERSION,
    Cluster,
    State,
)
from cse_clusters.domain.plan import ClusterPlan
from cse_clusters.domain.vcd import VappRecord
from cse_core.errors import AlreadyExistsError, ConflictError, RetryableError
from cse_core.operations import Json, OperationContext
from cse_core.secret import Secret


class VappSteps:
    """What is done in vCD for one creation.

    `href` is the vApp's as soon as vCD has told it, and empty before; `make` is what its nodes are made from; `note` is
    its entry in the ledger.
    """

    def __init__(
        self,
        ctx: OperationContext,
        job: CreateInput,
        inventory: Inventory,
        host: VappHost,
        *,
        version: str,
        limits: Limits,
    ) -> None:
        self.href = ""
        self._ctx = ctx
        self._job = job
        self.make = NodeMake.of_creation(job)
        self.note = VappNote.of(job.vdc, job.name, job.uid)
        self._inventory = inventory
        self._host = host
        self._version = version
        self._limits = limits

    def compose(self) -> Json:
        """Makes the empty vApp, or finds it; returns its href.

        Its name was free when the operation was accepted and is kept free by it, so that a vApp of this name that looks
        like ours is ours, from a run that was cut off or a request whose answer was lost.
        """
        carry_out(self._ctx, self._host, self._begin_compose, within=self._limits.busy)
        return self.href

    def _begin_compose(self) -> str | None:
        job = self._job
        self.href = ""  # what an attempt before has made may be gone by now
        found = self._inventory.find_vapp(SERVICE, job.vdc, job.name)
        if found is not None and not self._is_own(found):
            raise AlreadyExistsError(
                f"VDC {job.vdc.name!r} has a vApp called {job.name!r}", reason="VAPP_EXISTS", name=job.name
            )
        if found is not None and self._is_usable(found.href):
            self.href = found.href
            return None
        who = job.acting_as.credentials(self._ctx)
        self.note.creating(self._ctx)
        try:
            started = self._host.compose(
                who, job.vdc, name=job.name, description=self._description(), network=job.network
            )
        except AlreadyExistsError as exc:
            if not self.find_own():
                raise
            # A request of ours whose answer was lost has made it after we looked: another look tells.
            raise ConflictError(exc.message, reason=exc.code) from exc
        self.href = started.href
        return started.task_href

    def _is_usable(self, href: str) -> bool:
        """Waits until nothing works on it; deletes what vCD says then that it has failed to make."""
        details = settle(self._ctx, self._inventory, self._host, href)
        if details is not None and details.status == FAILED_CREATION:
            delete_vapp(self._ctx, self._inventory, self._host, SERVICE, href, within=self._limits.busy)
            return False
        return details is not None

    def find_own(self) -> str:
        """The href of the vApp that this creation has made, even if it was never told so; empty if there is none."""
        found = self._inventory.find_vapp(SERVICE, self._job.vdc, self._job.name)
        return found.href if found is not None and self._is_own(found) else ""

    def _description(self) -> str:
        return f"cluster {self._job.name}"

    def _is_own(self, found: VappRecord) -> bool:
        if OPERATION_ID in found.metadata or CLUSTER_ID in found.metadata:
            return found.metadata.get(OPERATION_ID) == self._ctx.operation_id
        details = self._inventory.vapp(SERVICE, found.href)
        return details is not None and not details.machines and details.description == self._description()

    def mark(self) -> Json:
        """Makes the vApp a cluster."""
        self._set_metadata(
            {
                CLUSTER_ID: self._job.uid,
                VERSION: self._version,
                TEMPLATE: self._job.template,
                OPERATION_ID: self._ctx.operation_id,
            }
        )
        return None

    def _set_metadata(self, values: Mapping[str, str]) -> None:
        def begin() -> str:
            return self._host.set_metadata(SERVICE, self.href, values)

        carry_out(self._ctx, self._host, begin, within=self._limits.busy)

    def add_machines(self, plan: ClusterPlan, admin_password: Secret | None) -> Json:
        """One recompose for all of them; powers them on as well unless their hardware is to be looked at first."""
        return self._machines().add(plan.machines, self.make, admin_password)

    def size(self, plan: ClusterPlan) -> None:
        """Sets CPUs and memory where the recompose did not, then powers on for the first time."""
        machines = self._machines()
        machines.size(plan.machines, self.make, power_on=False)
        step(self._ctx, "power_on", machines.power_on_all)

    def _machines(self) -> MachineSteps:
        who = self._job.acting_as.credentials
        return MachineSteps(self._ctx, self._inventory, self._host, self.href, who, self._limits)

    def record_endpoint(self, address: str) -> Json:
        """Writes the control plane's address, by which clients know that the cluster is complete; returns it."""
        self._set_metadata({CONTROL_PLANE_IP: address})
        job = self._job
        cluster = Cluster(
            org=job.vdc.org,
            org_id=job.vdc.org_id,
            vdc=job.vdc.name,
            name=job.name,
            uid=job.uid,
            state=State.READY,
            template=job.template,
            network=job.network,
            control_plane_ip=address,
            cse_version=self._version,
            vdc_href=job.vdc.href,
            vapp_href=self.href,
        )
        try:
            details = self._inventory.vapp(SERVICE, self.href)
        except RetryableError:
            details = None  # the cluster is complete; its nodes can be read later
        return cluster_to_json(cluster.with_vapp(details) if details else cluster)
