"""Command lines of stand-ins."""

import pytest

from vcd_simulator.guests.channel import UsageError
from vcd_simulator.guests.standins.options import Options, age, duration_s, parse, table


def read(line: str) -> Options:
    return parse(
        line.split(),
        values=("output", "token"),
        switches=("force", "all"),
        short={"o": "output", "f": "force", "a": "all"},
    )


@pytest.mark.parametrize(
    ("line", "words", "values"),
    [
        ("a --output json b", ["a", "b"], {"output": ["json"]}),
        ("--output=json -f", [], {"output": ["json"], "force": ["true"]}),
        ("-ojson -fa x", ["x"], {"output": ["json"], "force": ["true"], "all": ["true"]}),
        ("-o json -o=yaml", [], {"output": ["json", "yaml"]}),
        ("-- --output -f", ["--output", "-f"], {}),
        ("--force=false - x", ["-", "x"], {"force": ["false"]}),
        ("--token=a=b", [], {"token": ["a=b"]}),
    ],
)
def test_command_lines(line: str, words: list[str], values: dict[str, list[str]]) -> None:
    options = read(line)
    assert (options.words, options.values) == (words, values)


@pytest.mark.parametrize(
    ("line", "message"),
    [("--tokn x", "unknown flag: --tokn"), ("--token", "needs an argument"), ("-x", "unknown flag: -x")],
)
def test_mistakes(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(line)


def test_reading_options() -> None:
    options = read("--token a,b --token c --force=false")
    assert (options.last("token"), options.every("token"), options.last("output", "x")) == ("c", ["a", "b", "c"], "x")
    assert not options.has("force")


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h0m0s", 86400), ("90s", 90), ("1h30m", 5400), ("500ms", 0.5), ("0", 0), ("1.5h", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["1", "h", "1h x", "-1h", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration_s(text)


def test_tables_and_ages() -> None:
    assert table([["NAME", "AGE"], ["mstr-1", "1s"]]) == "NAME     AGE\nmstr-1   1s\n"
    assert [age(seconds) for seconds in (0, 119, 120, 7199, 7200, 200_000)] == ["0s", "119s", "2m", "119m", "2h", "2d"]
