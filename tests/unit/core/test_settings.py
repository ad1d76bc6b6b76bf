"""Settings from the environment."""

from datetime import timedelta

import pytest

from cse_core.settings import Environment, SettingsError


def test_values_are_read_and_empty_ones_count_as_absent() -> None:
    environment = Environment({"A": "5", "B": "", "C": "unix:/run/x", "D": "2.5", "E": "yes"})
    assert environment.integer("A", 1, low=1, high=9) == 5
    assert environment.text("B", "default") == "default"
    assert environment.address("C", "") == "unix:/run/x"
    assert environment.seconds("D", timedelta(seconds=1)) == timedelta(seconds=2.5)
    assert environment.flag("E", default=False)
    assert not environment.flag("F", default=False)


@pytest.mark.parametrize("value", ["localhost", ":1", "a:b", "a:70000", "unix:"])
def test_a_bad_address_names_its_variable(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^CSE_X: "):
        Environment({"CSE_X": value}).address("CSE_X", "")


@pytest.mark.parametrize("value", ["x", "0", "-1", "nan", "inf", "1e300", "4e9"])
def test_a_bad_duration_names_its_variable(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^CSE_X: "):
        Environment({"CSE_X": value}).seconds("CSE_X", timedelta(seconds=1))


def test_a_number_out_of_its_range_and_an_unknown_choice_are_refused() -> None:
    with pytest.raises(SettingsError, match="between 1 and 9"):
        Environment({"CSE_X": "10"}).integer("CSE_X", 1, low=1, high=9)
    with pytest.raises(SettingsError, match="none of a, b"):
        Environment({"CSE_X": "c"}).choice("CSE_X", "a", ("a", "b"))


def test_a_choice_may_be_given_in_any_case() -> None:
    assert Environment({"CSE_LOG_LEVEL": "debug"}).choice("CSE_LOG_LEVEL", "INFO", ("DEBUG", "INFO")) == "DEBUG"
