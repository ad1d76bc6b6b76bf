"""What the services ask of an operation engine."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from cse_core.operations.model import (
    Json,
    JsonObject,
    LedgerEntry,
    Operation,
    OperationEvent,
    OperationQuery,
    OperationRequest,
)
from cse_core.operations.replicas import Replicas
from cse_core.secret import Secret


class StartError(Exception):
    """An engine cannot begin; the message says why and what to do."""


class OperationContext(Protocol):
    """What an operation's code, or one of its parallel branches, has to work with.

    Every method may end the run with an exception that is no Exception: the process ends, or another has taken over.
    The code lets it pass, and does nothing in a `finally` clause that could not be left undone.
    """

    @property
    def operation_id(self) -> str: ...

    @property
    def input(self) -> JsonObject: ...

    def secret(self, name: str) -> Secret | None:
        """One of the request's secrets; None if there was none, or it is gone."""

    def step(self, name: str, action: Callable[[], Json], *, message: str = "") -> Json:
        """Runs `action` and returns its result.

        A durable engine journals how it ended, with a result or with a CseError, and after a crash gives that back
        instead of running it again; an error comes back as the class in `cse_core.errors` that it was derived from.
        Any other exception is a mistake of ours: it is logged, and an InternalError raised in its place.
        A step that was cut off is run again, even when the operation is to end: `action` looks before it acts.
        Begins with `check()`, and reports `message` (if given) as progress. Names are unique within their branch,
        once for going forward and once for rolling back.
        """

    def parallel(self, branches: Mapping[str, "Branch"]) -> dict[str, Json]:
        """Runs one branch per node side by side and returns their results by node.

        They start in the order given; where fewer threads than branches are free, later ones wait. A branch may
        therefore wait for what an earlier one publishes, never the other way round. When one fails the others are told
        through their `check()`; the first failure is raised once all have ended. Each runs in a copy of the caller's
        context (`contextvars`).
        """

    def publish(self, key: str, value: Json) -> None:
        """Lets the operation's other branches know `value`."""

    def wait_for(self, key: str) -> Json:
        """Waits until a branch has published `key`; raises as `check` does."""

    def progress(self, message: str, *, percent: int | None = None) -> None:
        """Reports one sentence for people; `percent` never falls."""

    def pause(self, seconds: float) -> None:
        """Waits between two polls, at most so long; raises as `check` does, at once when that becomes due."""

    def check(self) -> None:
        """Returns while the operation may go on. Called before every change and in every polling loop.

        Raises:
            CancelledError: somebody asked for its end, the service ends, or another branch failed.
            DeadlineError: its time is over.
        """

    def rollback(self) -> AbstractContextManager[None]:
        """While inside, the state is ROLLING_BACK; cancellation and the deadline passed no longer raise.

        Entered while the error that made it necessary is handled; once it has begun, nothing goes forward any more, not
        even after a crash. Rolling back has a deadline of its own, after which `check` raises DeadlineError.
        """

    def creating(self, kind: str, key: str) -> None:
        """Notes in the ledger that `key`, an object of `kind` outside, is about to be made. Repeating it is fine."""

    def removed(self, kind: str, key: str) -> None:
        """Notes in the ledger that it is gone, or was never made."""

    def created(self) -> list[LedgerEntry]:
        """What this operation has noted and not removed, oldest first; also what a run before a crash noted."""


Branch = Callable[[OperationContext], Json]


@dataclass(frozen=True, kw_only=True)
class OperationKind:
    """The code of a kind of operation.

    Attributes:
        name: stable for ever: stored operations name it.
        run: does the work and returns the result. It catches CseError only, to roll back, and raises it again.
        finish: called with the outcome, just before it becomes visible, whatever it is: also for an operation that was
            cancelled while it was queued. Once, and again after a crash in between. Reports the end to vCD; must not
            raise.
    """

    name: str
    run: Callable[[OperationContext], Json]
    finish: Callable[[Operation], None]


class Operations(Protocol):
    """An operation engine. Thread-safe."""

    def submit(self, request: OperationRequest) -> Operation:
        """Accepts an operation, or returns the one that the same `request_id` began.

        Raises:
            ConflictError: the `request_id` belongs to an operation of another kind or owner (REQUEST_ID_REUSED), or
                the claim to another operation (CLAIM_TAKEN).
            UnavailableError: the engine is ending.
        """

    def get(self, operation_id: str) -> Operation:
        """Raises NotFoundError if there is none (any more)."""

    def begun_by(self, request_id: str) -> Operation | None:
        """The operation that this request began, whoever asks; None if there is none (any more)."""

    def find(
        self, *, owner: str | None = None, target: str | None = None, active: bool | None = None
    ) -> list[Operation]:
        """Operations that fit all that is given, oldest first."""

    def page(self, query: OperationQuery, *, limit: int, before: str = "") -> list[Operation]:
        """At most `limit` operations that fit, the latest first; of those older than the one with the id `before`."""

    def cancel(self, operation_id: str) -> Operation:
        """Asks for the end of an operation; one that has ended stays as it is. Raises NotFoundError."""

    def delete(self, operation_id: str) -> None:
        """Forgets an operation that has ended.

        Raises:
            NotFoundError: there is none.
            FailedPreconditionError: it has not ended.
        """

    def wait(self, operation_id: str, timeout_s: float) -> Operation:
        """Waits until it has ended, or so long, and returns it as it is then. Raises NotFoundError."""

    def watch(
        self, operation_id: str, from_sequence: int, *, is_wanted: Callable[[], bool]
    ) -> Iterator[OperationEvent]:
        """Yields its events from `from_sequence` on, the past ones at once, until the final one or until not wanted.

        Raises NotFoundError.
        """

    def active_count(self) -> int:
        """How many operations have not ended."""

    def ledger(self, operation_id: str | None = None) -> list[LedgerEntry]:
        """What operations (or this one) have made, or begun to make, and not removed; oldest first.

        One that succeeds has made what it was to make, and leaves nothing here.
        """

    def note(self, request_id: str, kind: str, key: str) -> LedgerEntry:
        """Notes in the ledger what is about to be made for a request that has begun no operation yet.

        The entry bears the request's id for an operation's, and stays until it is disowned, or until an operation that
        settles it is accepted. Raises UnavailableError.
        """

    def disown(self, entry: LedgerEntry) -> None:
        """Takes out of the ledger what an operation that has ended, or is forgotten, has left there.

        Called when that is gone, or not its any more. Of an operation that has not ended nothing is taken.
        """


class OperationEngine(Operations, Replicas, Protocol):
    """An engine, its life, and the replicas that share its store."""

    def start(self) -> None:
        """Begins to work, on what a process before left unfinished as well.

        Raises:
            StartError, UnavailableError: what keeps it from working.
        """

    def close(self, grace_s: float) -> bool:
        """Accepts nothing more and stops working within about `grace_s`; returns whether nothing is at work any more.

        What has not ended is interrupted. An engine in memory ends it as failed, a durable one goes on with it later,
        or on another replica.
        """
