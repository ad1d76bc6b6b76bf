"""Files that are sent are closed, whatever becomes of the client."""

from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from vcd_simulator.open_file import OpenFileResponse

SCOPE = {"type": "http", "asgi": {"spec_version": "2.4"}}


async def nothing() -> Message:
    return {"type": "http.request"}


async def test_a_file_is_sent_whole_and_closed(tmp_path: Path) -> None:
    path, sent = tmp_path / "file", list[bytes]()
    path.write_bytes(bytes(300_000))

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    file = path.open("rb")
    await OpenFileResponse(file)(SCOPE, nothing, send)
    assert b"".join(sent) == bytes(300_000)
    assert file.closed


@pytest.mark.parametrize("part", ["http.response.start", "http.response.body"])
async def test_a_file_is_closed_when_the_client_has_gone(tmp_path: Path, part: str) -> None:
    async def send(message: Message) -> None:
        if message["type"] == part:
            raise OSError("nobody listens")

    path = tmp_path / "file"
    path.write_bytes(b"content")
    file = path.open("rb")
    with pytest.raises(ClientDisconnect):
        await OpenFileResponse(file)(SCOPE, nothing, send)
    assert file.closed
