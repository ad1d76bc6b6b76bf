"""Accepting the creation of a cluster: everything that can be known to be wrong is found before anything is begun."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cse_clusters.application.accepting import Acceptance, Submission, being_created
from cse_clusters.application.material import Material, Materials, choices, storage_profile_href
from cse_clusters.application.operation_data import CREATE_CLUSTER, TOKEN, ActingAs, CreateInput
from cse_clusters.application.ports import Inventory, TaskCard
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import CLUSTER_ID, ClusterKey
from cse_clusters.domain.new_cluster import NewCluster
from cse_clusters.domain.vcd import VappRecord, Vdc
from cse_core.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from cse_core.names import WILDCARD, ClusterName
from cse_core.operations import Operation, OperationQuery, OperationRequest, Operations

_NAMESAKES: Final = 1000
"""Orgs in which a cluster of one name may be being created at once, and be found; the claim holds for all."""


class ClusterCreation:
    """The use case CreateCluster.

    Args:
        acceptance: what all changes have in common.
        inventory: vCD, as the caller sees it.
        materials: finds what it is made from.
        operations: where the creation is submitted, and where those in progress are found.
        deadline: how long a creation may take.
    """

    def __init__(
        self,
        acceptance: Acceptance,
        inventory: Inventory,
        materials: Materials,
        operations: Operations,
        *,
        deadline: timedelta,
    ) -> None:
        self._acceptance = acceptance
        self._inventory = inventory
        self._materials = materials
        self._operations = operations
        self._deadline = deadline

    def accept(self, caller: Caller, request: NewCluster, submission: Submission) -> Operation:
        """Begins the creation; its operation exists, with a vCD task, when this returns.

        Raises:
            InvalidArgumentError, NotFoundError: with the field.
            AlreadyExistsError: a cluster or a vApp has that name, or is getting it.
            PermissionDeniedError: the caller's role lacks the right.
            FailedPreconditionError: the VDC is disabled (VDC_DISABLED), the template missing (CATALOG_ITEM_NOT_FOUND).
        """
        new = request.checked()
        if new.vdc.vdc == WILDCARD:
            raise InvalidArgumentError("parent: name the org VDC in which the cluster is to be created", field="parent")
        org = caller.org if new.vdc.org == WILDCARD else new.vdc.org
        if org != caller.org and not caller.is_system_administrator:
            raise _no_vdc(new)  # before anything is said about what the other org has
        target = str(ClusterName(org, new.vdc.vdc, new.name))
        with self._acceptance.exclusively(org, new.name):
            first = self._acceptance.repeated(
                caller, CREATE_CLUSTER, submission.request_id, lambda first: first.target == target
            )
            return first or self._begin(caller, new, org, target, submission)

    def _begin(self, caller: Caller, new: NewCluster, org: str, target: str, submission: Submission) -> Operation:
        self._require_not_being_created(org, new.name)
        later = self._materials.later
        allowed = later(lambda: self._acceptance.require_right(caller))
        place = later(lambda: self._place(caller, new, org))
        taken = later(lambda: self._inventory.namesakes(caller.org_id, new.name)) if org == caller.org else None
        material = self._materials.begin(caller, new.template, org, field="cluster.template")
        allowed.result()
        vdc = place.result()
        _require_name_free(taken.result() if taken else self._inventory.namesakes(vdc.org_id, new.name), vdc)
        found = material()
        key = ClusterKey(org_id=vdc.org_id, vdc=vdc.name, name=new.name, uid=str(uuid.uuid4()))
        card = TaskCard(
            operation_name="create_cluster",
            cluster_id=key.uid,
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
                target_uid=key.uid,
                partition=key.partition,
                request_id=submission.request_id,
                owner=vdc.org_id,
                input=_job(caller, new, vdc, found, card, task_href).as_json(),
                secrets={TOKEN: caller.credentials.token},
                task_href=task_href,
                deadline=self._deadline,
                claim=f"clusters/{vdc.org_id}/{new.name}",
            )

        return self._acceptance.submit(submission, card, f"Creating cluster {new.name} ({key.uid})", make_request)

    def _require_not_being_created(self, org: str, name: str) -> None:
        query = OperationQuery(kind=CREATE_CLUSTER, target_id=name, active=True)
        for operation in self._operations.page(query, limit=_NAMESAKES):
            if ClusterName.parse(operation.target).org == org:
                raise being_created(name, operation.name)

    def _place(self, caller: Caller, new: NewCluster, org: str) -> Vdc:
        """The VDC, with the network and the storage profile that are used."""
        try:
            vdc = self._inventory.vdc(caller.credentials, org=org, vdc=new.vdc.vdc)
        except NotFoundError as exc:
            raise _no_vdc(new) from exc
        if vdc.org != org:
            raise _missing("parent", "ORG_NOT_FOUND", f"there is no org {org!r}; did you mean {vdc.org!r}?")
        if not vdc.is_enabled:
            raise FailedPreconditionError(
                f"parent: VDC {vdc.name!r} is disabled; ask your provider to enable it",
                reason="VDC_DISABLED",
                field="parent",
                vdc=vdc.name,
            )
        if new.network not in vdc.networks:
            raise _missing(
                "cluster.network",
                "NETWORK_NOT_FOUND",
                f"VDC {vdc.name!r} has no network {new.network!r}{choices(vdc.networks)}",
            )
        profile = new.workers.storage_profile
        profile_href = storage_profile_href(
            vdc.storage_profiles, profile, vdc=vdc.name, field="cluster.worker_pool.storage_profile"
        )
        return Vdc(
            id=vdc.id,
            name=vdc.name,
            href=vdc.href,
            org=vdc.org,
            org_id=vdc.org_id,
            networks={new.network: vdc.networks[new.network]},
            storage_profiles={profile: profile_href} if profile_href else {},
        )


def _require_name_free(namesakes: Iterable[VappRecord], vdc: Vdc) -> None:
    """Clusters are told apart by name alone on the wire of 1.2.x: one of a name per org, whoever sees it."""
    for there in sorted(namesakes, key=lambda each: CLUSTER_ID not in each.metadata):
        if CLUSTER_ID in there.metadata:
            raise _exists(there)
        if there.vdc == vdc.name:
            raise AlreadyExistsError(
                f"cluster_id: VDC {vdc.name!r} has a vApp called {there.name!r} already; choose another name",
                reason="VAPP_EXISTS",
                field="cluster_id",
                cluster=there.name,
            )


def _job(caller: Caller, new: NewCluster, vdc: Vdc, found: Material, card: TaskCard, task_href: str) -> CreateInput:
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


def _exists(cluster: VappRecord) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"cluster_id: there is a cluster {cluster.name!r} already, in VDC {cluster.vdc!r}; choose another name",
        reason="CLUSTER_EXISTS",
        field="cluster_id",
        cluster=cluster.name,
    )


def _no_vdc(new: NewCluster) -> NotFoundError:
    return _missing("parent", "VDC_NOT_FOUND", f"there is no org VDC {new.vdc.vdc!r} that you can see")


def _missing(field: str, reason: str, what: str) -> NotFoundError:
    return NotFoundError(f"{field}: {what}", reason=reason, field=field)
