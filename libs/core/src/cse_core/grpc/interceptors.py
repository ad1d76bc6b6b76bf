"""What happens around every call of our servers: a request id in the logs, one line per call, errors as statuses.

What a call waits for (`cse_core.patience`) is bounded by its deadline.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final, NoReturn

import grpc
import structlog
from grpc_status import rpc_status

from cse_core import patience
from cse_core.errors import CseError, InternalError
from cse_core.grpc.metadata import request_id_from
from cse_core.grpc.status import status_of

log = structlog.get_logger()

_QUIET: Final = (
    "/grpc.health.v1.",
    "/grpc.reflection.",
    "/grpc.channelz.",
    "/cse.system.v1.SystemService/GetServiceState",
)
"""Asked every second by probes and gateways; their successes are not worth a line."""

Handler = Callable[[Any, grpc.ServicerContext], Any]


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Binds `request_id` and `method`, logs the outcome, turns `CseError` into its status and hides everything else."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Any, Any] | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        request_id = request_id_from(handler_call_details.invocation_metadata or ())
        call = _Call(handler_call_details.method, request_id)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                call.streaming(handler.unary_stream), handler.request_deserializer, handler.response_serializer
            )
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                call.unary(handler.unary_unary), handler.request_deserializer, handler.response_serializer
            )
        return handler  # reflection is the only one that streams requests


class _Call:
    def __init__(self, method: str, request_id: str) -> None:
        self._method = method
        self._request_id = request_id
        self._started = time.monotonic()

    def unary(self, behavior: Handler) -> Handler:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            with self._bound(), patience.within(context.time_remaining()):
                try:
                    response = behavior(request, context)
                except CseError as exc:
                    self._abort(exc, context)
                except Exception as exc:
                    self._abort(self._hide(exc, context), context)
                self._succeeded()
                return response

        return handle

    def streaming(self, behavior: Handler) -> Handler:
        def handle(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with self._bound(), patience.within(context.time_remaining()):
                try:
                    yield from behavior(request, context)
                except CseError as exc:
                    self._abort(exc, context)
                except Exception as exc:
                    self._abort(self._hide(exc, context), context)
                self._succeeded()

        return handle

    def _bound(self) -> AbstractContextManager[None]:
        return structlog.contextvars.bound_contextvars(request_id=self._request_id, method=self._method)

    def _succeeded(self) -> None:
        if not self._method.startswith(_QUIET):
            log.info("call_done", code="OK", seconds=self._seconds())

    def _hide(self, exc: Exception, context: Any) -> CseError:
        """What the caller is told of an error that is none of ours. Its place is the log."""
        if context.code() is not None:  # the servicer aborted the call by itself
            raise exc
        log.error("call_crashed", seconds=self._seconds(), exc_info=exc)
        return InternalError(f"the service failed for a reason of its own; its log has it under {self._request_id}")

    def _abort(self, exc: CseError, context: grpc.ServicerContext) -> NoReturn:
        status = status_of(exc)
        log.info("call_done", code=status.code, reason=exc.code, message=exc.message, seconds=self._seconds())
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("unreachable: abort_with_status raises")

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 3)
