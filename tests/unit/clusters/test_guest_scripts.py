"""What our scripts add to a template's, in a real shell."""

import subprocess

import pytest

from cse_clusters.domain.guest_scripts import guest_script
from cse_testing.waiting import LIMIT_S

AFTERWARDS = 'echo "$CSE_NODE_NAME joins"'


def run(body: str, afterwards: str = AFTERWARDS) -> tuple[int, list[str]]:
    """Exit code, and what was printed."""
    script = guest_script(body, {"CSE_NODE_NAME": "mstr-aaaa"}, one_at_a_time=True, afterwards=afterwards).reveal()
    script = script.replace("/run/cse-setup.lock", "/dev/null")
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    return ended.returncode, ended.stdout.splitlines()


@pytest.mark.parametrize(
    ("body", "code", "printed"),
    [
        ("echo 10.0.0.1", 0, ["10.0.0.1", "mstr-aaaa joins"]),
        ("set -euo pipefail\nIFS=x\necho 10.0.0.1\n", 0, ["10.0.0.1", "mstr-aaaa joins"]),
        ("echo 10.0.0.1\nfalse", 1, ["10.0.0.1"]),
        ("set -e\n(exit 7)\necho 10.0.0.1", 7, []),
        ("echo 10.0.0.1\nexit 0", 0, ["10.0.0.1"]),
        ("echo 10.0.0.1\nexit 3", 3, ["10.0.0.1"]),
    ],
    ids=["ends well", "in a stricter shell", "fails", "fails early", "leaves the shell", "leaves it with an error"],
)
def test_what_comes_afterwards_comes_after_what_has_ended_well(body: str, code: int, printed: list[str]) -> None:
    assert run(body) == (code, printed)


@pytest.mark.parametrize("afterwards", ["exit 4", "set -u\necho $CSE_MISSING", "if"], ids=["code", "unset", "syntax"])
def test_how_that_ends_makes_no_difference(afterwards: str) -> None:
    assert run("echo 10.0.0.1", afterwards) == (0, ["10.0.0.1"])
