"""The real vcd-cli as its users run it: a process for each command, with a home of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
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
    """Runs commands, several at once if they come so; `vcd_cli_server` says how.

    Args:
        home: has the profiles that name the plug-ins of all commands; none without it.
    """

    def __init__(self, home: Path = Path("/nonexistent")) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._running: dict[int, Future[int]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", str(Path(__file__).with_name("vcd_cli_server.py"))],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="vcd-cli", daemon=True)
        self._reader.start()

    def run(
        self,
        home: Path,
        arguments: tuple[str, ...],
        *,
        environment: Mapping[str, str] | None = None,
        within_s: float = LIMIT_S,
    ) -> Outcome:
        """Run a command, whatever becomes of it; `environment` is added to what each has."""
        number, ended = next(self._numbers), Future[int]()
        out, err = home / f"stdout{number}", home / f"stderr{number}"
        command = {
            "number": number,
            "arguments": arguments,
            "out": str(out),
            "err": str(err),
            "environment": {
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                **(environment or {}),
            },
        }
        assert self._process.stdin is not None
        with self._lock:
            self._running[number] = ended
            self._process.stdin.write(f"{json.dumps(command)}\n")
            self._process.stdin.flush()
        try:
            code = ended.result(within_s)
        except TimeoutError:
            raise AssertionError(f"vcd {' '.join(arguments)} did not end in {within_s:g} s") from None
        try:
            return Outcome(code, out.read_text(), err.read_text())
        finally:
            out.unlink()
            err.unlink()

    def _read(self) -> None:
        """Tells the ends of commands to those who wait."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._running.pop(told["number"]).set_result(told["code"])
        for ended in self._running.values():
            ended.set_exception(AssertionError("the server of vcd-cli has ended"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # which ends it
        self._reader.join(LIMIT_S)
        if self._reader.is_alive():  # a command does not end
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
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
