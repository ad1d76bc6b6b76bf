"""The real vcd-cli as its users run it: a process, with a home of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 60


@dataclass(frozen=True)
class Outcome:
    """How a command ended; vcd-cli writes its errors to stderr and its warnings too."""

    code: int
    out: str
    err: str


class VcdCli:
    """One user's vcd-cli; the login stays in `home`."""

    def __init__(self, home: Path, address: str) -> None:
        self._home = home
        self._address = address
        home.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments: str) -> Outcome:
        """Run a command, whatever becomes of it."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("vcd")), *arguments],
            cwd=self._home,  # it leaves log files where it is started
            env={"HOME": str(self._home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        outcome = self.run(*arguments)
        assert outcome.code == 0, f"vcd {' '.join(arguments)} failed:\n{outcome.out}\n{outcome.err}"
        return outcome.out

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail; returns what it told the user."""
        outcome = self.run(*arguments)
        assert outcome.code != 0, f"vcd {' '.join(arguments)} succeeded:\n{outcome.out}"
        return outcome.out + outcome.err

    def login(self, org: str, user: str, password: str, version: str | None = None) -> str:
        """Log in; without a version the client takes the newest that it and the server know."""
        chosen = ["-V", version] if version else []
        return self.ok("login", self._address, org, user, "-p", password, "-i", "-w", *chosen)
