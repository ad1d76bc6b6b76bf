"""What a run of chaos has done, kind by kind, as a table at the end of the tests."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

PROPERTY: Final = "chaos"
"""Name of the property of a test's report that holds a row."""


@dataclass(kw_only=True)
class Row:
    """Of one kind of operation in one test."""

    test: str
    kind: str
    operations: int = 0
    disturbed: int = 0
    """How often the process was killed in one of them, or what else was to happen did."""
    ended: int = 0
    right: int = 0
    """With the right result: what there is, what Kubernetes knows, what vCD's task says."""
    orphans: int = 0
    """vApps, machines and running tasks that belong to nothing, or steps taken twice."""

    def as_property(self) -> tuple[str, dict[str, object]]:
        return PROPERTY, asdict(self)


def table(rows: Iterable[dict[str, object]]) -> list[str]:
    """The lines of the table, with a last one for all."""
    found = [Row(**row) for row in rows]  # type: ignore[arg-type]
    if not found:
        return []
    total = Row(test="all", kind="")
    for row in found:
        for name in ("operations", "disturbed", "ended", "right", "orphans"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    head = f"{'what was done':<40}{'kind':<14}{'operations':>11}{'disturbed':>11}{'ended':>8}{'right':>8}{'orphans':>9}"
    lines = [
        f"{row.test:<40}{row.kind:<14}{row.operations:>11}{row.disturbed:>11}{row.ended:>8}{row.right:>8}{row.orphans:>9}"
        for row in [*found, total]
    ]
    return [head, *lines]
