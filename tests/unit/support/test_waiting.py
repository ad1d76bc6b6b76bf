from collections.abc import Callable

import pytest

from cse_testing.waiting import wait_until


def answering(*answers: object) -> Callable[[], object]:
    """Gives one answer after the other, and the last for ever."""
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_it_asks_until_the_answer_is_true_and_returns_that() -> None:
    pauses = list[str]()
    assert wait_until(answering(None, [], "there"), "it to be there", pause=lambda: pauses.append("pause")) == "there"
    assert len(pauses) == 2


def test_what_is_there_already_needs_no_time() -> None:
    assert wait_until(answering(1), "one", within_s=-1, pause=lambda: pytest.fail("must not pause")) == 1


def test_whoever_waits_in_vain_is_told_for_what_and_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"^waited 0\.02 s in vain for three nodes; seen last: \[\]$"):
        wait_until(list, "three nodes", within_s=0.02)
    with pytest.raises(AssertionError, match=r"for the end; seen last: still RUNNING$"):
        wait_until(lambda: False, "the end", seen=lambda: "still RUNNING", within_s=0.02)


def test_what_the_condition_raises_is_not_waited_for() -> None:
    def fail() -> bool:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        wait_until(fail, "nothing")
