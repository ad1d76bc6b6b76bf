"""The vApp of a new cluster and its machines. Every step looks before it acts."""

from collections.abc import Mapping

from cse_clusters.application.changes import patiently
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.operation_data import CreateInput, cluster_to_json
from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, OPERATION_ID, TEMPLATE, VERSION, Cluster, State
from cse_clusters.domain.plan import ClusterPlan
from cse_clusters.domain.vcd import MachineSpec, VappRecord
from cse_core.errors import AlreadyExistsError, RetryableError
from cse_core.operations import Json, OperationContext
from cse_core.operations.port import Branch
from cse_core.secret import Secret


class VappSteps:
    """What is done in vCD for one creation.

    `href` is the vApp's as soon as vCD has told it; `may_exist` is true from when vCD was first asked to make it.
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
        self.may_exist = False
        self._ctx = ctx
        self._job = job
        self._inventory = inventory
        self._host = host
        self._version = version
        self._limits = limits

    def compose(self) -> Json:
        """Makes the empty vApp, or finds it; returns its href.

        Its name was free when the operation was accepted and is kept free by it, so that a vApp of this name that looks
        like ours is ours, from a run that was cut off or a request whose answer was lost.
        """
        task = patiently(self._ctx, self._begin_compose, within=self._limits.busy)
        if task is not None:
            self._host.wait(task, self._ctx.check)
        return self.href

    def _begin_compose(self) -> str | None:
        job = self._job
        found = self._inventory.find_vapp(SERVICE, job.vdc, job.name)
        if found is None:
            who = job.acting_as.credentials(self._ctx)
            self.may_exist = True
            started = self._host.compose(
                who, job.vdc, name=job.name, description=self._description(), network=job.network
            )
            self.href = started.href
            return started.task_href
        if not self._is_own(found):
            self.may_exist = False
            raise AlreadyExistsError(
                f"VDC {job.vdc.name!r} has a vApp called {job.name!r}", reason="VAPP_EXISTS", name=job.name
            )
        self.href = found.href
        return None

    def find_own(self) -> str:
        """The href of the vApp that this creation has made although no answer came; empty if there is none."""
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

        self._host.wait(patiently(self._ctx, begin, within=self._limits.busy), self._ctx.check)

    def add_machines(self, plan: ClusterPlan, admin_password: Secret | None) -> Json:
        """One recompose for all of them; powers them on as well unless their hardware is to be looked at first."""
        job = self._job

        def begin() -> str | None:
            if set(plan.machines) <= self._machines().keys():
                return None
            return self._host.add_machines(
                job.acting_as.credentials(self._ctx),
                self.href,
                job.machine,
                [self._spec(name) for name in plan.machines],
                network=job.network,
                admin_password=admin_password,
                power_on=not job.has_own_hardware,
            )

        task = patiently(self._ctx, begin, within=self._limits.busy)
        if task is not None:
            self._host.wait(task, self._ctx.check)
        return None

    def _spec(self, name: str) -> MachineSpec:
        job = self._job
        return MachineSpec(
            name=name, cpu_count=job.cpu_count, memory_mb=job.memory_mb, storage_profile=job.storage_profile
        )

    def _machines(self) -> dict[str, str]:
        """Href by name of the machines that the vApp has."""
        details = self._inventory.vapp(SERVICE, self.href)
        return {machine.name: machine.href for machine in details.machines} if details else {}

    def size(self, plan: ClusterPlan) -> None:
        """Sets CPUs and memory where the recompose did not, then powers on for the first time."""
        hrefs = self._machines()

        def branch(name: str) -> Branch:
            return lambda ctx: step(ctx, "set_hardware", lambda: self._set_hardware(ctx, hrefs[name]), node=name)

        self._ctx.parallel({name: branch(name) for name in plan.machines})
        step(self._ctx, "power_on", self._power_on)

    def _set_hardware(self, ctx: OperationContext, machine_href: str) -> Json:
        job = self._job
        who = job.acting_as.credentials(ctx)
        tasks = patiently(
            ctx,
            lambda: self._host.set_hardware(who, machine_href, cpu_count=job.cpu_count, memory_mb=job.memory_mb),
            within=self._limits.busy,
        )
        for task in tasks:
            self._host.wait(task, ctx.check)
        return None

    def _power_on(self) -> Json:
        def begin() -> str | None:
            details = self._inventory.vapp(SERVICE, self.href)
            if details is not None and details.machines and all(each.is_on for each in details.machines):
                return None
            return self._host.power_on(self._job.acting_as.credentials(self._ctx), self.href)

        task = patiently(self._ctx, begin, within=self._limits.busy)
        if task is not None:
            self._host.wait(task, self._ctx.check)
        return None

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
