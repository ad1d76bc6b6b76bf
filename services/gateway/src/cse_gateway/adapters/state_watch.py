"""Asks the cluster manager twice a second whether the service takes requests."""

import asyncio
from typing import Final

import grpc
import structlog

from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse_gateway.application.ports import ServiceState

log = structlog.get_logger()

_INTERVAL_S: Final = 0.5
_TIMEOUT_S: Final = 0.45
_GONE_AFTER_S: Final = 2.0

_STATES: Final[dict["system_pb2.System.State.ValueType", ServiceState]] = {
    system_pb2.System.STATE_RUNNING: ServiceState.RUNNING,
    system_pb2.System.STATE_DISABLED: ServiceState.DISABLED,
    system_pb2.System.STATE_SHUTTING_DOWN: ServiceState.SHUTTING_DOWN,
}


def state_of(value: "system_pb2.System.State.ValueType") -> ServiceState:
    """Our word for the contract's."""
    return _STATES.get(value, ServiceState.UNKNOWN)


class StateWatch:
    """The state of the service, kept current while `run` runs.

    While the cluster manager does not answer, what it said last stands. If that was that it shuts down, and nobody
    listens at its address any more, it has ended.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = system_service_pb2_grpc.SystemServiceStub(channel)
        self._state = ServiceState.UNKNOWN
        self._heard = 0.0

    @property
    def state(self) -> ServiceState:
        return self._state

    def learn(self, state: ServiceState) -> None:
        """Takes over what an answer of the cluster manager said."""
        self._heard = asyncio.get_running_loop().time()
        if state is not self._state:
            log.info("service_state_changed", before=self._state.value, now=state.value)
            self._state = state

    async def run(self) -> None:
        """Asks until the service has ended."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                response = await self._stub.GetServiceState(
                    system_service_pb2.GetServiceStateRequest(), timeout=_TIMEOUT_S
                )
            except grpc.aio.AioRpcError as error:
                if self._has_ended(error.code(), loop.time() - self._heard):
                    log.info("service_ended")
                    return
            except Exception:  # the outermost loop: what is known stays, and is asked for again
                log.exception("service_state_unavailable")
            else:
                if self._heard <= began:  # else a request has learnt something newer meanwhile
                    self.learn(state_of(response.state))
            await asyncio.sleep(max(0.0, began + _INTERVAL_S - loop.time()))

    def _has_ended(self, code: grpc.StatusCode, silence_s: float) -> bool:
        """A cluster manager that is only too busy to answer does not count; a restarted one is back within the time."""
        stopping = self._state is ServiceState.SHUTTING_DOWN
        return stopping and code is grpc.StatusCode.UNAVAILABLE and silence_s > _GONE_AFTER_S
