"""How tests wait for what is to come about: for a condition, with a limit that only what never happens meets."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

LIMIT_S: Final = 120.0
"""How long a test waits for what takes moments on an idle machine. A busy one may stall for long; nothing depends on
this but how soon a test gives up."""
_PAUSE: Final = partial(time.sleep, 0.01)

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None],
    what: str,
    *,
    seen: Callable[[], object] | None = None,
    within_s: float = LIMIT_S,
    pause: Callable[[], object] = _PAUSE,
) -> T:
    """Ask until `condition` returns something true, and return that.

    Args:
        condition: is asked again and again; what it raises ends the waiting.
        what: is waited for, for the message of a failure.
        seen: tells, after the last attempt, what there is instead; without it the message shows the last answer.
        within_s: how long, for what takes more than moments.
        pause: between two attempts; 10 ms, unless there is something better to do.

    Raises:
        AssertionError: it did not come about in time.
    """
    give_up = time.monotonic() + within_s
    while not (last := condition()):
        if time.monotonic() >= give_up:
            raise AssertionError(f"waited {within_s:g} s in vain for {what}; seen last: {seen() if seen else last}")
        pause()
    return last


class Halt:
    """A place where whoever comes there stays until the test lets him go."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._reached = threading.Event()
        self._over = threading.Event()

    def stay(self, check: Callable[[], object] = lambda: None) -> None:
        """Called at the place; returns once the test lets go.

        Args:
            check: is called again and again, and may raise to leave.
        """
        self._reached.set()
        give_up = time.monotonic() + LIMIT_S
        while not self._over.wait(0.01):
            check()
            assert time.monotonic() < give_up, f"nobody has let go of {self._what}"

    def wait_until_reached(self) -> None:
        assert self._reached.wait(LIMIT_S), f"nobody came to {self._what}"

    def let_go(self) -> None:
        self._over.set()
