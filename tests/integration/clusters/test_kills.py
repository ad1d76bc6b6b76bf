"""The process of the cluster manager is killed amid operations of every kind, at some points of the whole matrix.

`make chaos-operations` takes all of them, on both stores, and disturbs much else.
"""

import pytest

from cse_testing.chaos.field import open_field
from cse_testing.chaos.kills import kill_at_every_point

EVERY = 11
"""So that each kind of moment is among them."""


@pytest.mark.long
def test_operations_of_every_kind_survive_kills() -> None:
    with open_field() as field:
        rows = kill_at_every_point(field, "killed at some points", lanes=4, every=EVERY)
    assert sum(row.disturbed for row in rows) >= 30
