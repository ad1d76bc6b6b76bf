"""The page about errors names every reason that a client can see, and no other."""

import re
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = ("libs/core/src", "libs/operations/src", "libs/vcd/src", "services")
REASON = re.compile(
    r"""(?:reason\s*=\s*|reason:\s[^=\n]*=\s*|_(?:REASON|ONLY)[^=\n]*=\s*|_missing\(\s*"[a-z_.]+",\s*)"([A-Z]+(?:_[A-Z]+)*)\""""
)
INTERNAL = {"CLAIM_TAKEN", "GUEST_LOGIN_UNKNOWN"}
"""Translated before it leaves the service."""


def given() -> set[str]:
    files = chain.from_iterable((ROOT / source).rglob("*.py") for source in SOURCES)
    return {reason for file in files for reason in REASON.findall(file.read_text())} - INTERNAL


def documented() -> set[str]:
    rows = [line for line in (ROOT / "docs/errors.md").read_text().splitlines() if line.startswith("| `")]
    return {reason for row in rows for reason in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def test_every_reason_is_documented() -> None:
    assert len(given()) > 50
    assert given() - documented() == set()


def test_no_reason_is_documented_that_nobody_gives() -> None:
    code = "\n".join(file.read_text() for source in SOURCES for file in (ROOT / source).rglob("*.py"))
    assert {reason for reason in documented() if f'"{reason}"' not in code} == set()
