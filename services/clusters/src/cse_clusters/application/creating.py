"""Accepting the creation of a cluster: everything that can be known to be wrong is found before anything is begun."""

import contextvars
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from cse_clusters.application.accepting import Acceptance, Submission
from cse_clusters.application.operation_data import CREATE_CLUSTER, TOKEN, ActingAs, CreateInput
from cse_clusters.application.ports import Inventory, Scripts, TaskCard, Template, Templates
from cse_clusters.domain.access import SERVICE, Caller
from cse_clusters.domain.new_cluster import NewCluster
from cse_clusters.domain.vcd import Vdc, VmTemplate
from cse_core.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from cse_core.names import WILDCARD, ClusterName
from cse_core.operations import Operation, OperationRequest, Operations

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Material:
    """What a cluster is made from, all of it found."""

    template: Template
    machine: VmTemplate
    scripts: Scripts


class ClusterCreation:
    """The use case CreateCluster.

    Args:
        acceptance: what all changes have in common.
        inventory: vCD, as the caller sees it.
        templates: the catalogue.
        operations: where the creation is submitted, and where those in progress are found.
        lookups: threads for questions that do not depend on each other.
        deadline: how long a creation may take.
    """

    def __init__(
        self,
        acceptance: Acceptance,
        inventory: Inventory,
        templates: Templates,
        operations: Operations,
        *,
        lookups: ThreadPoolExecutor,
        deadline: timedelta,
    ) -> None:
        self._acceptance = acceptance
        self._inventory = inventory
        self._templates = templates
        self._operations = operations
        self._lookups = lookups
        self._deadline = deadline

    def accept(self, caller: Caller, request: NewCluster, submission: Submission) -> Operation:
        """Begins the creation; its operation exists, with a vCD task, when this returns.

        Raises:
            InvalidArgumentError, NotFoundError: with the field.
            AlreadyExistsError: a cluster or a vApp has that name, or is getting it.
            PermissionDeniedError: the caller's role lacks the right.
        """
        new = request.checked()
        if new.vdc.vdc == WILDCARD:
            raise InvalidArgumentError("parent: name the org VDC in which the cluster is to be created", field="parent")
        org = caller.org if new.vdc.org == WILDCARD else new.vdc.org
        if org != caller.org and not caller.is_system_administrator:
            raise _no_vdc(new)  # before anything is said about what the other org has
        target = str(ClusterName(org, new.vdc.vdc, new.name))
        with self._acceptance.exclusively(org, new.name):
            return self._acceptance.repeated(target, submission.request_id) or self._begin(
                caller, new, org, target, submission
            )

    def _begin(self, caller: Caller, new: NewCluster, org: str, target: str, submission: Submission) -> Operation:
        self._require_not_being_created(org, new.name)
        allowed = self._later(lambda: self._acceptance.require_right(caller))
        place = self._later(lambda: self._place(caller, new, org))
        free = self._later(lambda: self._require_name_free(new, org))
        template = self._template(caller, new)
        scripts = self._later(lambda: self._templates.scripts(caller.credentials, template.name))
        machine = self._later(lambda: self._machine(caller, template, org))
        allowed.result()
        vdc = place.result()
        found = _Material(template, machine.result(), scripts.result())
        free.result()
        uid = str(uuid.uuid4())
        card = TaskCard(
            operation_name="create_cluster",
            cluster_id=uid,
            cluster_name=new.name,
            org=vdc.org,
            org_id=vdc.org_id,
            user=caller.user,
            user_id=caller.user_id,
        )

        def make_request(task_href: str) -> OperationRequest:
            return OperationRequest(
                kind=CREATE_CLUSTER,
                target=target,
                target_uid=uid,
                partition=uid,
                request_id=submission.request_id,
                owner=vdc.org_id,
                input=_job(caller, new, vdc, found, card, task_href).as_json(),
                secrets={TOKEN: caller.credentials.token},
                task_href=task_href,
                deadline=self._deadline,
            )

        return self._acceptance.submit(submission, card, f"Creating cluster {new.name} ({uid})", make_request)

    def _later(self, ask: Callable[[], _Result]) -> "Future[_Result]":
        """Asks on another thread. Never from within such a question: they would wait for each other's threads."""
        return self._lookups.submit(contextvars.copy_context().run, ask)

    def _require_not_being_created(self, org: str, name: str) -> None:
        for operation in self._operations.find(active=True):
            if operation.kind == CREATE_CLUSTER:
                job = CreateInput.from_json(operation.input)
                if (job.vdc.org, job.name) == (org, name):
                    raise AlreadyExistsError(
                        f"cluster_id: a cluster {name!r} is being created already ({operation.name})",
                        reason="CLUSTER_EXISTS",
                        field="cluster_id",
                        cluster=name,
                    )

    def _require_name_free(self, new: NewCluster, org: str) -> None:
        """Clusters are told apart by name alone on the wire of 1.2.x: one of a name per org, whoever sees it."""
        for cluster in self._inventory.clusters(SERVICE, name=new.name, org=org):
            raise AlreadyExistsError(
                f"cluster_id: there is a cluster {new.name!r} already, in VDC {cluster.vdc!r}; choose another name",
                reason="CLUSTER_EXISTS",
                field="cluster_id",
                cluster=new.name,
            )

    def _place(self, caller: Caller, new: NewCluster, org: str) -> Vdc:
        """The VDC, with the network and the storage profile that are used."""
        try:
            vdc = self._inventory.vdc(caller.credentials, org=org, vdc=new.vdc.vdc)
        except NotFoundError as exc:
            raise _no_vdc(new) from exc
        if vdc.org != org:
            raise _missing("parent", "ORG_NOT_FOUND", f"there is no org {org!r}; did you mean {vdc.org!r}?")
        profile = new.workers.storage_profile
        if new.network not in vdc.networks:
            raise _missing(
                "cluster.network",
                "NETWORK_NOT_FOUND",
                f"VDC {vdc.name!r} has no network {new.network!r}{_choices(vdc.networks)}",
            )
        if profile and profile not in vdc.storage_profiles:
            raise _missing(
                "cluster.worker_pool.storage_profile",
                "STORAGE_PROFILE_NOT_FOUND",
                f"VDC {vdc.name!r} has no storage profile {profile!r}{_choices(vdc.storage_profiles)}",
            )
        if self._inventory.find_vapp(SERVICE, vdc, new.name) is not None:
            raise AlreadyExistsError(
                f"cluster_id: VDC {vdc.name!r} has a vApp called {new.name!r} already; choose another name",
                reason="VAPP_EXISTS",
                field="cluster_id",
                cluster=new.name,
            )
        return Vdc(
            id=vdc.id,
            name=vdc.name,
            href=vdc.href,
            org=vdc.org,
            org_id=vdc.org_id,
            networks={new.network: vdc.networks[new.network]},
            storage_profiles={profile: vdc.storage_profiles[profile]} if profile else {},
        )

    def _template(self, caller: Caller, new: NewCluster) -> Template:
        try:
            return self._templates.get(caller.credentials, new.template or None)
        except NotFoundError as exc:
            raise _missing("cluster.template", "TEMPLATE_NOT_FOUND", f"there is no template {new.template!r}") from exc

    def _machine(self, caller: Caller, template: Template, org: str) -> VmTemplate:
        try:
            return self._inventory.vm_template(
                caller.credentials, org=org, catalog=template.catalog, item=template.item
            )
        except NotFoundError as exc:
            raise FailedPreconditionError(
                f"cluster.template: template {template.name!r} is not ready: catalog {template.catalog!r} has no item "
                f"{template.item!r} that your role may use; ask your administrator",
                reason="CATALOG_ITEM_NOT_FOUND",
                field="cluster.template",
                catalog=template.catalog,
                item=template.item,
            ) from exc


def _job(caller: Caller, new: NewCluster, vdc: Vdc, found: _Material, card: TaskCard, task_href: str) -> CreateInput:
    return CreateInput(
        card=card,
        task_href=task_href,
        acting_as=ActingAs.of(caller.credentials),
        vdc=vdc,
        network=new.network,
        template=found.template.name,
        machine=found.machine,
        scripts=found.scripts,
        workers=new.workers.node_count,
        nfs=new.nfs,
        cpu_count=new.workers.cpu_count,
        memory_mb=new.workers.memory_mb,
        storage_profile=vdc.storage_profiles.get(new.workers.storage_profile),
        ssh_public_key=new.ssh_public_key,
        rollback_on_failure=new.rollback_on_failure,
    )


def _no_vdc(new: NewCluster) -> NotFoundError:
    return _missing("parent", "VDC_NOT_FOUND", f"there is no org VDC {new.vdc.vdc!r} that you can see")


def _missing(field: str, reason: str, what: str) -> NotFoundError:
    return NotFoundError(f"{field}: {what}", reason=reason, field=field)


def _choices(names: Iterable[str]) -> str:
    known = ", ".join(sorted(names)[:10])
    return f"; there are: {known}" if known else ""
