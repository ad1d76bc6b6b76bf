"""What a run of chaos has done, kind by kind, as a table at the end of the tests."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

PROPERTY: Final = "chaos"
"""Name of the property of a test's report that holds a row."""


@dataclass(kw_only=True)
class Row:
    """Of one kind of operation in one test. There is none unless all that it counts has ended with the right result."""

    test: str
    store: str
    kind: str
    operations: int = 0
    disturbed: int = 0
    """How often the process died in one of them, or what else was to happen did."""
    deaths: int = 0
    """Processes that were killed; one may be at work on several operations."""

    def count(self, *, operations: int = 1, disturbed: int = 0) -> None:
        """Adds operations that have ended, with what there is, what Kubernetes knows and what vCD's task says right."""
        self.operations += operations
        self.disturbed += disturbed

    def as_property(self) -> tuple[str, dict[str, object]]:
        return PROPERTY, asdict(self)


def table(rows: Iterable[dict[str, object]]) -> list[str]:
    """The lines of the table: a block for each test, a total for each and one for all."""
    found = [Row(**row) for row in rows]  # type: ignore[arg-type]
    blocks: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        blocks.setdefault((row.test, row.store), []).append(row)
    lines = [f"{'what was done':<44}{'store':<10}{'kind':<22}{'operations':>11}{'disturbed':>11}{'killed':>8}"]
    for (test, store), block in sorted(blocks.items()):
        lines += [_line(test, store, row.kind, [row]) for row in block]
        if len(block) > 1:
            lines.append(_line(test, store, "all", block))
    return [*lines, _line("all", "", "", found)]


def _line(test: str, store: str, kind: str, rows: list[Row]) -> str:
    operations, disturbed = sum(row.operations for row in rows), sum(row.disturbed for row in rows)
    deaths = sum(row.deaths for row in rows)
    return f"{test:<44}{store:<10}{kind:<22}{operations:>11}{disturbed:>11}{deaths or '':>8}"
