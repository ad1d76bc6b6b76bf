"""Starting programs in sandboxes, and watching them to their end."""

import asyncio
import json
import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcd_simulator.guests.containment import Containment
from vcd_simulator.guests.limits import Limits, guard
from vcd_simulator.guests.processes import KILLED, GuestLoop, Program

Streams = tuple[int, int, int]
"""Descriptors of stdin, stdout and stderr."""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
"""Answers one stand-in of a program."""


@dataclass(frozen=True)
class Lines:
    """What a sandbox's command line has to name: the channel for stand-ins, and descriptors."""

    channel: Path
    report: int
    """Takes the exit code, from process 1 inside."""
    info: int
    """Takes the number that process 1 has outside, from bubblewrap."""
    filter: int
    """Gives bubblewrap the filter for system calls."""


def allow_many_files() -> None:
    """Let this process have as many files open as it may: every running program takes three, and 1024 are usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Launcher:
    """Starts programs; each has a socket of its own, on which its stand-ins are served."""

    def __init__(self, loop: GuestLoop, sockets: Path, call_filter: Path, limits: Limits) -> None:
        """`sockets` is a directory to be made, `call_filter` a file with the filter for system calls."""
        self._loop = loop
        self._sockets = sockets
        self._call_filter = call_filter
        self._limits = limits
        self._counter = 0
        self._lock = threading.Lock()
        sockets.mkdir()
        # A socket's address is short, and the path of a temporary directory may not be.
        self._directory = os.open(sockets, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        # A sandbox ends with the thread that started it, so these threads live as long as the launcher.
        self._spawners = ThreadPoolExecutor(max_workers=2, thread_name_prefix="guest-spawner")

    def launch(
        self,
        program: Program,
        command_line: Callable[[Lines], Sequence[str]],
        environment: dict[str, str],
        serve: Serve,
        *,
        disk_used: Callable[[], int],
        streams: Streams | None = None,
    ) -> None:
        """Start a program.

        Args:
            program: what is known of it.
            command_line: its sandbox.
            environment: its variables.
            serve: answers its stand-ins.
            disk_used: tells how many bytes the guest's files take.
            streams: lead nowhere if there are none.

        Raises:
            OSError: the host could not start it.
        """
        with self._lock:
            self._counter += 1
            name = str(self._counter)
        listener = socket.socket(socket.AF_UNIX)
        pipe, report = os.pipe2(os.O_CLOEXEC)
        info = os.dup(report)
        call_filter = os.open(self._call_filter, os.O_RDONLY | os.O_CLOEXEC)
        stdin, stdout, stderr = streams or (subprocess.DEVNULL,) * 3
        try:
            listener.bind(f"/proc/self/fd/{self._directory}/{name}")
            listener.listen(64)
            listener.setblocking(False)
            process = self._spawners.submit(
                subprocess.Popen,
                command_line(Lines(self._sockets / name, report, info, call_filter)),
                env=environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(report, info, call_filter),
                start_new_session=True,
            ).result()
        except BaseException:
            listener.close()
            os.close(pipe)
            self._remove_socket(name)
            raise
        finally:
            for descriptor in (report, info, call_filter):
                os.close(descriptor)
        self._loop.start(self._watch(program, process, serve, listener, name, pipe, disk_used))

    def close(self) -> None:
        """Release the threads; every program that is still running ends."""
        self._spawners.shutdown()
        os.close(self._directory)

    def _remove_socket(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._directory)

    async def _watch(
        self,
        program: Program,
        process: "subprocess.Popen[bytes]",
        serve: Serve,
        listener: socket.socket,
        name: str,
        pipe: int,
        disk_used: Callable[[], int],
    ) -> None:
        """Serve a program's stand-ins until it, and all that it left behind, has ended."""
        calls: set[asyncio.Task[None]] = set()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(calls) >= self._limits.processes:  # more than there can be stand-ins
                writer.close()
                return
            if task := asyncio.current_task():
                calls.add(task)
                task.add_done_callback(calls.discard)
            try:
                await serve(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_unix_server(answer, sock=listener)
        guarded = asyncio.ensure_future(guard(program, self._limits, disk_used))
        try:
            async with asyncio.timeout(self._limits.wall_s):
                await _follow(program, pipe)
                await _reaped(process)
        except TimeoutError:
            program.end(KILLED)
            program.kill()
            process.kill()
        finally:
            guarded.cancel()
            program.kill()
            server.close()
            self._remove_socket(name)
            await _reaped(process)
            program.close()
            for call in calls:
                call.cancel()


async def _follow(program: Program, pipe: int) -> None:
    """Read what a sandbox tells about itself: first its process 1, then the program's exit code."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        info = json.loads(await reader.readuntil(b"}"))
        with suppress(ProcessLookupError):  # it has ended already
            program.contain_in(Containment(os.pidfd_open(info["child-pid"]), info["child-pid"]))
        await reader.readline()
        program.end(int(await reader.readline()))
    except (asyncio.IncompleteReadError, ValueError):
        # The sandbox was killed, or could not be made, before there was anything to tell.
        return
    finally:
        transport.close()


async def _reaped(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a process."""
    if process.poll() is not None:
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    descriptor = os.pidfd_open(process.pid)
    try:
        loop.add_reader(descriptor, _resolve, ended)
        await ended
        process.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
