"""What all benchmarks share: latencies, CPU time of processes, the conditions, a table and a verdict in the end."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_USER_TICKS, _SYSTEM_TICKS = 11, 12  # fields of /proc/PID/stat, counted after the name
_IDLE, _IOWAIT, _STEAL = 3, 4, 7  # of /proc/stat


def command_line(doc: str | None) -> argparse.ArgumentParser:
    """The parser of a benchmark; its description is the first line of the module's docstring."""
    return argparse.ArgumentParser(
        description=(doc or "").partition("\n")[0],
        epilog="Ends with 1 if a bound is broken. The bounds are for the defaults; smaller numbers take less time.",
    )


@dataclass
class Latencies:
    """Durations of single requests."""

    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The duration that this share of requests (0 to 1) did not exceed, in milliseconds."""
        if not self.seconds:
            raise ValueError("nothing was measured")
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU time that each process has used so far, its waited-for children left out."""
    used = {}
    for name, pid in pids.items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used[name] = (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_S
    return used


def used_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds of each process between two looks."""
    return {name: after[name] - before[name] for name in before}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(headings), *cells]) for column in range(len(headings))]
    lines = ["  ".join(heading.ljust(width) for heading, width in zip(headings, widths, strict=True))]
    lines += ["  ".join("-" * width for width in widths)]
    for line in cells:
        lines.append("  ".join(_aligned(text, width) for text, width in zip(line, widths, strict=True)))
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def _aligned(text: str, width: int) -> str:
    return text.rjust(width) if text[:1].isdigit() else text.ljust(width)


def verdict(benchmark: str, broken: Sequence[str]) -> int:
    """Tells which bounds are broken, if any; returns the exit code."""
    for problem in broken:
        print(f"{benchmark}: {problem}", file=sys.stderr)
    return 1 if broken else 0


def peak_mib(pid: int) -> float:
    """The most memory that a process has had resident so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


class Conditions:
    """What else the machine had to do: its load when this was made, and what became of the processors' time since."""

    def __init__(self) -> None:
        self._before = _processor_ticks()
        self._load = os.getloadavg()[0]

    def __str__(self) -> str:
        busy, stolen = 100 * self.busy, 100 * self._share(_STEAL)
        return (
            f"conditions: {os.cpu_count()} processors, {busy:.0f} % busy, {stolen:.1f} % stolen by other machines; "
            f"a load of {self._load:.1f} before"
        )

    @property
    def busy(self) -> float:
        """The share (0 to 1) of the time that was not idle."""
        return 1 - self._share(_IDLE, _IOWAIT)

    def _share(self, *columns: int) -> float:
        spent = [now - before for now, before in zip(_processor_ticks(), self._before, strict=True)]
        return sum(spent[column] for column in columns) / max(1, sum(spent))


def _processor_ticks() -> list[int]:
    """User, nice, system, idle, iowait, irq, softirq and steal, of all processors."""
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
