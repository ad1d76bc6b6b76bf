"""The programs that run in a guest, and those that ended a while ago."""

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDED_PROGRAMS_STAY_S = 300.0
"""How long vSphere lists a program after its end."""

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
"""Answers one stand-in of a program."""


@dataclass(eq=False, kw_only=True)
class Program:
    """One program that was started in a guest."""

    pid: int
    owner: str
    name: str
    command_line: str
    started: float = field(default_factory=time.time)
    ended: float | None = None
    exit_code: int | None = None
    finished: "Future[int]" = field(default_factory=Future)
    """Resolves to the exit code."""
    process: "subprocess.Popen[bytes] | None" = None

    def end(self, exit_code: int) -> None:
        """Note the program's end; only the first call counts."""
        if self.exit_code is None:
            self.ended = time.time()
            self.exit_code = exit_code
            self.finished.set_result(exit_code)

    def kill(self) -> None:
        """End the sandbox and everything in it."""
        if self.process is not None:
            self.process.kill()


class GuestLoop:
    """The thread that serves stand-ins, notices the end of programs and lets simulated time pass."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="guests", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        """Run a coroutine on the loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """Cancel what is still running and end the thread."""
        self.start(self._cancel_all()).result(timeout=10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_default_executor()


class Launcher:
    """Starts programs in sandboxes and watches them."""

    def __init__(self, loop: GuestLoop, sockets: Path, wall_s: float) -> None:
        self._loop = loop
        self._sockets = sockets
        self._wall_s = wall_s
        self._counter = 0
        self._lock = threading.Lock()
        # A sandbox ends with the thread that started it, so these threads live as long as the launcher.
        self._spawners = ThreadPoolExecutor(max_workers=2, thread_name_prefix="guest-spawner")
        sockets.mkdir()

    def launch(
        self,
        program: Program,
        command_line: Callable[[Path, int], Sequence[str]],
        environment: dict[str, str],
        serve: Serve,
        *,
        capture: tuple[int, int] | None = None,
    ) -> None:
        """Start a program; `command_line` gets the path of its channel and the descriptor for its exit code.

        `capture` names descriptors for stdout and stderr; without it they lead nowhere.
        """
        with self._lock:
            self._counter += 1
            channel = self._sockets / str(self._counter)
        listener = socket.socket(socket.AF_UNIX)
        report, reporter = os.pipe2(os.O_CLOEXEC)
        try:
            listener.bind(str(channel))
            listener.listen(64)
            listener.setblocking(False)
            out, err = capture or (subprocess.DEVNULL, subprocess.DEVNULL)
            program.process = self._spawners.submit(
                subprocess.Popen,
                command_line(channel, reporter),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(reporter,),
                start_new_session=True,
            ).result()
        except BaseException:
            listener.close()
            channel.unlink(missing_ok=True)
            os.close(report)
            raise
        finally:
            os.close(reporter)
        self._loop.start(self._watch(program, serve, listener, channel, report))

    def close(self) -> None:
        """Release the threads; every program that is still running ends."""
        self._spawners.shutdown()

    async def _watch(self, program: Program, serve: Serve, listener: socket.socket, channel: Path, report: int) -> None:
        """Serve a program's stand-ins until it and all that it left behind have ended."""
        process = program.process
        assert process is not None  # noqa: S101  # launch has set it
        calls: set[asyncio.Task[None]] = set()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101  # asyncio runs this in a task
            calls.add(task)
            try:
                await serve(reader, writer)
            finally:
                calls.discard(task)
                writer.close()

        server = await asyncio.start_unix_server(answer, sock=listener)
        try:
            async with asyncio.timeout(self._wall_s):
                code = await _read_code(report)
                program.end(code if code is not None else 128 + 9)
                await _ended(process)
        except TimeoutError:
            pass
        finally:
            program.kill()
            server.close()
            channel.unlink(missing_ok=True)
            await _ended(process)
            program.end(128 + 9)
            for task in calls:
                task.cancel()


async def _read_code(descriptor: int) -> int | None:
    """The exit code that process 1 of a sandbox reports; None when it was killed before it could."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        line = await reader.readline()
    finally:
        transport.close()
    with contextlib.suppress(ValueError):
        return int(line)
    return None


async def _ended(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a process and reap it."""
    if process.poll() is not None:
        return
    loop = asyncio.get_running_loop()
    gone = loop.create_future()
    descriptor = os.pidfd_open(process.pid)
    try:
        loop.add_reader(descriptor, lambda: gone.done() or gone.set_result(None))
        await gone
        process.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
