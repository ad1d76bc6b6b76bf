"""Prints what a run of chaos has done."""

import pytest

from cse_testing.chaos.report import PROPERTY, table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        row
        for report in terminalreporter.stats.get("passed", [])
        for name, row in getattr(report, "user_properties", ())
        if name == PROPERTY
    ]
    if rows:
        terminalreporter.section("chaos of cluster operations")
        for line in table(rows):
            terminalreporter.line(line)
