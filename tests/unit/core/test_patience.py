"""How long somebody waits is known to whatever is done meanwhile, and to nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from cse_core import patience


def test_it_holds_inside_in_copies_of_the_context_and_nowhere_else() -> None:
    assert patience.left_s() is None
    with ThreadPoolExecutor(1) as threads, patience.within(60):
        left_s = patience.left_s()
        assert left_s is not None
        assert 0 < left_s <= 60
        assert threads.submit(patience.left_s).result() is None
        assert threads.submit(copy_context().run, patience.left_s).result() is not None
        with patience.within(None):
            assert patience.left_s() is None
        with patience.within(-1):
            assert patience.left_s() == 0
        assert patience.left_s() not in (None, 0)
    assert patience.left_s() is None
    with patience.within(1e300):
        assert patience.left_s() is None


def test_a_lock_is_waited_for_as_long_as_somebody_waits() -> None:
    lock = threading.Lock()
    with patience.within(0):
        assert patience.take(lock)
        assert not patience.take(lock)
    lock.release()
    assert patience.take(lock)
    assert lock.locked()
