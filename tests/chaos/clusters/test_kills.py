"""The process is killed before, within and after every step of every kind of operation."""

from collections.abc import Callable

import pytest

from cse_testing.chaos.field import Field
from cse_testing.chaos.kills import kill_at_every_point
from cse_testing.chaos.report import Row


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_every_operation_survives_a_kill_at_every_point(
    store: str, field_on: Callable[[str], Field], tell: Callable[[list[Row]], None]
) -> None:
    field = field_on(store)
    tell(kill_at_every_point(field, "killed at every point"))
