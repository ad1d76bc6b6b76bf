"""The published table says what the tests show."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_published_coverage_is_what_the_tests_claim() -> None:
    script = ROOT / "scripts" / "simulator_coverage.py"
    ended = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
