"""The thread that looks after tasks of ours in vCD."""

import threading
from datetime import timedelta

import structlog

from cse_clusters.application.task_care import TaskCare
from cse_core.errors import CseError

log = structlog.get_logger()


class TaskRounds:
    """Looks every so often, from `start` to `stop`, whatever comes of it."""

    def __init__(self, care: TaskCare, *, every: timedelta) -> None:
        self._care = care
        self._every_s = every.total_seconds()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="task-care", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a look that is going on."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._care.look()
            except CseError as exc:
                log.info("tasks_not_looked_after", reason=exc.code)
            except Exception:
                log.exception("task_care_crashed")
