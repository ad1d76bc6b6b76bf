"""Reading the administrator's kubeconfig from a cluster's control plane."""

from typing import Final

from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.guest_logins import logins_for, with_first
from cse_clusters.application.ports import Callers, Guests, Inventory, Templates
from cse_clusters.application.vapp_access import require_certain_access
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster, Role, State, role_of
from cse_clusters.domain.guest_scripts import KUBECONFIG
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import (
    FailedPreconditionError,
    NotFoundError,
    RetryableError,
    UnauthenticatedError,
)
from cse_core.names import ClusterName
from cse_core.secret import Secret

KUBECONFIG_LIMIT: Final = 1 << 20
_OFF: Final = frozenset({"POWERED_OFF", "SUSPENDED"})


class Kubeconfigs:
    """Who may change a cluster's vApp may read its kubeconfig, for whoever has that rules the cluster."""

    def __init__(
        self,
        directory: ClusterDirectory,
        callers: Callers,
        inventory: Inventory,
        guests: Guests,
        templates: Templates,
    ) -> None:
        self._directory = directory
        self._callers = callers
        self._inventory = inventory
        self._guests = guests
        self._templates = templates

    def read(self, caller: Caller, name: ClusterName) -> Secret:
        """The kubeconfig, as text.

        Raises:
            NotFoundError: there is no such cluster.
            PermissionDeniedError: reason VAPP_CHANGE_FORBIDDEN; the vApp is shared with the caller to be looked at.
            ConflictError: reason CLUSTER_BUSY; vCD works on the vApp, and does not say what the caller may do, who is
                neither its owner nor an administrator.
            FailedPreconditionError: reason CONTROL_PLANE_UNREACHABLE; it has no control plane whose guest answers.
        """
        cluster = self._directory.find_one(caller, name)
        vapp = self._inventory.vapp(caller.credentials, cluster.vapp_href) if cluster.vapp_href else None
        if vapp is None:  # not (any more) for this caller to see, or not made yet
            raise _unreachable(
                cluster, "vCD shows no vApp of it; wait for its creation, or look whether it is still there"
            )
        require_certain_access(vapp, caller, self._callers)
        _require_power(cluster, vapp)
        machines = self._inventory.guests(cluster.vapp_href)
        control_plane = next((machines[name] for name in sorted(machines) if role_of(name) is Role.CONTROL_PLANE), None)
        if control_plane is None:
            raise _unreachable(cluster, "it has no running control plane; power its vApp on, or wait for its creation")
        logins = logins_for(control_plane, self._templates.admin_password(cluster.template))
        if not logins:
            raise _unreachable(
                cluster,
                "vCD has no password of its guest; the provider has to set the `admin_password` of its template",
            )
        try:
            content = with_first(
                logins, lambda login: self._guests.read_file(login, KUBECONFIG, limit_bytes=KUBECONFIG_LIMIT)
            )
        except UnauthenticatedError as exc:
            raise _unreachable(cluster, "the guest refuses the passwords that are known") from exc
        except NotFoundError as exc:
            raise _unreachable(cluster, "Kubernetes is not set up there (yet)") from exc
        except RetryableError as exc:
            raise _unreachable(cluster, exc.message) from exc
        return Secret(content.decode("utf-8", errors="replace"))


def _require_power(cluster: Cluster, vapp: VappDetails) -> None:
    """Says so if the control plane is off, for that is easily put right."""
    machine = next((each for each in vapp.machines if role_of(each.name) is Role.CONTROL_PLANE), None)
    if machine is not None and machine.status in _OFF and cluster.state is not State.CREATING:
        raise _unreachable(cluster, f"{machine.name} is {machine.status}; power it on")


def _unreachable(cluster: Cluster, why: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"the control plane of cluster {cluster.name!r} does not answer: {why}",
        reason="CONTROL_PLANE_UNREACHABLE",
        cluster=cluster.name,
    )
