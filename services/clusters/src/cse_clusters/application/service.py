"""The use cases of the cluster manager in one place, and who is let in."""

from dataclasses import dataclass

from cse_clusters.application.changing_nodes import NodeChanges
from cse_clusters.application.creating import ClusterCreation
from cse_clusters.application.deleting import ClusterDeletion
from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.kubeconfig import Kubeconfigs
from cse_clusters.application.nodes import NodeReader
from cse_clusters.application.operation_access import OperationAccess
from cse_clusters.application.orphans import Orphans
from cse_clusters.application.ports import Callers
from cse_clusters.application.system import SystemState
from cse_clusters.domain.access import Caller, Credentials


@dataclass(frozen=True, kw_only=True)
class ClusterUseCases:
    """What an entry point may call."""

    callers: Callers
    state: SystemState
    directory: ClusterDirectory
    creation: ClusterCreation
    deletion: ClusterDeletion
    kubeconfigs: Kubeconfigs
    nodes: NodeReader
    node_changes: NodeChanges
    operation_access: OperationAccess
    orphans: Orphans

    def admit(self, credentials: Credentials) -> Caller:
        """Who calls.

        Raises:
            UnauthenticatedError: vCD does not accept the token.
            FailedPreconditionError: reason SERVICE_DISABLED.
        """
        caller = self.callers.identify(credentials)
        self.state.require_running()
        return caller
