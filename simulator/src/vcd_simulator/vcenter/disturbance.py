"""What is noted about requests to a vCenter, and what faults do to them."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from vcd_simulator.faults import Faults, HttpError, Injection, Place, SessionExpired, SoapFault
from vcd_simulator.faults.connections import BrokenReply, breaks_at_once, held_up, spoiled
from vcd_simulator.guests.spec import Latency
from vcd_simulator.stats import NOBODY, Stats
from vcd_simulator.vcenter import soap
from vcd_simulator.vcenter.calls import Caller
from vcd_simulator.vcenter.service import VimService
from vcd_simulator.vcenter.transfers import Transfers

Endpoint = Callable[[Request], Awaitable[Response]]


class VcenterDisturbance:
    """Faults and counters of one vCenter."""

    def __init__(self, vcenter: str, faults: Faults, stats: Stats, latency: Latency) -> None:
        self._vcenter = vcenter
        self._faults = faults
        self._stats = stats
        self._latency = latency

    def front(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint behind what happens to all requests to this vCenter."""

        async def answer(request: Request) -> Response:
            injection = self._faults.decide(Place.VCENTER, vcenter=self._vcenter)
            return await _through(injection, lambda: endpoint(request))

        return answer

    def transfer(self, transfers: Transfers, endpoint: Endpoint) -> Endpoint:
        """An endpoint for the content of guests' files. An attempt that fails at once does not use its URL up."""

        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            offer = transfers.peek(request.query_params.get("token", ""))
            names = () if offer is None else offer.guest.names
            injection = self._faults.decide(Place.TRANSFER, method=request.method, vcenter=self._vcenter, guest=names)
            response = await _through(injection, lambda: endpoint(request))
            failed = response.status_code != 200 or breaks_at_once(injection)
            self._stats.count(
                "transfer", f"{request.method} {request.url.path}", failed=failed, seconds=time.perf_counter() - began
            )
            return response

        return answer

    async def soap(
        self, service: VimService, body: bytes, caller: Caller, gone: Callable[[], Awaitable[None]]
    ) -> Response:
        """Answer a call of the vSphere API; `gone` returns when the caller has hung up."""
        began = time.perf_counter()
        try:
            call = soap.parse_request(body)
        except soap.SoapFaultError as error:
            return _envelope(500, soap.render_fault(error))
        delay_s = self._latency.delay(f"soap.{call.method}")
        if delay_s:
            await asyncio.sleep(delay_s)
        injection = self._faults.decide(
            Place.SOAP,
            soap=call.method,
            vcenter=self._vcenter,
            guest=service.guest_names(call),
            user=service.sessions.user_of(caller.cookie),
        )
        before = service.sessions.user_of(caller.cookie)
        if isinstance(injection.error, SessionExpired):
            service.sessions.log_out(caller.cookie)

        async def answer() -> Response:
            if isinstance(injection.error, SoapFault):
                fault = soap.SoapFaultError(injection.error.fault, injection.error.message)
                return _envelope(500, soap.render_fault(fault))
            if service.waits(call):
                return _envelope(*await service.carry_out_waiting(call, caller, gone))
            return _envelope(*await run_in_threadpool(service.carry_out, call, caller))

        response = await _through(injection, answer)
        self._stats.count(
            "soap",
            call.method if service.knows(call) else "(unknown method)",
            before or service.sessions.user_of(caller.cookie) or NOBODY,
            failed=response.status_code != 200 or breaks_at_once(injection),
            seconds=time.perf_counter() - began,
        )
        return response


async def _through(injection: Injection, answer: Callable[[], Awaitable[Response]]) -> Response:
    """An answer, or what faults leave of it."""
    await held_up(injection)
    if breaks_at_once(injection):
        return BrokenReply()
    if isinstance(injection.error, HttpError):
        return PlainTextResponse(f"{injection.error.message}\n", status_code=injection.error.status)
    return spoiled(await answer(), injection)


def _envelope(status: int, content: bytes) -> Response:
    return Response(content, status_code=status, media_type="text/xml; charset=utf-8")
