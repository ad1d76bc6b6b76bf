"""Whether the service takes requests, and how it ends.

The state is one of all replicas, kept in the store of operations. Each looks at it every so often (`refresh`), so that
all obey soon after one was asked, and a restart keeps a service that was disabled as it is. A stop is for those that
live when it is asked for: what starts when they are gone begins as a running service, as CSE 1.2.x does after a stop.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final

import structlog

from cse_clusters.domain.access import Caller
from cse_core.errors import ConflictError, FailedPreconditionError, PermissionDeniedError
from cse_core.operations import JsonObject, Replicas

log = structlog.get_logger()

DISABLED_MESSAGE = "CSE service is disabled. Contact the System Administrator."

_SUBJECT: Final = "service"
_ATTEMPTS: Final = 10
"""How often a change is tried that another one comes in the way of; they are seldom."""
_LOOK_AGAIN_S: Final = 0.5


class State(Enum):
    """Whether requests are taken."""

    RUNNING = "running"
    DISABLED = "disabled"
    SHUTTING_DOWN = "shutting down"


class SystemState:
    """The switch. Thread-safe.

    `stopping` is set once a stop was asked for, through whichever replica; who runs the service ends it when the
    operations in progress have. There is no way back from there for this process.

    Args:
        replicas: what keeps the state for all of them.
        sleep: waits for so many seconds.
    """

    def __init__(self, replicas: Replicas, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._replicas = replicas
        self._sleep = sleep
        self._lock = threading.Lock()
        self._state = State.RUNNING
        self.stopping = threading.Event()

    @property
    def state(self) -> State:
        """As it was at the last look, or as this replica was asked to change it since."""
        return self._state

    def require_running(self) -> None:
        """Raises FailedPreconditionError (SERVICE_DISABLED) unless requests are taken."""
        if self._state is not State.RUNNING:
            raise FailedPreconditionError(DISABLED_MESSAGE, reason="SERVICE_DISABLED")

    def begin(self) -> None:
        """Takes up the state at the start of the process; ends a stop that nobody is left to whom it was said.

        A replica that was killed during a stop counts as living for some seconds. Until it does not, or another shows
        that it does live, it is open whether this process is to join a stop; it then begins later.

        Raises:
            UnavailableError: the store does not answer.
        """
        for _ in range(_ATTEMPTS):
            known = self._replicas.agreed(_SUBJECT)
            if _state_of(known) is State.SHUTTING_DOWN and not self._is_at_work(known):
                if not self._replicas.agree(_SUBJECT, _record(State.RUNNING), instead_of=known):
                    continue
                known = _record(State.RUNNING)
            self._learn(_state_of(known))
            break
        if self._state is not State.RUNNING:
            log.warning("service_starts_closed", state=self._state.value)

    def refresh(self) -> None:
        """Looks what the replicas have agreed on. Raises UnavailableError; the state stays as it was then."""
        with self._lock:
            self._learn(_state_of(self._replicas.agreed(_SUBJECT)))

    def enable(self, caller: Caller) -> None:
        self._switch(caller, State.RUNNING)

    def disable(self, caller: Caller) -> None:
        self._switch(caller, State.DISABLED)

    def stop(self, caller: Caller) -> None:
        """Asks for the end of all replicas; repeating it is harmless.

        Raises:
            PermissionDeniedError: the caller is no system administrator.
            FailedPreconditionError: reason SERVICE_ENABLED; it has to be disabled first.
            UnavailableError: the store does not answer; nothing is changed.
        """
        self._switch(caller, State.SHUTTING_DOWN)

    def _switch(self, caller: Caller, wanted: State) -> None:
        require_administrator(caller)
        with self._lock:
            for _ in range(_ATTEMPTS):
                known = self._replicas.agreed(_SUBJECT)
                present = State.SHUTTING_DOWN if self.stopping.is_set() else _state_of(known)
                _require_allowed(present, wanted)
                if present is wanted:
                    break
                record = _record(wanted, [each.id for each in self._replicas.replicas()])
                if self._replicas.agree(_SUBJECT, record, instead_of=known):
                    break
            else:
                raise ConflictError("the state of the service is being changed by others; try again")
            self._learn(wanted, by=caller.user)

    def _learn(self, state: State, **details: str) -> None:
        if self.stopping.is_set() or state is self._state:
            return
        self._state = state
        log.info("service_state_changed", state=state.value, **details)
        if state is State.SHUTTING_DOWN:
            self.stopping.set()

    def _is_at_work(self, record: JsonObject | None) -> bool:
        """Whether any of those whom a stop was said to lives: it says so once more, before all are declared dead."""
        before = self._beats_of(record)
        while before:
            self._sleep(_LOOK_AGAIN_S)
            now = self._beats_of(record)
            if any(beats != before.get(each) for each, beats in now.items()):
                return True
            before = now
        return False

    def _beats_of(self, record: JsonObject | None) -> dict[str, int]:
        """By id, of those whom a stop was said to and who count as living."""
        told = (record or {}).get("replicas")
        return {each.id: each.beats for each in self._replicas.replicas() if isinstance(told, list) and each.id in told}


def require_administrator(caller: Caller) -> None:
    """Raises PermissionDeniedError unless the caller is a system administrator."""
    if not caller.is_system_administrator:
        raise PermissionDeniedError(
            "only system administrators may do this; log in to the org System as one",
            reason="SYSTEM_ADMINISTRATOR_REQUIRED",
        )


def _require_allowed(present: State, wanted: State) -> None:
    if wanted is State.SHUTTING_DOWN and present is State.RUNNING:
        raise FailedPreconditionError(
            "Cannot stop CSE while is enabled. Disable the service first.", reason="SERVICE_ENABLED"
        )
    if present is State.SHUTTING_DOWN and wanted is not present:
        verb = "enable" if wanted is State.RUNNING else "disable"
        raise FailedPreconditionError(f"Cannot {verb} while being stopped.", reason="SERVICE_STOPPING")


def _state_of(record: JsonObject | None) -> State:
    """A service that nobody ever switched runs."""
    return State((record or {}).get("state", State.RUNNING.value))


def _record(state: State, told: list[str] | None = None) -> JsonObject:
    """`told` are the replicas that live as the state is changed."""
    return {"state": state.value, "replicas": [*(told or [])]}
