"""How long somebody waits for the work at hand: what is only looked up for it need not be waited for any longer.

Whoever takes a request says so (`within`); whoever asks others on the way to its answer heeds it (`left_s`). A server
that hangs then costs the threads of a service no more time than its callers have.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_UNTIL: Final[ContextVar[float | None]] = ContextVar("cse_patience", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """What is done inside is waited for so long; None, or longer than a thread can wait, is for ever.

    It holds in this thread and in copies of its context.
    """
    is_endless = seconds is None or seconds > threading.TIMEOUT_MAX
    token = _UNTIL.set(None if is_endless else time.monotonic() + (seconds or 0.0))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left_s() -> float | None:
    """Seconds until nobody waits for the work at hand any more, never negative; None if nobody has said."""
    until = _UNTIL.get()
    return None if until is None else max(0.0, until - time.monotonic())


def take(lock: threading.Lock) -> bool:
    """Acquires the lock, and returns False if nobody waits any more before it is free."""
    seconds = left_s()
    return lock.acquire() if seconds is None else lock.acquire(timeout=seconds)
