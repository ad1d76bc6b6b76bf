"""The lock on a cloud's state, which knows whether its holder may change anything."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class StateLock:
    """A re-entrant lock. Who takes it with `with` may change the state, who takes it with `reading` promises not to.

    So what follows from the state can be kept for the next reader, until somebody may have changed something.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._readers = 0
        """How often the holder took it for reading, one inside of the other; none while anything may change."""
        self._writers = 0
        self._derived: dict[Hashable, Any] = {}

    def __enter__(self) -> None:
        self._lock.acquire()
        self._writers += 1
        self.changed()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writers -= 1
        self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock to look at the state; inside of a `with` that may change it, this promises nothing."""
        with self._lock:
            if self._writers:
                yield
                return
            self._readers += 1
            try:
                yield
            finally:
                self._readers = max(0, self._readers - 1)

    def condition(self) -> threading.Condition:
        """A condition on this lock; who takes the lock through it calls `changed` before changing the state."""
        return threading.Condition(self._lock)

    def changed(self) -> None:
        """Forget what was derived: the holder may change the state from now on."""
        self._readers = 0
        self._derived.clear()

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """What follows from the state and nothing else; kept between readers."""
        if not self._readers:
            return make()
        if key not in self._derived:
            self._derived[key] = make()
        found: T = self._derived[key]
        return found
