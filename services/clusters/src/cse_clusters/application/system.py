"""Whether the service takes requests, and how it ends. In memory: one replica for now."""

import threading
from enum import Enum

import structlog

from cse_clusters.domain.access import Caller
from cse_core.errors import FailedPreconditionError, PermissionDeniedError

log = structlog.get_logger()

DISABLED_MESSAGE = "CSE service is disabled. Contact the System Administrator."


class State(Enum):
    """Whether requests are taken."""

    RUNNING = "running"
    DISABLED = "disabled"
    SHUTTING_DOWN = "shutting down"


class SystemState:
    """The switch. Thread-safe.

    `stopping` is set once a stop was asked for; who runs the service ends it when the operations in progress have.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = State.RUNNING
        self.stopping = threading.Event()

    @property
    def state(self) -> State:
        return self._state

    def require_running(self) -> None:
        """Raises FailedPreconditionError (SERVICE_DISABLED) unless requests are taken."""
        if self._state is not State.RUNNING:
            raise FailedPreconditionError(DISABLED_MESSAGE, reason="SERVICE_DISABLED")

    def enable(self, caller: Caller) -> None:
        self._switch(caller, State.RUNNING)

    def disable(self, caller: Caller) -> None:
        self._switch(caller, State.DISABLED)

    def stop(self, caller: Caller) -> None:
        """Asks for the end; repeating it is harmless.

        Raises:
            FailedPreconditionError: reason SERVICE_ENABLED; it has to be disabled first.
        """
        require_administrator(caller)
        with self._lock:
            if self._state is State.RUNNING:
                raise FailedPreconditionError(
                    "Cannot stop CSE while is enabled. Disable the service first.", reason="SERVICE_ENABLED"
                )
            self._state = State.SHUTTING_DOWN
        log.info("service_state_changed", state=State.SHUTTING_DOWN.value, user=caller.user)
        self.stopping.set()

    def _switch(self, caller: Caller, state: State) -> None:
        require_administrator(caller)
        with self._lock:
            if self._state is State.SHUTTING_DOWN:
                verb = "enable" if state is State.RUNNING else "disable"
                raise FailedPreconditionError(f"Cannot {verb} while being stopped.", reason="SERVICE_STOPPING")
            self._state = state
        log.info("service_state_changed", state=state.value, user=caller.user)


def require_administrator(caller: Caller) -> None:
    """Raises PermissionDeniedError unless the caller is a system administrator."""
    if not caller.is_system_administrator:
        raise PermissionDeniedError("Unauthorized", reason="SYSTEM_ADMINISTRATOR_REQUIRED")
