"""What tests of the vCD library share."""

import pytest

from cse_testing.scripted_vcd import ManualClock, ScriptedVcd


@pytest.fixture
def server() -> ScriptedVcd:
    return ScriptedVcd()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
