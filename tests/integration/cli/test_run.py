"""`cse run`: the three services in one process, from the first request to a clean end."""

import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import Result
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cse_lab.ports import free_port
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.simulator import Simulator

Run = Callable[..., Result]
_PATIENT = {"CSE_GATEWAY_EXTENSION_TIMEOUT_S": str(LIMIT_S)}
"""As patient as the simulated vCD."""


class Server:
    """A running `cse run`."""

    def __init__(self, directory: Path, *options: str, **variables: str) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cse_cli", "run", *options],
            cwd=directory,
            env={
                **os.environ,
                "CSE_CONFIG": str(directory / "config.yaml"),
                "TMPDIR": str(directory),
                **_PATIENT,
                **variables,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip())
        self._process.stderr.close()

    def wait_for(self, text: str) -> str:
        """The first line that holds the text."""

        def said() -> str | None:
            found = next((line for line in list(self.lines) if text in line), None)
            assert found or self._process.poll() is None, "\n".join(self.lines)
            return found

        return wait_until(said, repr(text), seen=lambda: "\n".join(self.lines))

    @property
    def variables(self) -> list[str]:
        """The environment that the process began with, the last time it began."""
        return Path(f"/proc/{self._process.pid}/environ").read_text().split("\0")

    def end(self, number: signal.Signals) -> int:
        """Sends a signal; returns the exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self._process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self.wait()


@pytest.fixture
def serve(run: Run, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts `cse run` after `cse install`; whatever still runs at the end is killed."""
    assert run("install", "-e", "config").exit_code == 0
    started: list[Server] = []

    @contextmanager
    def start(*options: str, **variables: str) -> Iterator[Server]:
        server = Server(tmp_path, *options, **variables)
        started.append(server)
        server.wait_for("CSE is running")
        server.wait_for("consuming")
        yield server

    yield start
    for server in started:
        server.kill()


def sockets(server: Server) -> Path:
    """The directory of the sockets, as the log names it."""
    line = server.wait_for("templates.sock")
    return Path(line.partition("unix:")[2].partition("/templates.sock")[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_a_signal_ends_it_cleanly(
    serve: Callable[..., Any], simulator: Simulator, number: signal.Signals
) -> None:
    with serve() as server:
        directory = sockets(server)
        assert directory.stat().st_mode & 0o777 == 0o700
        if platform.libc_ver()[0] == "glibc":  # which takes the variable apart, so that others in it are not seen here
            assert [each for each in server.variables if each.startswith("GLIBC_TUNABLES=glibc.malloc.arena_max=2")]
        tenant = VcdRest.login(simulator.address, org="acme", user="alice", password="alice-secret")
        assert tenant.send("GET", "/api/cse").json() == []
        names = [template["name"] for template in tenant.send("GET", "/api/cse/template").json()]
        assert names == ["photon-v2", "ubuntu-16.04"]
        assert server.end(number) == 0
        assert server.lines[-1] == "CSE has ended"
        assert not directory.exists()
    assert "secret" not in "\n".join(server.lines)


def test_a_system_administrator_ends_it(serve: Callable[..., Any], simulator: Simulator) -> None:
    with serve("--skip-check") as server:
        admin = VcdRest.login(simulator.address, org="System", user="administrator", password="vcd-secret")
        assert admin.send("PUT", "/api/cse/system", {"enabled": False}).json() == {"message": "Updated"}
        assert admin.send("PUT", "/api/cse/system", {"stopped": True}).status == 200
        assert server.wait() == 0


def test_an_address_in_the_environment_is_used_in_place_of_a_socket(
    serve: Callable[..., Any], simulator: Simulator
) -> None:
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    with serve("--skip-check", CSE_TEMPLATES_LISTEN=address, CSE_LOG_FORMAT="json") as server:
        with grpc.insecure_channel(address) as channel:
            request = health_pb2.HealthCheckRequest(service="cse.templates.v1.TemplateService")
            reply = health_pb2_grpc.HealthStub(channel).Check(request, timeout=LIMIT_S)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
        tenant = VcdRest.login(simulator.address, org="acme", user="alice", password="alice-secret")
        assert len(tenant.send("GET", "/api/cse/template").json()) == 2
        assert server.end(signal.SIGTERM) == 0
