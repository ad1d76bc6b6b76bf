"""Processes that may outlive the program that started them, and are never confused with a later one of the same pid."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.02
_TAIL_BYTES = 8192
_GROUP_GRACE_S = 5.0
_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""What this program started and has to reap, by pid: several objects may stand for one process."""


class LabError(Exception):
    """Something in the lab did not work; the message says what, and what to do next."""


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """A pid together with the moment its process started, so that a recycled pid is recognised."""

    pid: int
    started: int
    """Clock ticks since boot, as the kernel counts them."""


@dataclass(frozen=True, kw_only=True)
class ServerProcess:
    """A process in a session of its own, which signals sent to its starter do not reach."""

    id: ProcessId

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
    ) -> "ServerProcess":
        """Start `command` in `directory` with exactly this environment; both of its outputs are appended to `log`.

        Raises:
            LabError: the program could not be started at all.
        """
        with log.open("ab") as output:
            try:
                child = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                    cwd=directory,
                    start_new_session=True,
                )
            except OSError as exc:
                raise LabError(f"cannot start {command[0]}: {exc.strerror}") from exc
        _children[child.pid] = child
        return cls(id=ProcessId(pid=child.pid, started=_started(child.pid) or 0))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        started = _started(self.pid)
        if started is None and (child := _children.pop(self.pid, None)) is not None:
            child.wait()  # no longer than a moment: only its exit status is left
        return started == self.id.started

    @property
    def pid(self) -> int:
        """The process id, which is also that of its process group."""
        return self.id.pid

    def terminate(self, grace_s: float = 15.0) -> None:
        """Ask the process to end and wait for it and its group; what is left after `grace_s` seconds is killed."""
        if not self.alive:
            return
        _signal(self.pid, signal.SIGTERM)
        if not wait_until(lambda: not self.alive, timeout_s=grace_s):
            self.kill()
        elif not wait_until(lambda: not _signal_group(self.pid, 0), timeout_s=_GROUP_GRACE_S):
            _signal_group(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and everything in its group at once (SIGKILL), and wait until it is gone."""
        if self.alive and _signal_group(self.pid, signal.SIGKILL):
            wait_until(lambda: not self.alive and not _signal_group(self.pid, 0), timeout_s=10.0)


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Poll `condition` until it holds; False when it does not within `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, indented for a message; empty when there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(group: int, number: int) -> bool:
    """Whether there was still somebody to receive it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _started(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is none or only its exit status is left."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name in parentheses may itself hold blanks and parentheses
    # While the first thread of a process has ended and others have not, it looks like a zombie but is none.
    return None if state in ("Z", "X") and threads <= 1 else int(fields[18])
