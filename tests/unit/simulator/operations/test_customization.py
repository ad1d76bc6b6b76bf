"""Guest customization: what a computer may be called."""

import pytest

from vcd_simulator.errors import VcdError
from vcd_simulator.operations.customization import check_computer_name


@pytest.mark.parametrize("name", ["ubuntu-16.04", "a", "node-1.example.org", "x" * 63])
def test_computers_may_be_called_like_hosts(name: str) -> None:
    assert check_computer_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "123", "x" * 64, "$(reboot)", "a\n"])
def test_computers_may_not_be_called_otherwise(name: str) -> None:
    with pytest.raises(VcdError, match="ComputerName"):
        check_computer_name(name)
