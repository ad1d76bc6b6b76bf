"""What a check found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It needs something that failed."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the report."""

    subject: str
    """The key of the configuration that it is about, for example `amqp.host`."""
    outcome: Outcome
    message: str
    remedy: str = ""
    """What to do; empty if there is nothing to do."""


Results = Iterator[Result]
Announce = Callable[[str], None]
"""Says what is being looked at."""


def ok(subject: str, message: str) -> Result:
    return Result(subject=subject, outcome=Outcome.OK, message=message)


def failed(subject: str, message: str, remedy: str) -> Result:
    return Result(subject=subject, outcome=Outcome.FAILED, message=message, remedy=remedy)


def warning(subject: str, message: str, remedy: str) -> Result:
    return Result(subject=subject, outcome=Outcome.WARNING, message=message, remedy=remedy)


def skipped(subject: str, message: str) -> Result:
    return Result(subject=subject, outcome=Outcome.SKIPPED, message=message)
