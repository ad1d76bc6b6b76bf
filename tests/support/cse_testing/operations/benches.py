"""An engine whose kinds are functions of the test, and makers of such engines."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from cse_core.operations import (
    Json,
    LedgerEntry,
    Operation,
    OperationContext,
    OperationEngine,
    OperationEvent,
    OperationKind,
    OperationRequest,
)
from cse_core.operations.in_memory import InMemoryOperations
from cse_core.secret import Secret
from cse_operations import DurableOperations, OperationsSettings, Timing
from cse_testing.waiting import LIMIT_S

KIND = "TEST"
KEY = Fernet.generate_key().decode()
Run = Callable[[OperationContext], Json]
Make = Callable[[list[OperationKind], Callable[[], datetime]], OperationEngine]

QUICK = Timing(
    queue_poll_s=0.02,
    signal_poll_s=0.05,
    beat_s=0.2,
    doubt_s=1.0,
    dead_after_s=2.0,
    reconcile_s=0.5,
    retention_s=3600.0,
)
"""For tests: the engine in a hurry."""


class EngineBench:
    """An engine, what its operations do, and what `finish` was told. Time passes only when `now` is changed.

    Args:
        make: makes the engine, which begins to work at once.
        runs: what operations do that are in its store already.
    """

    def __init__(self, make: Make, *, runs: Mapping[str, Run] | None = None) -> None:
        self.finished: list[Operation] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.runs: dict[str, Run] = dict(runs or {})
        self._make = make
        self.operations = self._start()

    def _start(self) -> OperationEngine:
        kind = OperationKind(
            name=KIND, run=lambda ctx: self.runs[str(ctx.input["run"])](ctx), finish=self.finished.append
        )
        engine = self._make([kind], lambda: self.now)
        engine.start()
        return engine

    def restart(self) -> None:
        """Another engine on the same store, as after a restart of the process."""
        self.operations.close(LIMIT_S)
        self.operations = self._start()

    def submit(
        self,
        run: Run,
        *,
        partition: str | None = None,
        request_id: str | None = None,
        owner: str = "acme",
        target: str = "t",
        claim: str = "",
        settles: LedgerEntry | None = None,
        secrets: dict[str, Secret] | None = None,
    ) -> Operation:
        """Submits an operation that does `run`; each has a partition of its own unless it is given one."""
        key = f"{len(self.runs)}"
        self.runs[key] = run
        return self.operations.submit(
            OperationRequest(
                kind=KIND,
                target=target,
                partition=partition or f"partition {key}",
                request_id=request_id or f"request {key}",
                owner=owner,
                claim=claim,
                settles=settles,
                input={"run": key},
                secrets={"token": Secret("s3cret")} if secrets is None else secrets,
                deadline=timedelta(minutes=1),
            )
        )

    def end_of(self, operation: Operation) -> Operation:
        """The operation when it has ended, which must be soon."""
        ended = self.operations.wait(operation.id, LIMIT_S)
        assert ended.state.is_final, f"still {ended.state} after {LIMIT_S} s: {ended.message}"
        return ended

    def events_of(self, operation: Operation) -> list[OperationEvent]:
        """All events of one that has ended."""
        return list(self.operations.watch(operation.id, 0, is_wanted=lambda: True))


def in_memory(kinds: list[OperationKind], clock: Callable[[], datetime]) -> OperationEngine:
    return InMemoryOperations(kinds, clock=clock)


def durable(url: str, *, key: str | None = None, elapsed: Callable[[], float] | None = None, **changes: object) -> Make:
    """Makes durable engines on one store.

    Args:
        url: of the store.
        key: Fernet keys; one that all tests share otherwise.
        elapsed: tells seconds that only go forward; they go with the clock otherwise.
        changes: to the settings.
    """
    chosen = Secret(key or KEY)

    def make(kinds: list[OperationKind], clock: Callable[[], datetime]) -> OperationEngine:
        options: dict[str, object] = {"timing": QUICK, "running": 16, "branches": 32, **changes}
        settings = OperationsSettings(database=Secret(url), key=chosen, **options)  # type: ignore[arg-type]
        return DurableOperations(kinds, settings, clock=clock, elapsed=elapsed or (lambda: clock().timestamp()))

    return make


def settings_in(directory: Path) -> OperationsSettings:
    """For a service of a test: SQLite in a directory, with a key beside it, in a hurry."""
    return OperationsSettings(database=Secret(sqlite_url(directory)), timing=QUICK)


def sqlite_url(directory: Path) -> str:
    return f"sqlite:///{directory / 'operations.db'}"
