"""`cse.system.v1.SystemService`."""

import platform
import threading
from typing import Final

import grpc

from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse_clusters.application.ports import Callers
from cse_clusters.application.system import State, SystemState
from cse_clusters.domain.access import Caller
from cse_clusters.entrypoints import convert
from cse_core.operations import Operations

SERVICE: Final = "cse.system.v1.SystemService"

PRODUCT: Final = "CSE"
DESCRIPTION: Final = "Container Service Extension for VMware vCloud Director"

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
        operations: what is in progress.
        version: of the product.
        replica_id: unique per start of this process.
        config_file: path of the configuration.
    """

    def __init__(
        self,
        state: SystemState,
        callers: Callers,
        operations: Operations,
        *,
        version: str,
        replica_id: str,
        config_file: str,
    ) -> None:
        self._state = state
        self._callers = callers
        self._operations = operations
        self._version = version
        self._replica_id = replica_id
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
        return system_service_pb2.StopSystemResponse(
            system=self._system(caller), operations_in_progress=self._operations.active_count()
        )

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
        known_to_all.replicas.add(
            id=self._replica_id,
            operations_in_progress=self._operations.active_count(),
            thread_count=threading.active_count(),
        )
        return known_to_all
