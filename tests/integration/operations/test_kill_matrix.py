"""Processes that run operations are killed with SIGKILL, at every point that matters; the outcome is as without."""

from collections.abc import Callable

import pytest

from cse_testing.operations.driver import ENGINE_POINTS, MOMENTS, STEPS
from cse_testing.operations.supervisor import Field, kill_at_every

# On PostgreSQL one moment of each step; `make chaos-operations` takes all of them there, too.
POINTS = {
    "sqlite": [*(f"{step}:{moment}" for step in STEPS for moment in MOMENTS), *ENGINE_POINTS],
    "postgres": [*(f"{step}:{MOMENTS[number % 3]}" for number, step in enumerate(STEPS)), *ENGINE_POINTS],
}


@pytest.mark.long
@pytest.mark.parametrize("store", POINTS)
def test_an_operation_survives_a_kill_at_every_point(store: str, field_on: Callable[[str], Field]) -> None:
    """One operation per point; those of three share a partition, and the kills cut off all that run besides."""
    kill_at_every(POINTS[store], field_on(store))
