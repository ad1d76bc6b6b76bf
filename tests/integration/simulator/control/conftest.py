"""A simulator that tests may disturb; each test finds it without faults and with counters at zero."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S
from vcd_simulator.simulator import Simulator

PASSWORDS = {"administrator": ("System", "vcd-secret"), "alice": ("acme", "alice-secret")}


@pytest.fixture(scope="session")
def disturbed() -> Iterator[Simulator]:
    with Simulator(profile="instant") as running:
        yield running


@pytest.fixture
def vcd(disturbed: Simulator) -> Iterator[Simulator]:
    disturbed.stats.reset()
    yield disturbed
    disturbed.faults.clear()


def rest(vcd: Simulator, user: str) -> VcdRest:
    org, password = PASSWORDS[user]
    return VcdRest.login(vcd.address, org=org, user=user, password=password)


@pytest.fixture
def alice(vcd: Simulator) -> VcdRest:
    return rest(vcd, "alice")


@pytest.fixture
def administrator(vcd: Simulator) -> VcdRest:
    return rest(vcd, "administrator")


class Control:
    """The control API, by its token."""

    def __init__(self, vcd: Simulator) -> None:
        self.vcd = vcd
        self.session = requests.Session()
        self.session.trust_env = False  # proxies and authorities of the machine are not meant for us
        self.session.verify = vcd.ca_file
        self.session.headers["x-simulator-token"] = vcd.control_token

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Send a request that has to be answered with this status; returns the JSON, if there is any."""
        reply = self.session.request(method, f"{self.vcd.url}/simulator{path}", timeout=LIMIT_S, **options)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None


@pytest.fixture
def control(vcd: Simulator) -> Iterator[Control]:
    client = Control(vcd)
    yield client
    client.session.close()
