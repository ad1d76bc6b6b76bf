"""Command lines of stand-ins."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vcd_simulator.guests.channel import UsageError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


@dataclass
class Options:
    """What a command line says: words, and options by their long names without dashes."""

    words: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.values.get(name, ["false"])[-1] != "false"

    def last(self, name: str, default: str = "") -> str:
        """The value of an option; of a repeated one, the last."""
        return self.values.get(name, [default])[-1]

    def every(self, name: str) -> list[str]:
        """All values of an option, split at commas."""
        return [part for value in self.values.get(name, []) for part in value.split(",") if part]


def parse(
    arguments: Sequence[str],
    *,
    values: Iterable[str] = (),
    switches: Iterable[str] = (),
    short: dict[str, str] | None = None,
    lenient: bool = False,
    unknown: str = "unknown flag: {}",
    code: int = 1,
) -> Options:
    """Read a command line as Go's and GNU's programs do: `--name value`, `--name=value`, `-n value`, `-abc`, `--`.

    Args:
        arguments: the words after the command's name.
        values: options that take a value.
        switches: options that take none (though `--name=false` is understood).
        short: long names by letter.
        lenient: take an option that is not known for a switch.
        unknown: what to say about an option that is not known.
        code: exit code of a command line that cannot be read.

    Raises:
        UsageError: an option that is not known, or one without its value.
    """
    with_value, plain = set(values), set(switches)
    options = Options()
    pending = list(arguments)[::-1]
    while pending:
        word = pending.pop()
        if word == "--":
            options.words += pending[::-1]
            break
        if word == "-" or not word.startswith("-"):
            options.words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("--") and name not in with_value | plain:
            name, value, equals, rest = _expand_short(name, value, equals, short or {}, with_value)
            if rest:
                pending.append(f"-{rest}")
        if name in with_value:
            if not equals:
                if not pending:
                    raise UsageError(f"flag needs an argument: {word}", code)
                value = pending.pop()
            options.values.setdefault(name, []).append(value)
        elif name in plain or lenient:
            options.values.setdefault(name, []).append(value if equals else "true")
        else:
            raise UsageError(unknown.format(word.partition("=")[0]), code)
    return options


def _expand_short(
    name: str, value: str, equals: str, short: dict[str, str], with_value: set[str]
) -> tuple[str, str, str, str]:
    """Take the first letter of `-abc`: its long name, its value if any, and the letters that are left."""
    if not name or name[0] not in short:
        return name, value, equals, ""
    long = short[name[0]]
    rest = name[1:]
    if long in with_value:
        if rest:
            return long, rest + equals + value, "=", ""
        return long, value, equals, ""
    return long, "", "", rest


def duration_s(text: str) -> float:
    """Seconds of a Go duration such as `24h0m0s`. Raises ValueError."""
    if text in ("0", ""):
        return 0.0
    if not re.fullmatch(f"({_DURATION.pattern})+", text):
        raise ValueError(f"{text!r} is no duration")
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def table(rows: Sequence[Sequence[str]], *, gap: int = 3) -> str:
    """Rows as aligned columns, the first row being the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        (" " * gap).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    return "\n".join(lines) + "\n"


def age(seconds: float) -> str:
    """A duration as kubectl prints ages."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole}s"
    if whole < 7200:
        return f"{whole // 60}m"
    return f"{whole // 3600}h" if whole < 172800 else f"{whole // 86400}d"
