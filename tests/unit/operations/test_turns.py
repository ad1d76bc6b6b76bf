"""How the tests of replicas tell operations that overlap from what a frozen process does late."""

import pytest

from cse_testing.operations.cloud import Happening
from cse_testing.operations.supervisor import Freeze, check_turns

FROZEN, OTHER = 7, 8
FREEZE = Freeze(process=FROZEN, stopped=10.0, after=1)


def history(*, asked: float, process: int = FROZEN) -> list[Happening]:
    """The first operation does one more thing amid the second one."""
    return [
        Happening(1, "first", "p", FROZEN, "effect", "one", 9.0),
        Happening(2, "second", "p", OTHER, "effect", "one", 11.0),
        Happening(3, "first", "p", process, "effect", "two", asked),
        Happening(4, "second", "p", OTHER, "effect", "two", 12.0),
    ]


def test_what_was_asked_for_before_a_freeze_may_come_after_it() -> None:
    check_turns(history(asked=9.5), [FREEZE])


@pytest.mark.parametrize(
    ("happenings", "freezes"),
    [
        pytest.param(history(asked=11.5), [FREEZE], id="asked-when-it-woke-up"),
        pytest.param(history(asked=9.5, process=OTHER), [FREEZE], id="another-process"),
        pytest.param(history(asked=9.5), [], id="never-frozen"),
        pytest.param(history(asked=9.5), [Freeze(process=FROZEN, stopped=10.0, after=3)], id="done-before"),
    ],
)
def test_everything_else_overlaps(happenings: list[Happening], freezes: list[Freeze]) -> None:
    with pytest.raises(AssertionError, match="overlap"):
        check_turns(happenings, freezes)
