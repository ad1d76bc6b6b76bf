"""How stand-ins reach the simulator: one private socket per running program.

The socket is mounted into that program's sandbox alone, so whoever speaks on it is known without a secret. Its other
end is served by one asyncio loop in one thread for all guests; a stand-in is a coroutine, and thousands may wait.
"""

import asyncio
import os
import platform
import posixpath
import socket
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vcd_simulator.guests.commands import HOST_DIRECTORY
from vcd_simulator.guests.owners import parse_owner

if TYPE_CHECKING:
    from vcd_simulator.guests.accounts import Account
    from vcd_simulator.guests.machine import Guest
    from vcd_simulator.guests.processes import Program

_HEADER = struct.Struct(">cI")
_LENGTH = struct.Struct(">I")
_CREDENTIALS = struct.Struct("3i")
_SMALL_MESSAGE = 64 << 10
_MAX_MESSAGE = 64 << 20
_MAX_INVOCATION = 4 << 20
"""More than Linux lets arguments and variables be."""
_MOST_PARTS = 1_000_000
_XATTR_CALLS = {"x86_64": (188, 191), "aarch64": (5, 8)}.get(platform.machine(), (0, 0))
"""Numbers of setxattr and getxattr, which Perl has no names for."""


class CallerGoneError(Exception):
    """The program that called a stand-in has ended; nobody waits for the answer."""


class UsageError(Exception):
    """A stand-in cannot go on: it prints the message to stderr and exits with `code`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class BorrowedStreams:
    """Descriptors of stdin, stdout and stderr, which are ours to close."""

    numbers: tuple[int, int, int]

    def close(self) -> None:
        for number in self.numbers:
            os.close(number)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What the caller typed, and where."""

    name: str
    arguments: tuple[str, ...]
    directory: str
    environment: Mapping[str, str]


