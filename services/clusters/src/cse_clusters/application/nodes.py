"""Reading one node of a cluster. What its guest does not tell in time is left out; the rest is shown."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Final

import structlog

from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.guest_logins import logins_for, with_first
from cse_clusters.application.ports import GuestLogin, Guests, Inventory, ScriptResult, Templates
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster, Node, Role, node_of
from cse_clusters.domain.guest_scripts import SHOW_EXPORTS, guest_script
from cse_clusters.domain.nfs import exports_in
from cse_core.errors import CseError, DeadlineError, NotFoundError
from cse_core.names import NodeName

log = structlog.get_logger()

EXPORTS_WITHIN_S: Final = 6.0
"""How long a guest may take to say what it exports; callers wait for the answer."""


class NodeReader:
    """The use case GetNode: who sees a cluster sees its nodes.

    Args:
        directory: finds the cluster.
        inventory: vCD, as the caller sees it.
        guests: asked for exports.
        templates: know the passwords of guests that CSE 1.2.x made.
        asking: threads for questions to guests; one that hangs keeps nobody from anything else.
        exports_within_s: how long a guest may take.
    """

    def __init__(
        self,
        directory: ClusterDirectory,
        inventory: Inventory,
        guests: Guests,
        templates: Templates,
        *,
        asking: ThreadPoolExecutor,
        exports_within_s: float = EXPORTS_WITHIN_S,
    ) -> None:
        self._directory = directory
        self._inventory = inventory
        self._guests = guests
        self._templates = templates
        self._asking = asking
        self._within_s = exports_within_s

    def read(self, caller: Caller, name: NodeName) -> tuple[Cluster, Node]:
        """The node, for an NFS node with its exports, and its cluster.

        Raises:
            NotFoundError: reason NODE_NOT_FOUND, or there is no such cluster.
            ConflictError: as `ClusterDirectory.find_one`.
        """
        cluster = self._directory.find_one(caller, name.cluster)
        details = self._inventory.vapp(caller.credentials, cluster.vapp_href) if cluster.vapp_href else None
        machine = details.machine(name.node) if details is not None else None
        if machine is None:
            raise node_not_found(cluster, name.node)
        node = node_of(machine)
        if node.role is Role.NFS and machine.is_on:
            node = replace(node, exports=self._exports(cluster, node.name))
        return cluster, node

    def _exports(self, cluster: Cluster, name: str) -> tuple[str, ...]:
        """What the node exports; nothing if its guest does not say so in time."""
        answer = self._asking.submit(copy_context().run, self._ask, cluster, name)
        try:
            return answer.result(self._within_s)
        except TimeoutError:
            answer.cancel()
            log.warning("exports_not_read", node=name, cluster_id=cluster.uid, reason="DEADLINE_EXCEEDED")
        except CseError as exc:
            log.warning("exports_not_read", node=name, cluster_id=cluster.uid, reason=exc.code, error=exc.message)
        return ()

    def _ask(self, cluster: Cluster, name: str) -> tuple[str, ...]:
        end = time.monotonic() + self._within_s

        def check() -> None:
            if time.monotonic() >= end:
                raise DeadlineError("the guest did not say what it exports in time")

        def show(login: GuestLogin) -> ScriptResult:
            return self._guests.run_script(login, guest_script(SHOW_EXPORTS, {}), check, timeout_s=self._within_s)

        guest = self._inventory.guests(cluster.vapp_href).get(name)
        logins = logins_for(guest, self._templates.admin_password(cluster.template)) if guest is not None else ()
        result = with_first(logins, show)
        if result.exit_code != 0:
            log.warning("exports_not_shown", node=name, cluster_id=cluster.uid, exit_code=result.exit_code)
            return ()
        return exports_in(result.stdout)


def node_not_found(cluster: Cluster, node: str, *, field: str | None = None) -> NotFoundError:
    """Nothing of this name is a node of the cluster."""
    prefix = f"{field}: " if field else ""
    return NotFoundError(
        f"{prefix}cluster {cluster.name!r} has no node {node!r}",
        reason="NODE_NOT_FOUND",
        cluster=cluster.name,
        node=node,
        field=field,
    )
