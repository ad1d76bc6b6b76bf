"""Who may change a cluster's vApp, as vCD says; and who may for certain while vCD does not say so."""

from cse_clusters.application.ports import Callers
from cse_clusters.domain.access import ADMINISTRATOR_RIGHTS, Caller
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import ConflictError, PermissionDeniedError


def require_access(vapp: VappDetails | None) -> None:
    """Raises PermissionDeniedError if vCD has said to whom it showed the vApp that he may not change it."""
    if vapp is not None and vapp.may_change is False:
        raise PermissionDeniedError(
            "vCD does not let you change its vApp; ask its owner, or an administrator of your organization",
            reason="VAPP_CHANGE_FORBIDDEN",
        )


def require_certain_access(vapp: VappDetails, caller: Caller, callers: Callers) -> None:
    """As `require_access`, and raises ConflictError (CLUSTER_BUSY) while it is not certain whether he may.

    While a task works on a vApp vCD does not say who may change it. Its owner and administrators may in any case.
    """
    require_access(vapp)
    if vapp.may_change is None and not (caller.owns(vapp.owner_id) or _administrates(caller, callers)):
        raise ConflictError(
            "vCD does not say at the moment whether you may change the cluster's vApp; try again in some seconds",
            reason="CLUSTER_BUSY",
        )


def _administrates(caller: Caller, callers: Callers) -> bool:
    """Whether he may do what he likes with all that he sees: the rights of his role tell, not its name."""
    if caller.is_system_administrator:
        return True
    return all(callers.has_right(caller, right) for right in ADMINISTRATOR_RIGHTS)
