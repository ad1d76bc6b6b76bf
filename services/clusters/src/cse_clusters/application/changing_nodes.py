"""Accepting changes of a cluster's nodes: what can be known to be wrong is found before anything is begun."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from cse_clusters.application.accepting import Acceptance, Submission, card_for
from cse_clusters.application.control_plane import running_control_plane
from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.material import Materials, choices, storage_profile_href
from cse_clusters.application.node_data import (
    ADD_NODES,
    REMOVE_NODES,
    RESIZE_CLUSTER,
    AddNodesInput,
    NodeChange,
    NodeMake,
    RemoveNodesInput,
    ResizeInput,
)
from cse_clusters.application.node_operation import counted
from cse_clusters.application.nodes import node_not_found
from cse_clusters.application.operation_data import TOKEN, ActingAs
from cse_clusters.application.ports import Inventory, TaskCard
from cse_clusters.application.vapp_access import require_access
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster, Role, State
from cse_clusters.domain.new_cluster import MAX_NODES, check_count
from cse_clusters.domain.node_changes import NewNodes, check_node_ids, like_its_workers, workers_of
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import ConflictError, CseError, NotFoundError
from cse_core.names import ClusterName
from cse_core.operations import Operation, OperationRequest

MakeChange = Callable[[Cluster, TaskCard, str], NodeChange]
"""The operation's input, given the cluster, its card and the task's href."""


class NodeChanges:
    """The use cases AddNodes, RemoveNodes and ResizeCluster.

    Every method begins a change; its operation exists, with a vCD task, when it returns. They raise what
    `ClusterDirectory.find_one` raises, PermissionDeniedError if the caller's role lacks the right or the caller may not
    change the vApp, and ConflictError (CLUSTER_BUSY) for a cluster that is only being created, or being deleted.
    """

    def __init__(
        self,
        acceptance: Acceptance,
        directory: ClusterDirectory,
        inventory: Inventory,
        materials: Materials,
        *,
        deadline: timedelta,
    ) -> None:
        self._acceptance = acceptance
        self._directory = directory
        self._inventory = inventory
        self._materials = materials
        self._deadline = deadline

    def add(self, caller: Caller, name: ClusterName, request: NewNodes, submission: Submission) -> Operation:
        """Begins to add nodes.

        Raises:
            InvalidArgumentError, NotFoundError: with the field.
            FailedPreconditionError: reason CONTROL_PLANE_UNREACHABLE; no worker could join.
        """
        new = request.checked()
        role = new.role or Role.WORKER

        def begin(cluster: Cluster, vapp: VappDetails) -> Operation:
            if role is Role.WORKER and cluster.state is not State.CREATING:
                running_control_plane(cluster, vapp)
            make = self._make(caller, cluster, vapp, new)

            def change(cluster: Cluster, card: TaskCard, task_href: str) -> NodeChange:
                return AddNodesInput(
                    card=card,
                    task_href=task_href,
                    acting_as=ActingAs.of(caller.credentials),
                    cluster=cluster,
                    role=role,
                    count=new.pool.node_count,
                    make=make,
                    rollback_on_failure=new.rollback_on_failure,
                )

            text = f"Adding {counted(new.pool.node_count)} to"
            return self._submit(caller, cluster, ADD_NODES, "create_nodes", text, submission, change)

        return self._accept(caller, name, ADD_NODES, submission, begin)

    def remove(
        self, caller: Caller, name: ClusterName, nodes: Sequence[str], submission: Submission, *, force: bool
    ) -> Operation:
        """Begins to remove nodes. With `force` those that have lost their machine are taken out of Kubernetes.

        Raises:
            InvalidArgumentError, NotFoundError: one of the names is no node's.
            FailedPreconditionError: reason CONTROL_PLANE_NOT_REMOVABLE.
        """
        names = check_node_ids(nodes)

        def begin(cluster: Cluster, vapp: VappDetails) -> Operation:
            missing = next((each for each in names if vapp.machine(each) is None), None)
            if missing is not None and not force:
                raise node_not_found(cluster, missing, field="node_ids")

            def change(cluster: Cluster, card: TaskCard, task_href: str) -> NodeChange:
                return RemoveNodesInput(
                    card=card,
                    task_href=task_href,
                    acting_as=ActingAs.of(caller.credentials),
                    cluster=cluster,
                    nodes=names,
                    force=force,
                )

            text = f"Removing {counted(len(names))} from"
            return self._submit(caller, cluster, REMOVE_NODES, "delete_nodes", text, submission, change)

        return self._accept(caller, name, REMOVE_NODES, submission, begin)

    def resize(self, caller: Caller, name: ClusterName, workers: int, submission: Submission) -> Operation:
        """Begins to bring the cluster to so many workers. Further ones are like those that are there.

        Raises:
            InvalidArgumentError: more than one request may ask for, or fewer than none.
            NotFoundError, FailedPreconditionError: workers are missing, and the template cannot be used.
            FailedPreconditionError: reason CONTROL_PLANE_UNREACHABLE; no worker could join or leave.
        """
        check_count(workers, 0, MAX_NODES, field="worker_count")

        def begin(cluster: Cluster, vapp: VappDetails) -> Operation:
            present = len(workers_of(cluster))
            if workers != present and cluster.state is not State.CREATING:
                running_control_plane(cluster, vapp)
            make = self._make_alike(caller, cluster, vapp, growing=workers > present)

            def change(cluster: Cluster, card: TaskCard, task_href: str) -> NodeChange:
                return ResizeInput(
                    card=card,
                    task_href=task_href,
                    acting_as=ActingAs.of(caller.credentials),
                    cluster=cluster,
                    workers=workers,
                    make=make,
                )

            return self._submit(caller, cluster, RESIZE_CLUSTER, "resize_cluster", "Resizing", submission, change)

        return self._accept(caller, name, RESIZE_CLUSTER, submission, begin)

    def _accept(
        self,
        caller: Caller,
        name: ClusterName,
        kind: str,
        submission: Submission,
        begin: Callable[[Cluster, VappDetails], Operation],
    ) -> Operation:
        self._acceptance.require_right(caller)
        with self._acceptance.exclusively(caller.org, name.cluster):
            first = self._acceptance.repeated_change(caller, kind, name.cluster, submission.request_id)
            return first or begin(*self._found(caller, name))

    def _found(self, caller: Caller, name: ClusterName) -> tuple[Cluster, VappDetails]:
        """The cluster with its nodes."""
        cluster = self._directory.find_one(caller, name)
        vapp = self._inventory.vapp(caller.credentials, cluster.vapp_href) if cluster.vapp_href else None
        if vapp is None or cluster.state is State.DELETING:
            doing = "deleted" if vapp is not None or cluster.state is State.DELETING else "created"
            raise ConflictError(
                f"cluster {cluster.name!r} is being {doing}; try again when that has ended",
                reason="CLUSTER_BUSY",
                cluster=cluster.name,
            )
        require_access(vapp)
        return cluster.with_vapp(vapp), vapp

    def _make(self, caller: Caller, cluster: Cluster, vapp: VappDetails, new: NewNodes) -> NodeMake:
        material = self._materials.begin(caller, new.template or cluster.template, cluster.org, field="template")
        if new.network and new.network not in vapp.networks:
            raise NotFoundError(
                f"network: cluster {cluster.name!r} is not connected to a network {new.network!r}"
                f"{choices(vapp.networks)}",
                reason="NETWORK_NOT_FOUND",
                field="network",
            )
        profile = self._storage_profile(caller, cluster, new.pool.storage_profile)
        found = material()
        return NodeMake(
            template=found.template.name,
            machine=found.machine,
            scripts=found.scripts,
            network=new.network or cluster.network,
            cpu_count=new.pool.cpu_count,
            memory_mb=new.pool.memory_mb,
            storage_profile=profile,
            ssh_public_key=new.ssh_public_key,
        )

    def _make_alike(self, caller: Caller, cluster: Cluster, vapp: VappDetails, *, growing: bool) -> NodeMake | None:
        """What further workers are made from; None if that cannot be known and none seem to be needed."""
        try:
            return self._make(caller, cluster, vapp, NewNodes(pool=like_its_workers(cluster)))
        except CseError:
            if growing:
                raise
            return None

    def _storage_profile(self, caller: Caller, cluster: Cluster, name: str) -> str | None:
        if not name:
            return None
        vdc = self._inventory.vdc(caller.credentials, org=cluster.org, vdc=cluster.vdc)
        return storage_profile_href(vdc.storage_profiles, name, vdc=vdc.name, field="pool.storage_profile")

    def _submit(
        self,
        caller: Caller,
        cluster: Cluster,
        kind: str,
        task_name: str,
        text: str,
        submission: Submission,
        change: MakeChange,
    ) -> Operation:
        card = card_for(caller, cluster, task_name)

        def make_request(task_href: str) -> OperationRequest:
            return OperationRequest(
                kind=kind,
                target=str(cluster.resource_name),
                target_uid=cluster.uid,
                partition=cluster.key.partition,
                request_id=submission.request_id,
                owner=cluster.org_id,
                input=change(replace(cluster, nodes=()), card, task_href).as_json(),
                secrets={TOKEN: caller.credentials.token},
                task_href=task_href,
                deadline=self._deadline,
            )

        return self._acceptance.submit(submission, card, f"{text} cluster {cluster.name} ({cluster.uid})", make_request)
