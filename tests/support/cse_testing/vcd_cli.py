"""The real vcd-cli as its users run it: a process for each command, with a home of its own."""

import json
import os
import select
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cse_testing.waiting import LIMIT_S


@dataclass(frozen=True)
class Outcome:
    """How a command ended; vcd-cli writes its errors to stderr and its warnings too."""

    code: int
    out: str
    err: str


class VcdCliServer:
    """Runs commands one after the other; `vcd_cli_server` says how."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", str(Path(__file__).with_name("vcd_cli_server.py"))],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, home: Path, arguments: tuple[str, ...]) -> Outcome:
        """Run a command, whatever becomes of it."""
        out, err = home / "stdout", home / "stderr"
        command = {"home": str(home), "out": str(out), "err": str(err), "arguments": arguments}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            ready, _, _ = select.select([self._process.stdout], [], [], LIMIT_S)
            assert ready, f"vcd {' '.join(arguments)} did not end in {LIMIT_S} s"
            code = json.loads(self._process.stdout.readline())["code"]
        return Outcome(code, out.read_text(), err.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its input, which ends it
            pass


class VcdCli:
    """One user's vcd-cli; the login stays in `home`."""

    def __init__(self, server: VcdCliServer, home: Path, address: str) -> None:
        self._server = server
        self._home = home
        self._address = address
        home.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments: str) -> Outcome:
        """Run a command, whatever becomes of it."""
        return self._server.run(self._home, arguments)

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
