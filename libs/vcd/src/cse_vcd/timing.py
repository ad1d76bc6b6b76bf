"""Time as the rest of the library sees it: a clock that tests replace, deadlines, pauses that grow."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

Check = Callable[[], None]
"""Called between polls, at least once a second; what it raises ends the wait."""

_LONGEST_PAUSE_S: Final = 1.0


class Clock(Protocol):
    """Seconds that only go forward, and a way to let them pass."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own."""

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK: Final = SystemClock()


def no_check() -> None:
    """For waits that nothing but their deadline ends."""


class Deadline:
    """A moment after which nobody waits any longer."""

    def __init__(self, timeout_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.timeout_s = timeout_s
        self._clock = clock
        self._end = clock.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until then, never negative."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def passed(self) -> bool:
        return self.left_s <= 0


class Backoff:
    """Pauses that grow from `first_s` to `most_s`, each shortened at random by up to `jitter` of itself.

    With the default factor a pause is about an eighth of the time that has passed: what is waited for is noticed about
    that part too late at most.
    """

    def __init__(self, first_s: float, most_s: float, *, factor: float = 1.15, jitter: float = 0.2) -> None:
        self._next = first_s
        self._most = most_s
        self._factor = factor
        self._jitter = jitter

    def next_s(self) -> float:
        """The next pause in seconds."""
        pause = self._next
        self._next = min(self._most, self._next * self._factor)
        return pause * (1 - self._jitter * random.random())  # noqa: S311 - spreads load, guards nothing


class Pace:
    """Keeps many who poll the same server from asking it more than `most_per_s` times a second all together.

    No more than `at_once` ask at the same moment: a server that answers slowly has to be left time for what is work.
    """

    def __init__(self, most_per_s: float, *, at_once: int = 1) -> None:
        self._most_per_s = most_per_s
        self._turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._polling = 0

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Counts one more who polls, while inside."""
        with self._lock:
            self._polling += 1
        try:
            yield
        finally:
            with self._lock:
                self._polling -= 1

    def slowed(self, pause_s: float) -> float:
        """The pause, or a longer one if so many poll that each has to wait for its turn."""
        return max(pause_s, self._polling / self._most_per_s)

    @contextmanager
    def turn(self, check: Check) -> Iterator[None]:
        """Waits until it may ask, calling `check` on the way; it is the next one's turn afterwards."""
        while not self._turns.acquire(timeout=_LONGEST_PAUSE_S):
            check()
        try:
            yield
        finally:
            self._turns.release()


def pause(seconds: float, check: Check, deadline: Deadline, clock: Clock = SYSTEM_CLOCK) -> None:
    """Lets `seconds` pass, less if the deadline comes first, calling `check` on the way."""
    end = clock.monotonic() + min(seconds, deadline.left_s)
    check()
    while (left := end - clock.monotonic()) > 0:
        clock.sleep(min(left, _LONGEST_PAUSE_S))
        check()
