"""Processes of the cluster manager, started in a moment and ended without mercy."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc

_MODULE = "cse_testing.chaos.zygote"
READY_S = 60.0
_POLL_S = 0.05


@dataclass
class Replica:
    """One process; `address` is where it listens."""

    pid: int
    pidfd: int
    address: str
    zygote: "Zygote"
    status: int | None = None

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def wait(self, timeout_s: float) -> int | None:
        """How it ended, as `subprocess` says it; None if it has not in time."""
        if self.status is None:
            if not select.select([self.pidfd], [], [], timeout_s)[0]:
                return None
            self.status = self.zygote.reap(self)
        return self.status

    def _signal(self, number: signal.Signals) -> None:
        if self.status is None:
            signal.pidfd_send_signal(self.pidfd, number)


class Zygote:
    """Forks replicas. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replicas: list[Replica] = []
        paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            text=True,
        )

    def start(self, address: str, *, environment: dict[str, str], plan: Path, log: Path) -> Replica:
        """Returns at once; see `wait_until_ready`."""
        spec = {"environment": {**environment, "CSE_CLUSTERS_LISTEN": address}, "plan": str(plan), "log": str(log)}
        pid = self._ask({"start": spec})
        replica = Replica(pid, os.pidfd_open(pid), address, self)
        self._replicas.append(replica)
        return replica

    def reap(self, replica: Replica) -> int:
        with self._lock:
            if replica.status is not None:
                return replica.status
            status = self._ask_locked({"reap": replica.pid})
            os.close(replica.pidfd)
            return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        for replica in self._replicas:
            if replica.status is None:
                replica.thaw()
                replica.kill()
                replica.wait(READY_S)
        self._process.communicate(timeout=READY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, command: dict[str, Any]) -> int:
        with self._lock:
            return self._ask_locked(command)

    def _ask_locked(self, command: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def wait_until_ready(replica: Replica) -> grpc.Channel | None:
    """A channel to it once it serves; None if it has ended instead."""
    until = time.monotonic() + READY_S
    path = Path(replica.address.removeprefix("unix:"))
    while not path.exists():
        if replica.wait(_POLL_S) is not None:
            return None
        assert time.monotonic() < until, "the process does not serve"
    channel = grpc.insecure_channel(replica.address, options=[("grpc.max_reconnect_backoff_ms", 200)])
    while time.monotonic() < until:
        try:
            grpc.channel_ready_future(channel).result(1.0)
        except grpc.FutureTimeoutError:
            if replica.wait(0) is not None:
                break
        else:
            return channel
    channel.close()
    return None