class Call:
    """One run of a stand-in: what was asked, and the caller's files, input and output."""

    def __init__(
        self,
        guest: "Guest",
        account: "Account",
        program: "Program",
        invocation: Invocation,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.guest = guest
        self.account = account
        self.program = program
        self.invocation = invocation
        self._reader = reader
        self._writer = writer

    @property
    def name(self) -> str:
        return self.invocation.name

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.invocation.arguments

    @property
    def environment(self) -> Mapping[str, str]:
        return self.invocation.environment

    def path(self, path: str) -> str:
        """The absolute form of a path that the caller typed."""
        return posixpath.normpath(posixpath.join(self.invocation.directory, path))

    async def out(self, text: str) -> None:
        """Print to the caller's stdout; a line break is added where the text does not end with one."""
        await self._send(b"o", _line(text))

    async def out_exactly(self, text: str) -> None:
        """Print to the caller's stdout, character by character as given."""
        await self._send(b"o", _encode(text))

    async def error(self, text: str) -> None:
        """Print to the caller's stderr."""
        await self._send(b"e", _line(text))

    async def standard_input(self) -> str:
        """All of the caller's standard input."""
        return (await self._ask(b"i", b""))[0].decode(errors="surrogateescape")

    async def read(self, path: str) -> str:
        """A file's content, as the caller sees it. Raises OSError."""
        return (await self._ask(b"r", _encode(path)))[0].decode(errors="surrogateescape")

    async def exists(self, path: str) -> bool:
        """Whether the caller finds anything at this path."""
        return (await self._ask(b"s", _encode(path)))[0] == b"1"

    async def names_in(self, path: str) -> list[str]:
        """Names in a directory. Raises OSError."""
        names = await self._ask(b"d", _encode(path))
        return sorted(name.decode(errors="surrogateescape") for name in names if name not in (b".", b".."))

    async def write(self, path: str, content: str, *, mode: str = "", append: bool = False) -> None:
        """Create, replace or extend a file. Raises OSError."""
        body = _fields(path, mode, content, "1" if append else "")
        await self._ask(b"w", body)

    async def execute(self, program: str, *arguments: str) -> int:
        """Run one of the host's programs in the caller's place, with its input and output; returns the exit code."""
        answer = await self._talk(b"x", _fields(f"{HOST_DIRECTORY}/{program}", *arguments))
        return int(answer[0])

    async def capture(self, program: str, *arguments: str) -> tuple[int, str]:
        """Run one of the host's programs in the caller's place; returns the exit code and what it printed."""
        code, output = await self._talk(b"c", _fields(f"{HOST_DIRECTORY}/{program}", *arguments))
        return int(code), output.decode(errors="surrogateescape")

    async def set_owner(
        self, paths: Sequence[str], *, uid: int | None, gid: int | None, recursive: bool = False
    ) -> dict[str, int]:
        """Give files another owner or group; returns what went wrong, as error numbers by path."""
        ids = ["" if one is None else str(one) for one in (uid, gid)]
        numbers = [str(number) for number in _XATTR_CALLS]
        parts = await self._talk(b"k", _fields(*numbers, *ids, "1" if recursive else "", *paths))
        texts = [part.decode(errors="surrogateescape") for part in parts]
        return {path: int(code) for path, code in zip(texts[::2], texts[1::2], strict=True)}

    async def owners(self, paths: Sequence[str], *, entries: str = "") -> list[tuple[str, str, int, int]]:
        """Path, inode, owner and group of the files that have been given an owner.

        `entries` adds what is in directories (`some`), or everything below them (`all`).
        """
        parts = await self._talk(b"g", _fields(str(_XATTR_CALLS[1]), entries, *paths))
        texts = [part.decode(errors="surrogateescape") for part in parts]
        return [
            (path, inode, *parse_owner(owner))
            for path, inode, owner in zip(texts[::3], texts[1::3], texts[2::3], strict=True)
        ]

    async def wait(self, seconds: float) -> None:
        """Let simulated work take its time. Raises CallerGoneError as soon as the caller is interrupted."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                if not await self._reader.read(1):
                    raise CallerGoneError
        except TimeoutError:
            return

    async def attend(self, work: Future[int]) -> int:
        """Wait for the end of something else. Raises CallerGoneError as soon as the caller is interrupted."""
        ended: asyncio.Future[Any] = asyncio.wrap_future(work)
        gone: asyncio.Future[Any] = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({ended, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise CallerGoneError
            return work.result()
        finally:
            gone.cancel()

    def streams(self) -> BorrowedStreams:
        """The caller's own stdin, stdout and stderr, for another program. Raises OSError: one of them is closed."""
        caller = self._writer.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        pid, _, _ = _CREDENTIALS.unpack(caller)
        stdin, stdout, stderr = self.program.borrow(pid, (0, 1, 2))
        return BorrowedStreams((stdin, stdout, stderr))

    async def finish(self, code: int) -> None:
        """End the caller with this exit code."""
        await self._send(b"q", str(code).encode())

    async def _ask(self, verb: bytes, body: bytes) -> list[bytes]:
        code, *rest = await self._talk(verb, body)
        if int(code):
            raise OSError(int(code), os.strerror(int(code)))
        return rest

    async def _talk(self, verb: bytes, body: bytes) -> list[bytes]:
        await self._send(verb, body)
        return await read_message(self._reader, self.program.reading)

    async def _send(self, verb: bytes, body: bytes) -> None:
        try:
            self._writer.write(_HEADER.pack(verb, len(body)) + body)
            await self._writer.drain()
        except ConnectionError as exc:
            raise CallerGoneError from exc


async def read_invocation(reader: asyncio.StreamReader, reading: asyncio.Semaphore) -> Invocation:
    """The message that opens a call. Raises CallerGoneError: it is none, or does not come."""
    try:
        return _parse_invocation(await read_message(reader, reading, largest=_MAX_INVOCATION))
    except (ValueError, IndexError) as exc:
        raise CallerGoneError from exc


async def read_message(
    reader: asyncio.StreamReader, reading: asyncio.Semaphore, *, largest: int = _MAX_MESSAGE
) -> list[bytes]:
    """The next message of a caller, in its parts; a large one is read while `reading` is held.

    Raises:
        CallerGoneError: it does not come, is larger than that, or contradicts itself.
    """
    try:
        _, length = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        if length > largest:
            raise CallerGoneError
        if length <= _SMALL_MESSAGE:
            return _parts(await reader.readexactly(length))
        async with reading:
            return _parts(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, struct.error) as exc:
        raise CallerGoneError from exc


def _parts(body: bytes) -> list[bytes]:
    """Raises struct.error: the last part has not even a length; CallerGoneError: there are too many."""
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        if len(parts) >= _MOST_PARTS:
            raise CallerGoneError
        (size,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        parts.append(body[at : at + size])
        at += size
    return parts


def _parse_invocation(parts: Sequence[bytes]) -> Invocation:
    """Raises ValueError, IndexError: it is not one."""
    texts = [part.decode(errors="surrogateescape") for part in parts]
    name, directory, count = texts[0], texts[1], int(texts[2])
    environment = dict(pair.split("=", 1) for pair in texts[3 + count :] if "=" in pair)
    return Invocation(
        name=posixpath.basename(name),
        arguments=tuple(texts[3 : 3 + count]),
        directory=directory,
        environment=environment,
    )


def _line(text: str) -> bytes:
    return _encode(text if not text or text.endswith("\n") else f"{text}\n")


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _fields(*texts: str) -> bytes:
    encoded = [_encode(text) for text in texts]
    return b"".join(_LENGTH.pack(len(text)) + text for text in encoded)
