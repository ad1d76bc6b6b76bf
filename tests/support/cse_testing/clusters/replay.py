"""Runs the code of an operation as a durable engine does, with a crash at a place of the test's choice."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from cse_core.errors import CancelledError, CseError
from cse_core.operations import Json, JsonObject, LedgerEntry, OperationContext, OperationKind, OperationRequest
from cse_core.operations.port import Branch
from cse_core.secret import Secret

Place = tuple[bool, str, str]
"""Whether in rollback, the branch, and the name of a step."""
Outcome: TypeAlias = "Json | CseError"


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Journal:
    """What outlives a crash."""

    request: OperationRequest
    steps: dict[Place, Outcome] = field(default_factory=dict)
    rollback_cause: CseError | None = None
    crash_at: int = -1
    """How many moments before, inside and after steps pass before the process is gone; -1 for never."""
    moments: int = 0

    def moment(self) -> None:
        """A moment at which the process may die."""
        self.moments += 1
        if self.moments - 1 == self.crash_at:
            raise Crash

    def run_until_ended(self, kind: OperationKind) -> Json:
        """The result, after as many runs as it takes; raises the error with which the operation ends."""
        while True:
            try:
                return kind.run(ReplayContext(self))
            except Crash:
                continue


class ReplayContext:
    """Implements `OperationContext`; branches run one after the other, in their order."""

    def __init__(self, journal: Journal, node: str = "", main: "ReplayContext | None" = None) -> None:
        self._journal = journal
        self._node = node
        self._main = main or self
        if main is None:
            self._published: dict[str, Json] = {}
            self._failure: CseError | None = None
            self._rolling_back = False

    @property
    def operation_id(self) -> str:
        return "0198-replayed"

    @property
    def input(self) -> JsonObject:
        return self._journal.request.input

    def secret(self, name: str) -> Secret | None:
        return self._journal.request.secrets.get(name)

    def step(self, name: str, action: Callable[[], Json], *, message: str = "") -> Json:
        place = (self._main._rolling_back, self._node, name)
        if place not in self._journal.steps:
            self.check()
            self._journal.moment()
            outcome: Outcome
            try:
                outcome = action()
            except CseError as exc:
                outcome = exc
            self._journal.moment()  # the effect is there, and nobody has written it down
            self._journal.steps[place] = outcome
            self._journal.moment()
        found = self._journal.steps[place]
        if isinstance(found, CseError):
            raise found
        return found

    def parallel(self, branches: Mapping[str, Branch]) -> dict[str, Json]:
        self._main._failure = None
        results: dict[str, Json] = {}
        for node, branch in branches.items():
            context: OperationContext = ReplayContext(self._journal, node, self._main)
            try:
                results[node] = branch(context)
            except CseError as exc:
                self._main._failure = self._main._failure or exc
        failure, self._main._failure = self._main._failure, None
        if failure is not None:
            raise failure
        return results

    def publish(self, key: str, value: Json) -> None:
        self._main._published[key] = value

    def wait_for(self, key: str) -> Json:
        self.check()
        return self._main._published[key]

    def progress(self, message: str, *, percent: int | None = None) -> None:
        """Nobody looks."""

    def pause(self, seconds: float) -> None:
        self.check()

    def check(self) -> None:
        cause = self._journal.rollback_cause
        if cause is not None and not self._main._rolling_back:
            raise cause
        if self._node and self._main._failure is not None:
            raise CancelledError("ended because another node failed", reason="SIBLING_FAILED")

    @contextmanager
    def rollback(self) -> Iterator[None]:
        if self._journal.rollback_cause is None:
            handled = sys.exc_info()[1]
            assert isinstance(handled, CseError)
            self._journal.rollback_cause = handled
        self._main._rolling_back = True
        yield

    def creating(self, kind: str, key: str) -> None:
        """No ledger is kept."""

    def removed(self, kind: str, key: str) -> None:
        """No ledger is kept."""

    def created(self) -> list[LedgerEntry]:
        return []
