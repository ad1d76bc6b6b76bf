"""Prints what a run of chaos has done."""

from collections.abc import Callable

import pytest

from cse_testing.chaos.kills import SEED
from cse_testing.chaos.report import PROPERTY, Row, table

Tell = Callable[[list[Row]], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Puts rows into the table at the end."""

    def tell_all(rows: list[Row]) -> None:
        for row in rows:
            record_property(*row.as_property())

    return tell_all


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        row
        for report in terminalreporter.stats.get("passed", [])
        for name, row in getattr(report, "user_properties", ())
        if name == PROPERTY
    ]
    if rows:
        terminalreporter.section(f"chaos of operations, CHAOS_SEED={SEED}")
        for line in table(rows):
            terminalreporter.line(line)
