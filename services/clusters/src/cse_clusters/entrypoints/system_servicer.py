"""`cse.system.v1.SystemService`."""

import base64
import binascii
import platform
import threading
from typing import Final

import grpc
from google.longrunning import operations_pb2

from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse_clusters.application.accepting import Submission
from cse_clusters.application.orphans import Orphans
from cse_clusters.application.ports import Callers
from cse_clusters.application.system import State, SystemState
from cse_clusters.domain.access import Caller
from cse_clusters.entrypoints import convert, convert_orphans
from cse_core.errors import InvalidArgumentError
from cse_core.grpc.operations import to_proto
from cse_core.operations import OperationEngine

SERVICE: Final = "cse.system.v1.SystemService"

PRODUCT: Final = "CSE"
DESCRIPTION: Final = "Container Service Extension for VMware vCloud Director"

_PAGE: Final = 1000
_STATES: Final = {
    State.RUNNING: system_pb2.System.STATE_RUNNING,
    State.DISABLED: system_pb2.System.STATE_DISABLED,
    State.SHUTTING_DOWN: system_pb2.System.STATE_SHUTTING_DOWN,
}


class SystemServicer(system_service_pb2_grpc.SystemServiceServicer):
    """Works in every state of the service.

    Args:
        state: the switch.
        callers: who calls.
        operations: what is in progress, and on which replica.
        orphans: what was left behind.
        version: of the product.
        config_file: path of the configuration.
    """

    def __init__(
        self,
        state: SystemState,
        callers: Callers,
        operations: OperationEngine,
        orphans: Orphans,
        *,
        version: str,
        config_file: str,
    ) -> None:
        self._state = state
        self._callers = callers
        self._operations = operations
        self._orphans = orphans
        self._version = version
        self._config_file = config_file

    def GetSystem(
        self, request: system_service_pb2.GetSystemRequest, context: grpc.ServicerContext
    ) -> system_pb2.System:
        return self._system(self._caller(context))

    def GetServiceState(
        self, request: system_service_pb2.GetServiceStateRequest, context: grpc.ServicerContext
    ) -> system_service_pb2.GetServiceStateResponse:
        return system_service_pb2.GetServiceStateResponse(state=_STATES[self._state.state])

    def EnableSystem(
        self, request: system_service_pb2.EnableSystemRequest, context: grpc.ServicerContext
    ) -> system_pb2.System:
        caller = self._caller(context)
        self._state.enable(caller)
        return self._system(caller)

    def DisableSystem(
        self, request: system_service_pb2.DisableSystemRequest, context: grpc.ServicerContext
    ) -> system_pb2.System:
        caller = self._caller(context)
        self._state.disable(caller)
        return self._system(caller)

    def StopSystem(
        self, request: system_service_pb2.StopSystemRequest, context: grpc.ServicerContext
    ) -> system_service_pb2.StopSystemResponse:
        caller = self._caller(context)
        self._state.stop(caller)
        system = self._system(caller)
        return system_service_pb2.StopSystemResponse(
            system=system, operations_in_progress=system.operations_in_progress
        )

    def ListOrphans(
        self, request: system_service_pb2.ListOrphansRequest, context: grpc.ServicerContext
    ) -> system_service_pb2.ListOrphansResponse:
        caller = self._caller(context)
        if request.page_size < 0:
            raise InvalidArgumentError("page_size: it cannot be negative", field="page_size")
        limit = min(request.page_size or _PAGE, _PAGE)
        page = self._orphans.page(caller, begin=_decoded(request.page_token), limit=limit)
        return system_service_pb2.ListOrphansResponse(
            orphans=map(convert_orphans.orphan_message, page.orphans),
            next_page_token=base64.urlsafe_b64encode(page.next_page.encode()).decode(),
        )

    def Reclaim(
        self, request: system_service_pb2.ReclaimRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        caller = self._caller(context)
        submission = Submission.of(request.request_id, context.is_active)
        operation = self._orphans.reclaim(caller, request.names, submission, execute=request.execute)
        return to_proto(operation, convert.result_of)

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        return self._callers.identify(convert.credentials(context.invocation_metadata()))

    def _system(self, caller: Caller) -> system_pb2.System:
        known_to_all = system_pb2.System(
            product=PRODUCT, description=DESCRIPTION, version=self._version, state=_STATES[self._state.state]
        )
        if not caller.is_system_administrator:
            return known_to_all
        known_to_all.python_version = platform.python_version()
        known_to_all.config_file = self._config_file
        known_to_all.operations_in_progress = self._operations.active_count()
        for each in self._operations.replicas():
            known_to_all.replicas.add(
                id=each.id,
                operations_in_progress=each.operations_in_progress,
                thread_count=threading.active_count() if each.is_this else 0,
            )
        return known_to_all


def _decoded(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidArgumentError("page_token: not one that this service gave", field="page_token") from None
