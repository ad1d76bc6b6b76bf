import asyncio
import json

import pytest
import structlog

from cse_core.errors import NotFoundError
from cse_gateway.application.counters import Counters
from cse_gateway.application.dispatcher import Dispatcher
from cse_gateway.application.ports import ServiceState
from cse_gateway.domain.http import Reply, Request
from cse_gateway.domain.routing import Call, Route, RouteTable


class FixedState:
    def __init__(self, state: ServiceState) -> None:
        self.state = state


async def good(_call: Call) -> Reply:
    return Reply(status=200)


async def missing(_call: Call) -> Reply:
    raise NotFoundError("it is not there")


async def broken(_call: Call) -> Reply:
    raise ZeroDivisionError("canary")


async def endless(_call: Call) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def shows_time(call: Call) -> Reply:
    return Reply(status=200, body=str(call.remaining_s()).encode())


ROUTES = RouteTable(
    [
        Route("GET", "/api/cse", good),
        Route("GET", "/api/cse/system", good, always_open=True),
        Route("GET", "/api/cse/missing", missing),
        Route("GET", "/api/cse/broken", broken),
        Route("GET", "/api/cse/endless", endless),
        Route("GET", "/api/cse/time", shows_time),
    ]
)


async def answer(path: str, *, state: ServiceState = ServiceState.RUNNING, within_s: float = 5.0) -> Reply:
    counters = Counters()
    dispatcher = Dispatcher(ROUTES, FixedState(state), counters)
    request = Request(id="r-1", method="GET", path=tuple(path.split("/")))
    reply = await dispatcher.answer(request, asyncio.get_running_loop().time() + within_s)
    assert sum(counters.replies.values()) == 1
    return reply


@pytest.mark.parametrize(
    ("path", "status"), [("cse", 200), ("cse/missing", 404), ("cse/nowhere", 404), ("cse/broken", 500)]
)
async def test_every_request_has_a_reply(path: str, status: int) -> None:
    assert (await answer(path)).status == status


async def test_a_mistake_of_ours_is_logged_and_not_shown() -> None:
    with structlog.testing.capture_logs() as lines:
        reply = await answer("cse/broken")
    assert b"canary" not in reply.body
    assert [line["event"] for line in lines] == ["request_failed", "request_answered"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (ServiceState.RUNNING, 200),
        (ServiceState.UNKNOWN, 200),
        (ServiceState.DISABLED, 503),
        (ServiceState.SHUTTING_DOWN, 503),
    ],
)
async def test_a_closed_service_answers_for_the_system_only(state: ServiceState, status: int) -> None:
    assert (await answer("cse", state=state)).status == status
    assert (await answer("cse/system", state=state)).status == 200
    assert (await answer("cse/nowhere", state=state)).status == 404


async def test_what_takes_too_long_is_504() -> None:
    reply = await answer("cse/endless", within_s=0.01)
    assert (reply.status, b"GATEWAY_TIMEOUT" in reply.body) == (504, True)


async def test_a_handler_knows_how_much_time_is_left() -> None:
    assert 0 < json.loads((await answer("cse/time", within_s=3)).body) <= 3


async def test_a_cancelled_request_is_not_answered() -> None:
    task = asyncio.create_task(answer("cse/endless"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
