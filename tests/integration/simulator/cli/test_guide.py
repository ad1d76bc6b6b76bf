"""The guide of the simulator does what it says."""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[4] / "docs" / "simulator" / "guide.md"
PATIENCE_S = 1800


def commands(page: str) -> list[str]:
    """What stands behind the prompts of the page's console blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines), "the guide's blocks hold commands only"
    return [line.removeprefix("$ ") for line in lines]


@pytest.mark.long
@pytest.mark.timeout(PATIENCE_S + 30)
def test_every_command_of_the_guide_works_as_written(tmp_path: Path) -> None:
    """The page is one session of a shell, in a home of its own.

    It listens on an address of its own, too, which two runs on one machine must not use at the same time.
    """
    found = commands(GUIDE.read_text(encoding="utf-8"))
    assert len(found) > 90
    script = tmp_path / "guide.sh"
    script.write_text("set -uo pipefail\n" + "".join(map(_checked, found)) + "wait\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",  # of old libraries that vcd-cli imports
        "TMPDIR": str(tmp_path),
    }
    with (Path(tempfile.gettempdir()) / "vcd-simulator-guide.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            ["bash", str(script)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert ended.returncode == 0, f"{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
    assert "Traceback" not in ended.stderr
    assert ended.stdout.count("result: success") > 15


def _checked(command: str) -> str:
    """The command, and what ends the session if it fails; the simulator goes down with it."""
    if command.endswith("&"):
        return f"{command}\n"
    quoted = command.replace("'", "'\\''")
    return f"echo '$ {quoted}'\n{command} || {{ kill %1; echo 'failed: {quoted}' >&2; exit 1; }}\n"
