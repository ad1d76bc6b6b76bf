"""Ids of operations tell when they were accepted."""

from datetime import UTC, datetime, timedelta

import pytest

from cse_core.operations.ids import new_operation_id, time_of


def test_an_id_tells_its_time() -> None:
    before = datetime.now(UTC)
    found = time_of(new_operation_id())
    assert found is not None
    assert before - timedelta(seconds=1) <= found <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize(
    "strange", ["", "op-1", "0c9b6c0e-6f2c-4a55-9d3f-0d4a7d1f7b11", "' OR 1=1", "f" * 8 + "-ffff-7fff-bfff-" + "f" * 12]
)
def test_what_is_no_id_of_ours_tells_nothing(strange: str) -> None:
    assert time_of(strange) is None
