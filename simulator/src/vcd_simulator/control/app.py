"""The routes of the control API. Requests and answers are JSON; an error is `{"error": "what to do"}`."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vcd_simulator.control.access import ControlAccess
from vcd_simulator.control.guest_routes import GuestControls
from vcd_simulator.control.requests import read_json
from vcd_simulator.control.state import StateControls
from vcd_simulator.faults import Fault, FaultError, Faults
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.sessions import Sessions
from vcd_simulator.stats import Stats
from vcd_simulator.vcenter.service import VimService

PREFIX = "/simulator"
_LARGEST_REQUEST = 1 << 20
_CHALLENGES = {
    401: "log in as a system administrator, or send the control token (ready file: control_token) as x-simulator-token",
    403: "only system administrators may control the simulator",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class ControlApp:
    """The control API beside another application, which gets all requests that do not begin with `/simulator`."""

    def __init__(self, other: ASGIApp, control: ASGIApp) -> None:
        self._other = other
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        mine = path == PREFIX or path.startswith(f"{PREFIX}/")
        await (self._control if mine else self._other)(scope, receive, send)


class Controls:
    """What there is to control in a running simulator."""

    def __init__(  # what there is to control, by keyword
        self,
        *,
        cloud: Cloud,
        sessions: Sessions,
        faults: Faults,
        stats: Stats,
        state: StateControls,
        guests: GuestControls,
        vcenters: Mapping[str, VimService],
        access: ControlAccess,
    ) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._faults = faults
        self._stats = stats
        self._state = state
        self._guests = guests
        self._vcenters = vcenters
        self._access = access

    def app(self) -> Starlette:
        """The ASGI application."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/faults/{fault_id}", self._show_fault),
            ("DELETE", "/faults/{fault_id}", self._remove_fault),
            ("GET", "/stats", self._show_stats),
            ("DELETE", "/stats", self._reset_stats),
            ("POST", "/sessions/expire", self._expire_sessions),
            ("POST", "/vcenters/{vcenter}/sessions/expire", self._expire_vcenter_sessions),
            ("GET", "/guests", self._guests.list),
            ("POST", "/guests/{guest}/exec", self._guests.execute),
            ("GET", "/guests/{guest}/log", self._guests.log),
            ("GET", "/guests/{guest}/file", self._guests.read),
            ("PUT", "/guests/{guest}/file", self._guests.write),
            ("GET", "/state", self._state.show),
            ("PUT", "/state", self._state.replace),
            ("POST", "/state/save", self._state.save),
            ("POST", "/state/reset", self._state.reset),
        ]
        routes = [Route(PREFIX + path, self._guarded(endpoint), methods=[method]) for method, path, endpoint in table]
        return Starlette(routes=routes, exception_handlers={HTTPException: _show_error})

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint for those alone who may control the simulator; their calls are counted."""

        @wraps(endpoint)
        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            refusal = self._access.refusal(request)
            if refusal is not None:
                return _error(refusal, _CHALLENGES[refusal])
            try:
                response = await endpoint(request)
            except FaultError as exc:
                response = _error(400, str(exc))
            name = f"{request.method} {request.scope['route'].path}"
            failed, seconds = response.status_code >= 400, time.perf_counter() - began
            self._stats.count("simulator", name, failed=failed, seconds=seconds)
            return response

        return answer

    async def _list_faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": [fault.to_json() for fault in self._faults]})

    async def _add_fault(self, request: Request) -> Response:
        spec = self._faults.spec_of(await read_json(request, largest=_LARGEST_REQUEST))
        fault = await run_in_threadpool(self._faults.add_spec, spec)  # may take a vCenter away
        return JSONResponse(fault.to_json(), 201, headers={"location": f"{PREFIX}/faults/{fault.id}"})

    async def _clear_faults(self, _request: Request) -> Response:
        await run_in_threadpool(self._faults.clear)
        return Response(status_code=204)

    async def _show_fault(self, request: Request) -> Response:
        return JSONResponse(self._fault(request).to_json())

    async def _remove_fault(self, request: Request) -> Response:
        await run_in_threadpool(self._faults.remove, self._fault(request))
        return Response(status_code=204)

    def _fault(self, request: Request) -> Fault:
        fault_id = request.path_params["fault_id"]
        fault = self._faults.get(fault_id)
        if fault is None:
            raise HTTPException(404, f"there is no fault {fault_id[:80]!r}; GET {PREFIX}/faults lists them")
        return fault

    async def _show_stats(self, _request: Request) -> Response:
        return JSONResponse(self._stats.to_json())

    async def _reset_stats(self, _request: Request) -> Response:
        self._stats.reset()
        return Response(status_code=204)

    async def _expire_sessions(self, _request: Request) -> Response:
        with self._cloud.lock:
            return JSONResponse({"expired": self._sessions.expire_all()})

    async def _expire_vcenter_sessions(self, request: Request) -> Response:
        service = self._vcenters.get(request.path_params["vcenter"])
        if service is None:
            raise HTTPException(404, f"there is no such vCenter; there are {', '.join(self._vcenters)}")
        return JSONResponse({"expired": service.sessions.expire_all()})


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)


async def _show_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, str(error.detail))
