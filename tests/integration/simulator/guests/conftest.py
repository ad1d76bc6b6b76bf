"""Guests to test with: a hypervisor whose work takes no time, and a shell in each guest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cse_testing.simulated import Boot, Shell, Times
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import GuestSpec, Hypervisor
from vcd_simulator.guests.limits import Limits


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
