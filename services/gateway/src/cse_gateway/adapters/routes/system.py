"""The service as a whole: `/api/cse/system`. Answered in every state of the service."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import grpc

from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse_core.errors import InvalidArgumentError, PermissionDeniedError
from cse_gateway.adapters.backend import invoke
from cse_gateway.adapters.state_watch import state_of
from cse_gateway.application.ports import ServiceState
from cse_gateway.domain import replies
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import json_reply, message_reply
from cse_gateway.domain.routing import Call

SERVICE: Final = "the cluster manager"

LearnState = Callable[[ServiceState], None]


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """What this gateway adds to the system's description."""

    consumer_threads: int
    """`service.listeners` of the configuration file."""
    thread_count: Callable[[], int]


class SystemRoutes:
    """Each method answers one route."""

    def __init__(self, channel: grpc.aio.Channel, learn_state: LearnState, listeners: Listeners) -> None:
        self._stub = system_service_pb2_grpc.SystemServiceStub(channel)
        self._learn_state = learn_state
        self._listeners = listeners

    async def show(self, call: Call) -> Reply:
        request = system_service_pb2.GetSystemRequest()
        system = await invoke(self._stub.GetSystem, request, call, service=SERVICE)
        return json_reply(200, self._to_json(system))

    async def change(self, call: Call) -> Reply:
        body = Body.parse(call.request.body)
        if body.has("enabled") == body.has("stopped"):
            raise InvalidArgumentError("enabled: send either it (true or false) or stopped (true)", field="enabled")
        try:
            if not body.has("stopped"):
                return await self._enable(call, enable=body.flag("enabled", default=False))
            if not body.flag("stopped", default=False):
                raise InvalidArgumentError("stopped: only true is possible", field="stopped")
            return await self._stop(call)
        except PermissionDeniedError as error:
            raise PermissionDeniedError(error.message, reason=replies.SYSTEM_ADMINISTRATOR_ONLY) from error

    async def _enable(self, call: Call, *, enable: bool) -> Reply:
        if enable:
            enabling = system_service_pb2.EnableSystemRequest()
            system = await invoke(self._stub.EnableSystem, enabling, call, service=SERVICE)
        else:
            disabling = system_service_pb2.DisableSystemRequest()
            system = await invoke(self._stub.DisableSystem, disabling, call, service=SERVICE)
        self._learn_state(state_of(system.state))
        return message_reply(200, replies.UPDATED)

    async def _stop(self, call: Call) -> Reply:
        request = system_service_pb2.StopSystemRequest()
        response = await invoke(self._stub.StopSystem, request, call, service=SERVICE)
        self._learn_state(ServiceState.SHUTTING_DOWN)
        count = response.operations_in_progress
        waits_for = replies.STOP_WAITS_FOR.format(count=count) if count > 0 else ""
        replicas = len(response.system.replicas)
        is_for = replies.STOP_IS_FOR.format(count=replicas) if replicas > 1 else ""
        return message_reply(200, replies.STOP_STARTED + waits_for + is_for)

    def _to_json(self, system: system_pb2.System) -> dict[str, object]:
        shown: dict[str, object] = {
            "product": system.product,
            "description": system.description,
            "version": system.version,
        }
        if system.python_version:  # filled for system administrators only
            shown |= {
                "python": system.python_version,
                "consumer_threads": self._listeners.consumer_threads,
                "all_threads": self._listeners.thread_count() + sum(r.thread_count for r in system.replicas),
                "requests_in_progress": system.operations_in_progress,
                "config_file": system.config_file,
                "status": state_of(system.state).value,
            }
        return shown
