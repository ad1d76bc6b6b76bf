"""API versions and the Accept header."""

import re
from dataclasses import dataclass
from functools import total_ordering

from vcd_simulator import errors

SUPPORTED = ("27.0", "28.0", "29.0", "30.0", "31.0", "32.0", "33.0", "34.0", "35.0", "36.0", "36.1", "36.2", "36.3")
_VERSION = re.compile(r";\s*version\s*=\s*\"?([^;\s\"]+)")


@total_ordering
@dataclass(frozen=True, slots=True)
class ApiVersion:
    """A version that a request asks for, compared by its numbers."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "ApiVersion":
        major, _, minor = text.partition(".")
        return cls(int(major), int(minor))

    def __lt__(self, other: "ApiVersion") -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


V33 = ApiVersion(33, 0)
"""The first version with cloudapi logins, query links in Org and admin hrefs for system administrators."""
V35 = ApiVersion(35, 0)
V36 = ApiVersion(36, 0)

LATEST = max(map(ApiVersion.parse, SUPPORTED))


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the Accept header asks for: a version and one of the two renderings."""

    version: ApiVersion | None
    json: bool
    served: bool = True
    """Whether the cloud itself has the format; extension services may have others."""


def parse_accept(header: str | None) -> Accepted:
    """Read an Accept header; the first media range with a version decides.

    Raises:
        VcdError: 406, because the version is not supported.
    """
    ranges = [part.strip().lower() for part in (header or "").split(",")]
    json = any(part.split(";")[0].endswith("json") for part in ranges[:1])
    for part in ranges:
        match = _VERSION.search(part)
        if match:
            if match[1] not in SUPPORTED:
                raise invalid_accept("Invalid API version requested")
            version = ApiVersion.parse(match[1])
            kind = part.split(";")[0].strip()
            return Accepted(version, kind.endswith("json"), kind.endswith(("xml", "json", "*")) or not kind)
    return Accepted(None, json)


def invalid_accept(detail: str = "") -> errors.VcdError:
    """The answer to an Accept header without a version, or with one that is not supported."""
    versions = ", ".join(reversed(SUPPORTED))
    return errors.not_acceptable(
        f"The request has invalid accept header: {detail}. Supported API versions are: [{versions}]."
    )
