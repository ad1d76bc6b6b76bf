"""Guests to test with: a hypervisor whose work takes no time, and a shell in each guest."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vcd_simulator.guests import GuestSpec, Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.sandbox import Limits

LIMIT_S = 20.0


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Times:
    """Latencies that a test sets; everything else takes no time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def delay(self, kind: str) -> float:
        return self.seconds.get(kind, 0.0)


class Shell:
    """Root's shell in a guest."""

    def __init__(self, hypervisor: Hypervisor, moid: str) -> None:
        self.hypervisor = hypervisor
        self.moid = moid

    @property
    def guest(self) -> Guest:
        return self.hypervisor.guest(self.moid)

    def run(self, script: str) -> Result:
        return Result(*self.hypervisor.execute(self.moid, script))

    def succeed(self, script: str) -> str:
        result = self.run(script)
        assert result.code == 0, f"exit code {result.code}: {result.err}"
        return result.out

    def fail(self, script: str) -> Result:
        result = self.run(script)
        assert result.code != 0, f"it succeeded: {result.out}"
        return result


Boot = Callable[..., Shell]


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def hypervisor(times: Times, limits: Limits, tmp_path: Path) -> Iterator[Hypervisor]:
    running = Hypervisor(times, state_dir=tmp_path, limits=limits)
    yield running
    running.close()


@pytest.fixture
def boot(hypervisor: Hypervisor) -> Boot:
    """Boot a guest, by default on the network that all guests share."""

    def start(name: str = "node-1", address: str = "10.0.0.2", image: str = "ubuntu", **spec: Any) -> Shell:
        hypervisor.create(name, image, "vc1")
        values = {"computer_name": name, "ip_addresses": (address,), "cpu_count": 2, "customize": True, **spec}
        hypervisor.power_on(name, GuestSpec(name=name, **values))
        hypervisor.wait_for_tools(name, LIMIT_S)
        return Shell(hypervisor, name)

    return start


@pytest.fixture
def shell(boot: Boot) -> Shell:
    return boot()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, with a limit."""
    pause = threading.Event()
    for _ in range(int(LIMIT_S / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("waited in vain")
