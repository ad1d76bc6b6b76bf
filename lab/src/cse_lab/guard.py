"""Temporary servers end with the program that started them, even where that is killed and cannot end them itself.

The guard is a process of its own that waits for the end of a pipe, whose other end only the program holds. What it has
to end it reads in the server's state file, which is always up to date; so it needs to be told nothing.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

from cse_lab.processes import ProcessId, ServerProcess, wait_until

_RELEASED = b"released"
_REMOVING_S = 10.0


class Guard:
    """Ends the processes of a state file, and removes its directory, when this program has ended without `release`."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @classmethod
    def over(cls, state_file: Path) -> Self:
        """A guard of the processes in `state_file`: a JSON object, some of whose values are of the form of ProcessId.

        The file need not be there yet. Everything in its directory belongs to those processes.
        """
        return cls(
            subprocess.Popen(
                [sys.executable, "-m", "cse_lab.guard", str(state_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        )

    def release(self) -> None:
        """There is nothing left to guard; returns when the guard has ended."""
        self._process.communicate(_RELEASED)


def processes_of(state_file: Path) -> list[ServerProcess]:
    """Those that the file names; none if there is no such file."""
    try:
        state = json.loads(state_file.read_text())
    except FileNotFoundError:
        return []
    named = [value for value in state.values() if isinstance(value, dict) and value.keys() == {"pid", "started"}]
    return [ServerProcess(id=ProcessId(**value)) for value in named]


def main(state_file: Path) -> None:
    """Waits until the program has said that all is over, or has ended without a word."""
    if sys.stdin.buffer.read() == _RELEASED:
        return
    for process in processes_of(state_file):
        process.kill()
    wait_until(lambda: _removed(state_file.parent), timeout_s=_REMOVING_S)


def _removed(directory: Path) -> bool:
    """Whether it could be removed: children of a process that was killed may go on writing for a moment."""
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
