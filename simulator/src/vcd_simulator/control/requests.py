"""Reading the requests of the control API."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


async def read_body(request: Request, *, largest: int) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413, it has more than `largest` bytes; 400, the sender hung up.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > largest:
                raise HTTPException(413, f"the request is larger than {largest} bytes")
    except ClientDisconnect as exc:
        raise HTTPException(400, "the request is incomplete") from exc
    return bytes(body)


async def read_json(request: Request, *, largest: int) -> Any:
    """What the body says.

    Raises:
        HTTPException: as `read_body`; 400, it is not JSON, or nested too deeply.
    """
    body = await read_body(request, largest=largest)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise HTTPException(400, f"the request is not JSON: {exc}") from exc
