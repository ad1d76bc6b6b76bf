"""The part of the control API that saves, restores and resets the state."""

from pathlib import Path
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vcd_simulator.control.requests import read_body
from vcd_simulator.state import StateError

_LARGEST_STATE = 2 << 30


class Stateful(Protocol):
    """What has a state: the simulator."""

    @property
    def state_file(self) -> Path | None: ...
    def saved(self, *, sessions: bool = False, files: bool = True) -> bytes: ...
    def save(self, path: Path, *, sessions: bool = False, files: bool = True) -> None: ...
    def restore(self, saved: Path | bytes) -> None: ...
    def reset(self) -> None: ...


class StateControls:
    """States travel in requests and answers. The only file that is ever written is the one that was named at the start.

    A caller of the control API may be far away, and has no business with the files of this host.
    """

    def __init__(self, simulator: Stateful) -> None:
        self._simulator = simulator

    async def show(self, request: Request) -> Response:
        sessions, files = _flag(request, "sessions", default=False), _flag(request, "files", default=True)
        content = await run_in_threadpool(self._simulator.saved, sessions=sessions, files=files)
        return Response(content, media_type="application/json")

    async def replace(self, request: Request) -> Response:
        content = await read_body(request, largest=_LARGEST_STATE)
        try:
            await run_in_threadpool(self._simulator.restore, content)
        except StateError as exc:
            raise HTTPException(400, str(exc)) from exc
        return Response(status_code=204)

    async def save(self, _request: Request) -> Response:
        path = self._simulator.state_file
        if path is None:
            raise HTTPException(409, "no file was named at the start; use --state FILE, or GET the state")
        try:
            await run_in_threadpool(self._simulator.save, path)
        except StateError as exc:
            raise HTTPException(500, str(exc)) from exc
        return JSONResponse({"saved": str(path)})

    async def reset(self, _request: Request) -> Response:
        await run_in_threadpool(self._simulator.reset)
        return Response(status_code=204)


def _flag(request: Request, name: str, *, default: bool) -> bool:
    text = request.query_params.get(name)
    if text is not None and text not in ("true", "false"):
        raise HTTPException(400, f"{name} is true or false")
    return default if text is None else text == "true"
