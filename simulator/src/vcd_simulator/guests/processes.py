"""The programs that run in a guest, and those that ended a while ago."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDED_PROGRAMS_STAY_S = 300.0
"""How long vSphere lists a program after its end."""
KILLED = 128 + signal.SIGKILL
_STOP_LOOK_S = 0.005
_STOP_LIMIT_S = 2.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(eq=False, kw_only=True)
class Program:
    """One program that was started in a guest, with everything that it started in turn. Thread-safe."""

    pid: int
    owner: str
    name: str
    command_line: str
    started: float = field(default_factory=time.time)
    ended: float | None = None
    exit_code: int | None = None
    finished: "Future[int]" = field(default_factory=Future)
    """Resolves to the exit code; what the program left behind may still run."""
    gone: "Future[None]" = field(default_factory=Future)
    """Resolves when nothing of it runs any more."""
    _init: int | None = None
    _init_pid: int = 0
    _killed: bool = False
    _frozen: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def contain_in(self, init: int, pid: int) -> None:
        """Say by which pidfd and number the sandbox's process 1 is known; its end is the end of all others in there."""
        with self._lock:
            self._init, self._init_pid = init, pid
            if self._killed:
                self._kill_init(init)
            elif self._frozen:
                _stop_all(pid)

    def end(self, exit_code: int) -> None:
        """Note the program's end; only the first call counts."""
        if self.exit_code is None:
            self.ended = time.time()
            self.exit_code = exit_code
            self.finished.set_result(exit_code)

    def kill(self) -> None:
        """End the program and everything in its sandbox, now or as soon as there is one; returns at once."""
        with self._lock:
            self._killed = True
            # Killing the process outside instead would leave those inside to themselves if they are just being made.
            if self._init is not None:
                self._kill_init(self._init)

    def usage(self) -> tuple[int, int]:
        """How many processes there are in the program's sandbox, and the memory that they hold together, in bytes."""
        with self._lock:
            if self._init is None:
                return 0, 0
            pids = {self._init_pid, *_descendants(self._init_pid)}
        return len(pids), sum(map(_resident_bytes, pids))

    def states(self) -> list[tuple[int, str]]:
        """The host's number and the state (`R`, `S`, `T`, …) of every process in the program's sandbox."""
        with self._lock:
            pids = [] if self._init is None else [self._init_pid, *_descendants(self._init_pid)]
        return [(pid, state) for pid in pids if (state := _state(pid))]

    def freeze(self) -> None:
        """Stop the program and all that it started, until `thaw`."""
        with self._lock:
            self._frozen = True
            if self._init is not None:
                _stop_all(self._init_pid)

    def thaw(self) -> None:
        """Let a frozen program go on; harmless with one that is not."""
        with self._lock:
            if self._frozen and self._init is not None:
                _continue_all(self._init_pid)
            self._frozen = False

    def close(self) -> None:
        """Note that nothing of the program runs any more."""
        with self._lock:
            if self._init is not None:
                os.close(self._init)
            self._init = None
        self.end(KILLED)
        self.gone.set_result(None)

    @staticmethod
    def _kill_init(init: int) -> None:
        try:
            signal.pidfd_send_signal(init, signal.SIGKILL)
        except ProcessLookupError:
            return


def _stop_all(init: int) -> None:
    """Stop all processes of a sandbox, also those that they start meanwhile; returns when none goes on.

    One that waits for the host's disk stops as soon as that has answered, and is not waited for for long.
    """
    pause = threading.Event()
    end = time.monotonic() + _STOP_LIMIT_S
    while running := [pid for pid in (init, *_descendants(init)) if not _is_stopped(pid)]:
        _signal(running, signal.SIGSTOP)
        if time.monotonic() > end:
            return
        pause.wait(_STOP_LOOK_S)


def _continue_all(init: int) -> None:
    """Let the processes of a sandbox go on; they were stopped, so that there are no new ones."""
    _signal([*_descendants(init), init], signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _is_stopped(pid: int) -> bool:
    """Whether a process is stopped, or has ended."""
    return _state(pid) in ("", "T", "t", "Z", "X")


def _state(pid: int) -> str:
    """The letter of a process's state; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _descendants(pid: int) -> Iterator[int]:
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listing.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in map(int, children):
            yield child
            yield from _descendants(child)


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
