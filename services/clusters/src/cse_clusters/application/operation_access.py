"""Who sees operations, and who may cancel and forget them."""

from cse_clusters.application.accepting import Acceptance
from cse_clusters.application.operation_data import card_of
from cse_clusters.application.ports import Callers, Inventory
from cse_clusters.application.vapp_access import require_certain_access
from cse_clusters.domain.access import Caller, Credentials
from cse_clusters.domain.cluster import CLUSTER_ID
from cse_core.errors import PermissionDeniedError
from cse_core.names import ClusterName
from cse_core.operations import Operation


class OperationAccess:
    """Operations are for the org that owns them, and for system administrators."""

    def __init__(self, callers: Callers, acceptance: Acceptance, inventory: Inventory) -> None:
        self._callers = callers
        self._acceptance = acceptance
        self._inventory = inventory

    def viewer(self, credentials: Credentials) -> "OperationViewer":
        """Raises UnauthenticatedError. Works in every state of the service: what was accepted goes on."""
        return self.of(self._callers.identify(credentials))

    def of(self, caller: Caller) -> "OperationViewer":
        """What a caller may do who is known already."""
        return OperationViewer(caller, self._callers, self._acceptance, self._inventory)


class OperationViewer:
    """A caller, and what he may do with operations."""

    def __init__(self, caller: Caller, callers: Callers, acceptance: Acceptance, inventory: Inventory) -> None:
        self._caller = caller
        self._callers = callers
        self._acceptance = acceptance
        self._inventory = inventory

    @property
    def owner(self) -> str | None:
        """Whose operations he sees; None: everybody's."""
        return None if self._caller.is_system_administrator else self._caller.org_id

    def require_change(self, operation: Operation) -> None:
        """Returns if he may change the operation's cluster, or has begun the operation.

        Raises:
            PermissionDeniedError: he may not, or lacks the right.
            ConflictError: reason CLUSTER_BUSY; vCD does not say so at the moment.
        """
        if self._caller.is_system_administrator:
            return
        self._acceptance.require_right(self._caller)
        card = card_of(operation.input)
        if card.user_id != self._caller.user_id:
            self._require_access(operation, card.cluster_id)

    def _require_access(self, operation: Operation, uid: str) -> None:
        """Looks for the vApp where the cluster is: anybody may write its UUID to a vApp of his own elsewhere."""
        who = self._caller.credentials
        cluster = ClusterName.parse(operation.target)
        is_his_org = operation.owner == self._caller.org_id
        found = self._inventory.clusters(who, name=cluster.cluster, vdc=cluster.vdc) if is_his_org else []
        href = next((each.href for each in found if each.metadata.get(CLUSTER_ID) == uid), "")
        vapp = self._inventory.vapp(who, href) if href else None
        if vapp is None:
            raise PermissionDeniedError(
                "this operation is another user's, and vCD shows you no vApp of its cluster",
                reason="OPERATION_CHANGE_FORBIDDEN",
            )
        require_certain_access(vapp, self._caller, self._callers)
