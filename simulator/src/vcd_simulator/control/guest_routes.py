"""The part of the control API that looks into guests."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from vcd_simulator.clock import timestamp
from vcd_simulator.control.guests import DEFAULT_TIMEOUT_S, AmbiguousGuestError, Guests
from vcd_simulator.control.requests import read_json
from vcd_simulator.guests.errors import LoginError, PowerStateError, UnknownGuestError
from vcd_simulator.open_file import OpenFileResponse

_LARGEST_FILE = 1 << 30
_LARGEST_OUTPUT = 64 << 20

T = TypeVar("T")


class Script(BaseModel):
    """What `exec` runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    script: str
    user: str = "root"
    timeout_s: Annotated[float, Field(gt=0, le=7200)] = DEFAULT_TIMEOUT_S


class GuestControls:
    """Guests by the path parameter `guest`: a moid, or the name of a VM."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def list(self, _request: Request) -> Response:
        found = await run_in_threadpool(self._guests.all)
        return JSONResponse({"guests": [asdict(one) for one in found]})

    async def log(self, request: Request) -> Response:
        entries = await _tried(self._guests.log, _guest(request))
        return JSONResponse({"log": [{"at": timestamp(one.at), "text": _printable(one.text)} for one in entries]})

    async def execute(self, request: Request) -> Response:
        script = _script(await read_json(request, largest=_LARGEST_OUTPUT))
        result = await _tried(
            lambda: self._guests.execute(_guest(request), script.script, user=script.user, timeout_s=script.timeout_s)
        )
        if len(result.stdout) + len(result.stderr) > _LARGEST_OUTPUT:
            raise HTTPException(413, "the output is too large; write it to a file, and fetch that")
        # Output may be no text at all; escapes bring its bytes through.
        return Response(json.dumps(result._asdict(), ensure_ascii=True), media_type="application/json")

    async def read(self, request: Request) -> Response:
        return OpenFileResponse(await _tried(self._guests.open, _guest(request), _path(request)))

    async def write(self, request: Request) -> Response:
        mode = _mode(request)
        file = await _tried(lambda: self._guests.create(_guest(request), _path(request), mode=mode))
        received = 0
        try:
            with file:
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > _LARGEST_FILE:
                        raise HTTPException(413, f"the file is larger than {_LARGEST_FILE} bytes")
                    await run_in_threadpool(file.write, chunk)
        except ClientDisconnect as exc:
            raise HTTPException(400, "the request is incomplete") from exc
        return Response(status_code=204)


def _guest(request: Request) -> str:
    return str(request.path_params["guest"])


def _path(request: Request) -> str:
    path = request.query_params.get("path", "")
    if not path.startswith("/"):
        raise HTTPException(400, "path is a file's absolute path in the guest")
    return path


def _mode(request: Request) -> int:
    text = request.query_params.get("mode", "644")
    if not re.fullmatch("[0-7]{3,4}", text):
        raise HTTPException(400, "mode is an octal number, such as 644")
    return int(text, 8)


async def _tried(action: Callable[..., T], *arguments: object) -> T:
    """Do something in a thread; what guests refuse becomes an answer."""
    try:
        return await run_in_threadpool(action, *arguments)
    except UnknownGuestError as exc:
        raise HTTPException(404, f"{exc}; GET /simulator/guests lists them") from exc
    except (AmbiguousGuestError, PowerStateError) as exc:
        raise HTTPException(409, str(exc)) from exc
    except LoginError as exc:
        raise HTTPException(400, str(exc)) from exc
    except TimeoutError as exc:
        raise HTTPException(504, "the script took longer than timeout_s, and has been ended") from exc
    except OSError as exc:
        status = 404 if isinstance(exc, FileNotFoundError) else 400
        raise HTTPException(status, f"{exc.filename or 'the file'}: {exc.strerror}") from exc


def _script(values: Any) -> Script:
    try:
        return Script.model_validate(values)
    except ValidationError as exc:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors(include_input=False))
        raise HTTPException(400, f"this is not a script to run: {found}") from exc


def _printable(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")
