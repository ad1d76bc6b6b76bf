"""Reading settings from environment variables: a bad value names its variable and what would be right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_LONGEST = timedelta(days=36_500)
"""A hundred years, which can be added to the time of today."""


class SettingsError(Exception):
    """A variable has a value that cannot be used."""


@dataclass(frozen=True)
class Environment:
    """The variables of a process. An empty value counts as absent."""

    values: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.values.get(name, "").strip() or default

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.values.get(name, "").strip()
        try:
            value = int(text) if text else default
        except ValueError:
            raise SettingsError(f"{name}: {text!r} is no whole number") from None
        if not low <= value <= high:
            raise SettingsError(f"{name}: {value} is not between {low} and {high}")
        return value

    def seconds(self, name: str, default: timedelta) -> timedelta:
        """A duration, given in seconds."""
        text = self.values.get(name, "").strip()
        try:
            value = float(text) if text else default.total_seconds()
        except ValueError:
            raise SettingsError(f"{name}: {text!r} is no number of seconds") from None
        if not (math.isfinite(value) and value > 0):
            raise SettingsError(f"{name}: {value} seconds is not a positive time")
        if value > _LONGEST.total_seconds():
            raise SettingsError(f"{name}: {value:g} seconds is longer than a hundred years")
        return timedelta(seconds=value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of the choices, as it is written there; in whichever case it is given."""
        value = self.text(name, default)
        for choice in choices:
            if choice.lower() == value.lower():
                return choice
        raise SettingsError(f"{name}: {value!r} is none of {', '.join(choices)}")

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name, "yes" if default else "no").lower()
        if text not in _YES | _NO:
            raise SettingsError(f"{name}: {text!r} is neither yes nor no")
        return text in _YES

    def address(self, name: str, default: str) -> str:
        """`host:port` or `unix:/path`, as gRPC takes it."""
        value = self.text(name, default)
        if value.startswith("unix:"):
            if len(value) == len("unix:"):
                raise SettingsError(f"{name}: {value!r} names no path")
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise SettingsError(f"{name}: {value!r} is neither host:port nor unix:/path")
        return value
