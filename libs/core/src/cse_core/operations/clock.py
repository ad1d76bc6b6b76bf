"""The time of day, which operations' deadlines are in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time, in UTC; tests replace it."""


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)
