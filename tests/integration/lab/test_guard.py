"""What becomes of temporary servers when the program that started them is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from cse_lab.guard import Guard, processes_of
from cse_testing.waiting import wait_until

_PROGRAM = """
import signal
from cse_lab.{module} import {name}
with {name}() as server:
    print(server.log.parent, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize(
    ("module", "name", "state"),
    [("postgres", "PrivatePostgres", "server.json"), ("rabbitmq", "PrivateRabbitMQ", "broker.json")],
    ids=["postgres", "rabbitmq"],
)
def test_a_temporary_server_does_not_outlive_a_program_that_is_killed(module: str, name: str, state: str) -> None:
    command = [sys.executable, "-c", _PROGRAM.format(module=module, name=name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        directory = Path(program.stdout.readline().strip())
        servers = processes_of(directory / state)
        assert servers
        assert all(server.alive for server in servers)
        program.kill()
    wait_until(lambda: not any(server.alive for server in servers), "the server to have ended")
    wait_until(lambda: not directory.exists(), "its directory to be gone")


def test_a_guard_that_is_released_touches_nothing(tmp_path: Path) -> None:
    state = tmp_path / "server.json"
    state.write_text("{}")
    Guard.over(state).release()
    assert state.exists()


def test_a_guard_of_what_has_not_begun_removes_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    program = (
        f"from pathlib import Path; from cse_lab.guard import Guard; g = Guard.over(Path({str(directory)!r}) / 's')"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", f"{program}; import os; os._exit(0)"], check=True)
    wait_until(lambda: not directory.exists(), "the directory to be gone")
