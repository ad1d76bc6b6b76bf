import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cse_lab import processes
from cse_lab.processes import LabError, ProcessId, ServerProcess, tail
from cse_testing.waiting import wait_until

_PARENT = """
import signal, subprocess, sys
if sys.argv[1:] == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, flush=True)
signal.pause()
"""


def _start(directory: Path, *arguments: str) -> tuple[ServerProcess, int]:
    """A process that has started another one, and the pid of that."""
    log = directory / "log"
    command = [sys.executable, "-c", _PARENT, *arguments]
    process = ServerProcess.start(command, log=log, environment=dict(os.environ), directory=directory)
    wait_until(lambda: log.read_text().endswith("\n"), "the pid of what it started", seen=log.read_text)
    return process, int(log.read_text())


@pytest.mark.parametrize("arguments", [(), ("stubborn",)])
def test_ending_a_process_ends_what_it_started_too(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    process, child = _start(tmp_path, *arguments)
    process.terminate(grace_s=0.5)
    assert not process.alive
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "what it started to be gone")
    process.terminate()


def test_a_killed_process_is_gone_when_kill_returns(tmp_path: Path) -> None:
    process, child = _start(tmp_path)
    process.kill()
    assert not process.alive
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "what it started to be gone")


def test_a_process_that_ends_while_it_is_looked_at_leaves_no_zombie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, _ = _start(tmp_path)
    look = processes._started

    def ends_first(pid: int) -> int | None:
        os.killpg(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return look(pid)

    monkeypatch.setattr(processes, "_started", ends_first)
    assert not process.alive
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def test_another_process_with_the_same_pid_is_left_alone() -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        gone = ServerProcess(id=ProcessId(pid=bystander.pid, started=1))
        assert not gone.alive
        gone.terminate()
        gone.kill()
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"cannot start /no/such/program: No such file"):
        ServerProcess.start(["/no/such/program"], log=tmp_path / "log", environment={}, directory=tmp_path)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert tail(log, lines=2) == "    line 4998\n    line 4999"
