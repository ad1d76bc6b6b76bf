"""One thread asks vCD for what many need; the others wait for their turn, no longer than somebody waits for them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cse_core import patience
from cse_vcd.errors import VcdUnavailableError


@contextmanager
def in_turn(lock: threading.Lock) -> Iterator[None]:
    """Holds the lock. Raises VcdUnavailableError if whoever has it did not come back from vCD in time."""
    if not patience.take(lock):
        raise VcdUnavailableError("vCD did not answer in time")
    try:
        yield
    finally:
        lock.release()
