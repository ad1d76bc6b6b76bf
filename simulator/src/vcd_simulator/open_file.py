"""Answers whose body is the content of a file that is open already."""

from functools import partial
from typing import BinaryIO, Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK: Final = 256 << 10


class OpenFileResponse(StreamingResponse):
    """Sends what is left of a file and closes it, also if the client has gone before anything could be sent."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(iter(partial(file.read, _CHUNK), b""), media_type="application/octet-stream")
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)
