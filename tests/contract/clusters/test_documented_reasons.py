"""The page for clients names every reason that the cluster manager gives."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
REASON = re.compile(r'(?:reason=|_missing\(\s*"[a-z_.]+",\s*)"([A-Z_]+)"')
INTERNAL = {"GUEST_LOGIN_UNKNOWN"}
"""Translated before it leaves the service."""


def test_every_reason_is_documented() -> None:
    sources = (ROOT / "services/clusters/src").rglob("*.py")
    given = {reason for source in sources for reason in REASON.findall(source.read_text())}
    documented = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/grpc-client.md").read_text()))
    assert len(given) > 15
    assert given - documented - INTERNAL == set()
