"""Kills the process when all that is at work in it has come to where it is to die."""

import threading
import time
from collections.abc import Callable
from typing import Final, Self

from cse_testing.chaos.field import Field
from cse_testing.chaos.plan import read_history
from cse_testing.chaos.processes import Replica

_POLL_S: Final = 0.05
_QUIET_S: Final = 1.5
"""After which those that wait die, although others have not come to their points, if none of those has begun: they may
be queued behind these. What is at work is not cut off again and again because the machine is slow."""
_PATIENCE_S: Final = 60.0
"""After which they die at any rate."""
_RUN: Final = ("claim:after", "end:after")
"""Where a process begins and ends to run an operation."""


class Reaper:
    """One process dies at many points at once: of every operation in it, that which it has come to.

    Args:
        field: where the processes are; one at a time.
        at_work: how many operations are to be waited for.
    """

    def __init__(self, field: Field, at_work: Callable[[], int]) -> None:
        self._field = field
        self._at_work = at_work
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)
        self._killed: Replica | None = None
        self._last_size = 0
        self._last_change = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_POLL_S):
            replica = self._field.replicas[-1] if self._field.replicas else None
            if replica is None or replica is self._killed:
                continue
            quiet_s = self._quiet_s()
            waiting = self._fallen(replica.pid)
            if waiting and (len(waiting) >= self._at_work() or self._is_stuck(replica.pid, waiting, quiet_s)):
                self._killed = replica
                replica.kill()

    def _is_stuck(self, process: int, waiting: set[str], quiet_s: float) -> bool:
        if quiet_s < _QUIET_S:
            return False
        return quiet_s > _PATIENCE_S or self._running(process) <= waiting

    def _running(self, process: int) -> set[str]:
        """The requests whose operations this process runs."""
        mine = [each for each in read_history(self._field.plan) if each.process == process]
        begun, ended = ({each.request_id for each in mine if each.point == point} for point in _RUN)
        return begun - ended

    def _fallen(self, process: int) -> set[str]:
        """The requests that wait in this process."""
        file = self._field.plan.fallen_file
        rows = (line.split("\t") for line in file.read_text().splitlines()) if file.exists() else ()
        return {row[1] for row in rows if row[0] == str(process)}

    def _quiet_s(self) -> float:
        """For how long no process has come to any point."""
        file = self._field.plan.history_file
        size, now = file.stat().st_size if file.exists() else 0, time.monotonic()
        if size != self._last_size:
            self._last_size, self._last_change = size, now
        return now - self._last_change
