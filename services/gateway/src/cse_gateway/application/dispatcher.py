"""Finds the route of a request, has it answered in time, and turns whatever goes wrong into a reply."""

import asyncio
from collections.abc import Callable

import structlog

from cse_core.errors import CseError, DeadlineError, InternalError
from cse_gateway.application.counters import Counters
from cse_gateway.application.ports import StateSource
from cse_gateway.domain.http import Reply, Request
from cse_gateway.domain.replies import ServiceDisabledError, error_reply
from cse_gateway.domain.routing import Call, RouteTable

log = structlog.get_logger()

ROUTE_UNKNOWN = "unknown"


class Dispatcher:
    """Answers requests. Belongs to one event loop."""

    def __init__(self, routes: RouteTable, state: StateSource, counters: Counters) -> None:
        self._routes = routes
        self._state = state
        self._counters = counters

    async def answer(self, request: Request, answer_by: float) -> Reply:
        """Answers before `answer_by` (time of the running loop); raises nothing but `asyncio.CancelledError`."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        pattern, code = ROUTE_UNKNOWN, ""
        try:
            route, parameters = self._routes.find(request.method, request.path)
            pattern = route.pattern
            if not (route.always_open or self._state.state.is_open):
                raise ServiceDisabledError
            call = Call(request=request, parameters=parameters, remaining_s=_until(answer_by, loop))
            async with asyncio.timeout_at(answer_by):
                reply = await route.handler(call)
        except CseError as error:
            code, reply = error.code, error_reply(error, request)
        except TimeoutError:
            late = DeadlineError("no answer in the time that vCD allows; what was begun may still happen")
            code, reply = late.code, error_reply(late, request)
        except Exception:  # the outermost loop of a request: whatever it is, the next one must be answered
            log.exception("request_failed", method=request.method, route=pattern)
            failure = InternalError("an error inside of CSE; its log says more")
            code, reply = failure.code, error_reply(failure, request)
        self._counters.answered(pattern, reply.status)
        ms = round((loop.time() - started) * 1000, 1)
        log.info("request_answered", method=request.method, route=pattern, status=reply.status, reason=code, ms=ms)
        return reply


def _until(answer_by: float, loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    return lambda: max(0.0, answer_by - loop.time())
