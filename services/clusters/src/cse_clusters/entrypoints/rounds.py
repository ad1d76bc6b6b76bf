"""Threads that look after something every so often."""

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from cse_core.errors import CseError

log = structlog.get_logger()


class Rounds:
    """Looks every so often, from `start` to `stop`, whatever comes of it.

    Args:
        name: of the thread, and in the log.
        look: one round.
        every: the pause before each.
    """

    def __init__(self, name: str, look: Callable[[], None], *, every: timedelta) -> None:
        self._look = look
        self._every_s = every.total_seconds()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a look that is going on."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._look()
            except CseError as exc:
                log.info("round_failed", round=self._thread.name, reason=exc.code)
            except Exception:
                log.exception("round_crashed", round=self._thread.name)
