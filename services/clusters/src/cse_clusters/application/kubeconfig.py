"""Reading the administrator's kubeconfig from a cluster's control plane."""

from collections.abc import Iterator

from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.guest_work import read_first
from cse_clusters.application.ports import GuestLogin, Guests, Inventory, Templates
from cse_clusters.domain.access import Caller
from cse_clusters.domain.cluster import Cluster, Role, role_of
from cse_clusters.domain.guest_scripts import KUBECONFIG
from cse_clusters.domain.vcd import GuestMachine
from cse_core.errors import (
    FailedPreconditionError,
    NotFoundError,
    RetryableError,
    UnauthenticatedError,
)
from cse_core.names import ClusterName
from cse_core.secret import Secret


class Kubeconfigs:
    """Who sees a cluster may read its kubeconfig."""

    def __init__(self, directory: ClusterDirectory, inventory: Inventory, guests: Guests, templates: Templates) -> None:
        self._directory = directory
        self._inventory = inventory
        self._guests = guests
        self._templates = templates

    def read(self, caller: Caller, name: ClusterName) -> Secret:
        """The kubeconfig, as text.

        Raises:
            NotFoundError: there is no such cluster.
            FailedPreconditionError: reason CONTROL_PLANE_UNREACHABLE; it has no control plane whose guest answers.
        """
        cluster = self._directory.find_one(caller, name)
        machines = self._inventory.guests(cluster.vapp_href) if cluster.vapp_href else {}
        control_plane = next((machines[name] for name in sorted(machines) if role_of(name) is Role.CONTROL_PLANE), None)
        if control_plane is None:
            raise _unreachable(cluster, "it has no running control plane; power its vApp on, or wait for its creation")
        try:
            content = read_first(self._guests, self._logins(cluster, control_plane), KUBECONFIG)
        except UnauthenticatedError as exc:
            raise _unreachable(cluster, "the guest refuses the passwords that are known") from exc
        except NotFoundError as exc:
            raise _unreachable(cluster, "Kubernetes is not set up there (yet)") from exc
        except RetryableError as exc:
            raise _unreachable(cluster, exc.message) from exc
        return Secret(content.decode("utf-8", errors="replace"))

    def _logins(self, cluster: Cluster, machine: GuestMachine) -> Iterator[GuestLogin]:
        """The template's password first: clusters of 1.2.x have no other."""
        for password in (self._templates.admin_password(cluster.template), machine.password):
            if password:
                yield GuestLogin(guest=machine, password=password)


def _unreachable(cluster: Cluster, why: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"the control plane of cluster {cluster.name!r} does not answer: {why}",
        reason="CONTROL_PLANE_UNREACHABLE",
        cluster=cluster.name,
    )
