"""Waiting for many things with one question."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from cse_core.errors import CseError, InternalError
from cse_testing.waiting import LIMIT_S, wait_until
from cse_vcd.polling import Poller
from cse_vcd.timing import Deadline


class Things:
    """Come to their end when they are told to; know when they were asked for."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.asked: dict[str, list[float]] = {}

    def ask(self, keys: Sequence[str]) -> Mapping[str, str | CseError]:
        now = time.monotonic()
        for key in keys:
            self.asked.setdefault(key, []).append(now)
        return dict.fromkeys(keys, "done") if self.ended.is_set() else {}


def test_very_many_are_asked_for_in_turn() -> None:
    things, keys = Things(), [str(number) for number in range(20)]
    poller = Poller("things", things.ask, most_s=0.1, most_per_s=50.0)
    with ThreadPoolExecutor(len(keys)) as pool:
        outcomes = pool.map(lambda key: poller.wait(key, deadline=Deadline(LIMIT_S)), keys)
        wait_until(lambda: len(things.asked) == len(keys), "a look at each")
        all_wait = time.monotonic()
        wait_until(lambda: len(things.asked["0"]) >= 5, "five looks at one")
        things.ended.set()
        assert set(outcomes) == {"done"}
    poller.close()
    later = [moment for moment in things.asked["0"] if moment > all_wait]
    assert all(after - before > 0.25 for before, after in pairwise(later)), "20 of them, 50 in a second"


def test_a_question_that_fails_is_asked_again() -> None:
    """Whatever it raises: all waits of the process hang on this thread."""
    failures = [ZeroDivisionError("a mistake"), InternalError("ours")]

    def ask(keys: Sequence[str]) -> Mapping[str, str | CseError]:
        if failures:
            raise failures.pop()
        return dict.fromkeys(keys, "done")

    poller = Poller("things", ask, most_s=0.1)
    assert poller.wait("one", deadline=Deadline(LIMIT_S)) == "done"
    assert failures == []
    poller.close()
