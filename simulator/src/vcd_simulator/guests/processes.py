"""The programs that run in a guest, and those that ended a while ago."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from vcd_simulator.guests.containment import Containment

ENDED_PROGRAMS_STAY_S = 300.0
"""How long vSphere lists a program after its end."""
KILLED = 128 + signal.SIGKILL
_LARGE_MESSAGES = 4


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
    at_end: Callable[[int], None] = lambda _code: None
    """Called with the exit code before anybody learns of it."""
    finished: "Future[int]" = field(default_factory=Future)
    """Resolves to the exit code; what the program left behind may still run."""
    gone: "Future[None]" = field(default_factory=Future)
    """Resolves when nothing of it runs any more."""
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE_MESSAGES), repr=False)
    """Held while a large message of one of its stand-ins is read, so that few of them are in memory."""
    _sandbox: Containment | None = None
    _killed: bool = False
    _frozen: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def contain_in(self, sandbox: Containment) -> None:
        """Say which processes on the host are the program's; closes `sandbox` in the end."""
        with self._lock:
            self._sandbox = sandbox
            if self._killed:
                sandbox.kill()
            elif self._frozen:
                sandbox.stop()

    def end(self, exit_code: int) -> None:
        """Note the program's end; only the first call counts."""
        if self.exit_code is None:
            self.at_end(exit_code)
            self.exit_code = exit_code
            self.ended = time.time()  # after the exit code: clients that see an end look for that
            self.finished.set_result(exit_code)

    def kill(self) -> None:
        """End the program and everything in its sandbox, now or as soon as there is one; returns at once."""
        with self._lock:
            self._killed = True
            # Killing the process outside instead would leave those inside to themselves if they are just being made.
            if self._sandbox is not None:
                self._sandbox.kill()

    def usage(self) -> tuple[int, int]:
        """How many processes there are in the program's sandbox, and the memory that they hold together, in bytes."""
        with self._lock:
            return (0, 0) if self._sandbox is None else self._sandbox.usage()

    def states(self) -> list[tuple[int, str]]:
        """The host's number and the state (`R`, `S`, `T`, …) of every process in the program's sandbox."""
        with self._lock:
            return [] if self._sandbox is None else self._sandbox.states()

    def borrow(self, pid: int, numbers: Sequence[int]) -> list[int]:
        """Duplicates of descriptors that one of the sandbox's processes has open. Raises OSError."""
        with self._lock:
            if self._sandbox is None:
                raise ProcessLookupError(f"process {pid} is not in this sandbox")
            return self._sandbox.borrow(pid, numbers)

    def freeze(self) -> None:
        """Stop the program and all that it started, until `thaw`."""
        with self._lock:
            self._frozen = True
            if self._sandbox is not None:
                self._sandbox.stop()

    def thaw(self) -> None:
        """Let a frozen program go on; harmless with one that is not."""
        with self._lock:
            if self._frozen and self._sandbox is not None:
                self._sandbox.resume()
            self._frozen = False

    def close(self) -> None:
        """Note that nothing of the program runs any more."""
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.close()
            self._sandbox = None
        self.end(KILLED)
        self.gone.set_result(None)


class GuestLoop:
    """The thread that serves stand-ins, notices the end of programs and lets simulated time pass."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="guests", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        """Run a coroutine on the loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after so much time, in a thread of the loop; at once and here, if it is no time at all."""
        if seconds <= 0:
            action()
        else:
            self.start(self._do_later(seconds, action))

    def elsewhere(self, action: Callable[[], None]) -> None:
        """Do something soon, in a thread of the loop."""
        self.loop.call_soon_threadsafe(self.loop.run_in_executor, None, action)

    async def _do_later(self, seconds: float, action: Callable[[], None]) -> None:
        await asyncio.sleep(seconds)
        await self.loop.run_in_executor(None, action)

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
