"""Waiting for many things with one question: the waits of all threads share a poller.

It asks for all things that are due together, more and more seldom the longer one takes and the more there are, and
wakes those who wait for what has come to its end.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import structlog

from cse_core.errors import CseError
from cse_vcd.timing import SYSTEM_CLOCK, Backoff, Check, Clock, Deadline, no_check

log = structlog.get_logger()

Outcome = TypeVar("Outcome")

_FIRST_S: Final = 0.05
_FACTOR: Final = 1.05
"""An end is noticed a fortieth of the wait too late, on average. Single polls would be dear; here many share one."""
_TOGETHER: Final = 0.25
"""What is due within this part of its interval is asked for together with what is due now."""
_MOST_PER_S: Final = 500.0
"""How many things are asked for in a second: to answer for one costs the other side, and to read that us, 0.1 ms."""
_APART_S: Final = 0.02
"""The least time between two rounds: what is begun meanwhile shares the next."""
_CHECK_S: Final = 1.0
_IDLE_S: Final = 30.0
_CLOSE_S: Final = 5.0


@dataclass(eq=False)
class _Watch(Generic[Outcome]):
    """One thing that somebody waits for."""

    key: str
    due: float
    backoff: Backoff
    interval_s: float = _FIRST_S
    waiters: int = 0
    outcome: Outcome | CseError | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class Poller(Generic[Outcome]):
    """Args: the name of its thread, the question, and the longest pause between two questions for one thing.

    If there are very many things, each has to wait for its turn: no more than `most_per_s` are asked for in a second.
    The question gets keys and answers with the outcome of those that have come to their end; whatever it raises, all
    are asked for again.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[Sequence[str]], Mapping[str, Outcome | CseError]],
        *,
        most_s: float,
        most_per_s: float = _MOST_PER_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._name = name
        self._ask = ask
        self._most_s = most_s
        self._most_per_s = most_per_s
        self._clock = clock
        self._changed = threading.Condition()
        self._watches: dict[str, _Watch[Outcome]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._next_round = clock.monotonic()

    def wait(self, key: str, *, deadline: Deadline, check: Check = no_check) -> Outcome | None:
        """The outcome, or None if there was none before the deadline.

        Args:
            key: of what is waited for.
            deadline: how long to wait.
            check: called at least once a second; what it raises ends the wait.

        Raises:
            CseError: the answer to the question was an error.
        """
        watch = self._join(key)
        try:
            while True:
                check()
                watch.ended.wait(min(_CHECK_S, deadline.left_s))
                if isinstance(watch.outcome, CseError):
                    raise watch.outcome
                if watch.outcome is not None or deadline.passed:
                    return watch.outcome
        finally:
            self._leave(watch)

    def close(self) -> None:
        """Ends the polling thread, or leaves it to itself if its question hangs. Waits that go on find nothing."""
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(_CLOSE_S)

    def _join(self, key: str) -> _Watch[Outcome]:
        with self._changed:
            watch = self._watches.get(key)
            if watch is None:
                backoff = Backoff(_FIRST_S, self._most_s, factor=_FACTOR)
                watch = self._watches[key] = _Watch(key, self._clock.monotonic(), backoff)
            watch.waiters += 1
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return watch

    def _leave(self, watch: _Watch[Outcome]) -> None:
        with self._changed:
            watch.waiters -= 1
            if watch.waiters == 0 and self._watches.get(watch.key) is watch:
                del self._watches[watch.key]

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                due = self._due()
                while not due:
                    if self._thread is not me:
                        return
                    self._changed.wait(self._time_to_next())
                    due = self._due()
                if self._thread is not me:
                    return
            try:
                outcomes = self._ask([watch.key for watch in due])
            except CseError as exc:
                log.info("poll_failed", poller=self._name, error=str(exc), count=len(due))
                outcomes = {}
            except Exception:  # the outermost loop: without this thread nobody would hear of any end
                log.exception("poll_crashed", poller=self._name, count=len(due))
                outcomes = {}
            with self._changed:
                self._note(due, outcomes)

    def _due(self) -> list[_Watch[Outcome]]:
        now = self._clock.monotonic()
        open_ = [watch for watch in self._watches.values() if watch.outcome is None]
        if now < self._next_round or not any(watch.due <= now for watch in open_):
            return []
        return [watch for watch in open_ if watch.due - _TOGETHER * watch.interval_s <= now]

    def _time_to_next(self) -> float:
        now = self._clock.monotonic()
        first = min((watch.due for watch in self._watches.values() if watch.outcome is None), default=now + _IDLE_S)
        return max(0.0, max(first, self._next_round) - now)

    def _note(self, due: Sequence[_Watch[Outcome]], outcomes: Mapping[str, Outcome | CseError]) -> None:
        now = self._clock.monotonic()
        self._next_round = now + _APART_S
        turn_s = len(self._watches) / self._most_per_s
        for watch in due:
            watch.outcome = outcomes.get(watch.key)
            if watch.outcome is not None:
                watch.ended.set()
            watch.interval_s = max(watch.backoff.next_s(), turn_s)
            watch.due = now + watch.interval_s
