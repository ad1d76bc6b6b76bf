import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_lab.lab import down, running, up
from cse_lab.processes import LabError
from cse_lab.settings import LabSettings
from cse_lab.state import LabState
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import wait_until


@pytest.fixture(scope="module")
def bare_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """RabbitMQ and the simulator only."""
    directory = tmp_path_factory.mktemp("lab")
    yield up(LabSettings(directory=directory, profile="instant", services=False))
    down(directory)


def test_lab_env_is_private_and_a_shell_reads_it(bare_lab: LabState) -> None:
    assert bare_lab.env_file.stat().st_mode & 0o077 == 0
    script = f'. {shlex.quote(str(bare_lab.env_file))}; printf "%s %s" "$LAB_VCD" "$LAB_TENANT"'
    shown = subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True).stdout
    assert shown == f"{bare_lab.variables['LAB_VCD']} {bare_lab.variables['LAB_TENANT']}"


def test_every_promised_variable_is_there(bare_lab: LabState) -> None:
    tenant = ("ORG", "VDC", "NETWORK", "TENANT", "TENANT_PASSWORD")
    names = {f"{prefix}{name}" for prefix in ("LAB_", "LAB2_") for name in tenant}
    names |= {"LAB_VCD", "LAB_SYSADMIN", "LAB_SYSADMIN_PASSWORD", "LAB_VCENTER", "LAB_AMQP", "LAB_EXCHANGE"}
    names |= {"LAB_ROUTING_KEY", "LAB_CONFIG", "LAB_PID_RABBITMQ", "LAB_PID_SIMULATOR", "LAB_LOG_SIMULATOR"}
    assert names <= bare_lab.variables.keys()
    assert Path(bare_lab.variables["LAB_CONFIG"]).stat().st_mode & 0o777 == 0o600


def test_without_services_nothing_is_installed(bare_lab: LabState) -> None:
    lab = bare_lab.variables
    session = VcdRest.login(
        lab["LAB_VCD"], org="System", user=lab["LAB_SYSADMIN"], password=lab["LAB_SYSADMIN_PASSWORD"]
    )
    assert session.send("GET", "/api/cse/system").status == 406
    assert "LAB_CLUSTERS_GRPC" not in lab


def test_a_second_start_beside_a_running_lab_refuses(bare_lab: LabState) -> None:
    with pytest.raises(LabError, match=r"runs already.*make down"):
        up(LabSettings(directory=bare_lab.directory, profile="instant", services=False))
    assert running(bare_lab.directory) is not None


def test_a_second_start_says_what_of_a_lab_has_ended(tmp_path: Path) -> None:
    settings = LabSettings(directory=tmp_path, profile="instant", services=False)
    state = up(settings)
    try:
        state.processes["simulator"].kill()
        with pytest.raises(LabError, match=r"simulator ended: run `make down`"):
            up(settings)
    finally:
        down(tmp_path)


def test_down_ends_exactly_what_up_started(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        state = up(LabSettings(directory=tmp_path, profile="instant", services=False))
        pids = [int(value) for name, value in state.variables.items() if name.startswith("LAB_PID_")]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        assert down(tmp_path)
        assert not any(process.alive for process in state.processes.values())
        assert not state.env_file.exists()
        assert bystander.poll() is None
        assert not down(tmp_path)
    finally:
        bystander.communicate(b"\n")


def test_a_start_that_fails_ends_everything_and_shows_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LabError, match=f"simulator ended.*(?s:.*){address}"):
            up(LabSettings(directory=tmp_path, profile="instant", services=False, vcenter_listen=address))
    assert LabState.load(tmp_path) is None
    # What its processes have started goes a moment after them.
    wait_until(
        lambda: _processes_below(tmp_path) == [], "everything to be gone", seen=lambda: _processes_below(tmp_path)
    )


def test_a_lab_that_a_reboot_ended_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """The pid of the simulator now belongs to somebody else: this test."""
    state = {"processes": {"simulator": {"pid": os.getpid(), "started": 1}}, "variables": {}, "ready": True}
    (tmp_path / "state.json").write_text(json.dumps(state))
    assert running(tmp_path) is None
    assert not down(tmp_path)
    assert LabState.load(tmp_path) is None


def _processes_below(directory: Path) -> list[str]:
    """Command lines of running processes that work in `directory`."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(directory):
                found.append((link.parent / "cmdline").read_text())
        except OSError:
            continue
    return found
