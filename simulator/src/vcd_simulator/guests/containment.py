"""The processes of one sandbox, as the host sees them.

They come and go while we look, and the host gives the number of one that has ended to another process, which may be
anybody's. So a process is known by a descriptor, and counts only if it is in the sandbox's own namespace of processes.
"""

import ctypes
import os
import platform
import select
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_STOP_LOOK_S = 0.005
_STOP_LIMIT_S = 2.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_THREADS, _RESIDENT_PAGES = 17, 21
"""Places in /proc/PID/stat, counted behind the name of the program."""
_PIDFD_GETFD = {"x86_64": 438, "aarch64": 438}.get(platform.machine())
_libc = ctypes.CDLL(None, use_errno=True)


class Containment:
    """A sandbox by its process 1, whose end is the end of all others in it. Not thread-safe."""

    def __init__(self, init: int, pid: int) -> None:
        """`init` is a descriptor of process 1, which is closed with this; `pid` is its number outside."""
        self._init = init
        self._pid = pid
        self._namespace = None if _has_ended(init) else _namespace(pid)

    def kill(self) -> None:
        """End everything; harmless when nothing is left."""
        _send(self._init, signal.SIGKILL)

    def close(self) -> None:
        os.close(self._init)

    def usage(self) -> tuple[int, int]:
        """How many processes there are, every thread counted, and the memory that they hold together, in bytes."""
        found = [_threads_and_bytes(pid) for pid in self._pids()]
        return sum(threads for threads, _ in found), sum(held for _, held in found)

    def states(self) -> list[tuple[int, str]]:
        """The host's number and the state (`R`, `S`, `T`, …) of every process."""
        return [(pid, state) for pid in self._pids() if (state := _state(pid))]

    def stop(self) -> None:
        """Stop all processes, also those that they start meanwhile; returns when none goes on.

        One that waits for the host's disk stops as soon as that has answered, and is not waited for for long.
        """
        pause = threading.Event()
        end = time.monotonic() + _STOP_LIMIT_S
        while running := [pid for pid, state in self.states() if state not in "TtZX"]:
            self._signal(running, signal.SIGSTOP)
            if time.monotonic() > end:
                return
            pause.wait(_STOP_LOOK_S)

    def resume(self) -> None:
        """Let all processes go on; they were stopped, so that there are no new ones."""
        self._signal(self._pids()[::-1], signal.SIGCONT)

    def borrow(self, pid: int, numbers: Sequence[int]) -> list[int]:
        """Duplicates of descriptors that one of the processes has open; they are the caller's to close.

        Raises:
            OSError: there is no such process in here, or it has no such descriptor.
        """
        if _PIDFD_GETFD is None:
            raise OSError("descriptors cannot be borrowed on this machine")
        borrowed: list[int] = []
        with self._member(pid) as process:
            try:
                for number in numbers:
                    copy = _libc.syscall(_PIDFD_GETFD, process, number, 0)
                    if copy < 0:
                        code = ctypes.get_errno()
                        raise OSError(code, os.strerror(code))
                    borrowed.append(copy)
            except OSError:
                for copy in borrowed:
                    os.close(copy)
                raise
        return borrowed

    def _pids(self) -> list[int]:
        """Numbers of the processes, parents first; none once process 1 has ended."""
        if _has_ended(self._init):
            return []
        return [self._pid, *_descendants(self._pid)]

    def _signal(self, pids: Sequence[int], number: signal.Signals) -> None:
        for pid in pids:
            try:
                with self._member(pid) as process:
                    _send(process, number)
            except OSError:
                continue

    @contextmanager
    def _member(self, pid: int) -> Iterator[int]:
        """A descriptor of a process in the sandbox. Raises OSError: it is none, or is gone."""
        process = os.pidfd_open(pid)
        try:
            # Of whoever has the number now: if that is another one than we opened, ours has ended.
            if self._namespace is None or _namespace(pid) != self._namespace or _has_ended(process):
                raise ProcessLookupError(f"process {pid} is not in this sandbox")
            yield process
        finally:
            os.close(process)


def _send(process: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return


def _has_ended(process: int) -> bool:
    """Whether the process of a descriptor has ended."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(0))


def _namespace(pid: int) -> int | None:
    """Which namespace of processes a process is in; None when it is gone."""
    try:
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:
        return None


def _state(pid: int) -> str:
    """The letter of a process's state; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _threads_and_bytes(pid: int) -> tuple[int, int]:
    """The number of a process's threads, and the memory that it holds; nothing when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[_THREADS]), int(fields[_RESIDENT_PAGES]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0, 0


def _descendants(pid: int) -> Iterator[int]:
    """What a process has started, and what that has started; it may be a longer chain than Python's stack."""
    pending = [pid]
    while pending:
        children = _children(pending.pop())
        yield from children
        pending += children


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    except OSError:  # it has ended meanwhile
        return found
    return found
